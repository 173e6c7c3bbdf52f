-- One row per quarter of the tax authority's lists and province that has employers in them, or enterprises registered.
--
-- Contract, "Employers", at the end of the quarter; only active employers (TRANG_THAI 00) are counted. Sums are over employers: a person whom two employers
-- pay and insure counts for both, in the paid as in the insured. A province without employers in the lists of the quarter, or without enterprises in
-- the planning lists, has NULL in the measures that would come from there, never a zero. Before the first card register what is insured is NULL.
-- new_enterprises_missing: active, registered in the 365 days that end with the quarter, people paid, nobody insured.
WITH quarters AS (
    SELECT DISTINCT quarter, quarter_end FROM steps.employer_quarter
),

employers AS (
    SELECT
        quarter,
        province_code,
        count(*) FILTER (WHERE is_active) AS employers_active,
        coalesce(sum(employees_paid) FILTER (WHERE is_active), 0)::BIGINT AS employees_paid,
        count(employees_insured) > 0 AS is_compared,
        count(*) FILTER (WHERE is_active AND employees_insured > 0) AS employers_insuring,
        coalesce(sum(employees_insured) FILTER (WHERE is_active), 0)::BIGINT AS employees_insured,
        count(*) FILTER (WHERE is_active AND employees_missing > 0) AS employers_missing,
        coalesce(sum(employees_missing) FILTER (WHERE is_active), 0)::BIGINT AS employees_missing,
        count(*) FILTER (
            WHERE is_active
            AND employees_paid > 0
            AND employees_insured = 0
            AND registered_on BETWEEN quarter_end - 364 AND quarter_end
        ) AS new_enterprises_missing
    FROM steps.employer_quarter
    GROUP BY quarter, province_code
),

enterprises AS (
    SELECT
        quarters.quarter,
        listed.province_code,
        count(*) FILTER (
            WHERE listed.registered_on <= quarters.quarter_end
            AND (listed.dissolved_on IS NULL OR listed.dissolved_on > quarters.quarter_end)
        ) AS enterprises_registered
    FROM quarters
    CROSS JOIN steps.enterprise AS listed
    GROUP BY quarters.quarter, listed.province_code
)

SELECT
    quarter,
    province_code,
    enterprises.enterprises_registered,
    employers.employers_active,
    employers.employees_paid,
    CASE WHEN employers.is_compared THEN employers.employers_insuring END AS employers_insuring,
    CASE WHEN employers.is_compared THEN employers.employees_insured END AS employees_insured,
    CASE WHEN employers.is_compared THEN employers.employers_missing END AS employers_missing,
    CASE WHEN employers.is_compared THEN employers.employees_missing END AS employees_missing,
    CASE WHEN employers.is_compared THEN employers.new_enterprises_missing END AS new_enterprises_missing
FROM employers
FULL JOIN enterprises USING (quarter, province_code)
ORDER BY quarter, province_code
