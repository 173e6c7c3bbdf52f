-- One row per quarter and facility with claims in it or a budget of its year, and per quarter and province with a budget of its own.
--
-- Quarters are those in which claims were settled. A province's row has no facility_code; its fund_paid is that of all its facilities.
-- budget: of the whole year, the last delivered for its holder. The budgets of the old provinces (63) that went into one of the 34 are
-- added up, but where that province's own came in a later delivery than an old one's, it has replaced it.
-- budget_used_pct: fund paid from January to the end of the quarter / budget × 100; NULL without a budget.
WITH paid AS (
    SELECT
        date_trunc('quarter', month)::DATE AS quarter_start,
        facility_code,
        arg_max(province_code, month) AS province_code,
        sum(fund_paid) AS fund_paid
    FROM marts.facility_month
    GROUP BY date_trunc('quarter', month)::DATE, facility_code
),

quarters AS (
    SELECT DISTINCT quarter_start, year(quarter_start) AS year
    FROM paid
),

delivered AS (
    SELECT
        year,
        nullif(facility_code, '') AS facility_code,
        CASE WHEN coalesce(facility_code, '') = '' THEN province_code END AS province_code,
        CASE WHEN coalesce(facility_code, '') = '' THEN old_province_code END AS old_province_code,
        arg_max(budget, {'received_rank': received_rank, 'row_number': row_number}) AS budget,
        max(received_rank) AS received_rank
    FROM typed.budgets
    GROUP BY ALL
),

budgets AS (
    SELECT d.year, d.facility_code, d.province_code, sum(d.budget) AS budget
    FROM delivered AS d
    LEFT JOIN delivered AS merged
        ON
            merged.year = d.year
            AND merged.province_code = d.province_code
            AND merged.old_province_code IS NULL
            AND d.old_province_code IS NOT NULL
    WHERE coalesce(merged.received_rank <= d.received_rank, true)
    GROUP BY d.year, d.facility_code, d.province_code
),

facility_rows AS (
    SELECT quarter_start, facility_code FROM paid
    UNION
    SELECT q.quarter_start, b.facility_code
    FROM quarters AS q
    INNER JOIN budgets AS b ON b.year = q.year
    WHERE b.facility_code IS NOT NULL
),

holders AS (
    SELECT
        r.quarter_start,
        coalesce(p.province_code, f.province_code) AS province_code,
        r.facility_code,
        b.budget
    FROM facility_rows AS r
    LEFT JOIN paid AS p ON p.quarter_start = r.quarter_start AND p.facility_code = r.facility_code
    LEFT JOIN steps.facility_place AS f ON f.facility_code = r.facility_code AND f.day = r.quarter_start
    LEFT JOIN budgets AS b ON b.year = year(r.quarter_start) AND b.facility_code = r.facility_code
    UNION ALL
    SELECT q.quarter_start, b.province_code, NULL AS facility_code, b.budget
    FROM quarters AS q
    INNER JOIN budgets AS b ON b.year = q.year
    WHERE b.facility_code IS NULL
),

-- Everything a holder's facilities were paid in the year up to the quarter; a facility is paid for itself and for its province.
spent AS (
    SELECT facility_code, NULL AS province_code, quarter_start, fund_paid FROM paid
    UNION ALL
    SELECT NULL AS facility_code, province_code, quarter_start, sum(fund_paid) AS fund_paid
    FROM paid
    WHERE province_code IS NOT NULL
    GROUP BY province_code, quarter_start
),

accounts AS (
    SELECT
        h.quarter_start,
        h.province_code,
        h.facility_code,
        h.budget,
        coalesce(sum(s.fund_paid) FILTER (WHERE s.quarter_start = h.quarter_start), 0) AS fund_paid,
        coalesce(sum(s.fund_paid), 0) AS fund_paid_in_year
    FROM holders AS h
    LEFT JOIN spent AS s
        ON
            coalesce(s.facility_code, 'province ' || s.province_code) = coalesce(h.facility_code, 'province ' || h.province_code)
            AND year(s.quarter_start) = year(h.quarter_start)
            AND s.quarter_start <= h.quarter_start
    GROUP BY h.quarter_start, h.province_code, h.facility_code, h.budget
)

SELECT
    year(quarter_start) || '-Q' || quarter(quarter_start) AS quarter,
    province_code,
    facility_code,
    budget::DECIMAL(18, 2) AS budget,
    fund_paid::DECIMAL(18, 2) AS fund_paid,
    100 * fund_paid_in_year::DOUBLE / nullif(budget, 0)::DOUBLE AS budget_used_pct
FROM accounts
ORDER BY quarter, province_code NULLS LAST, facility_code NULLS FIRST
