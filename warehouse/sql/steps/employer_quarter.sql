-- One row per quarter and employer of the tax authority's lists: people paid, and people insured at the quarter's end. Restricted: employers may
-- be persons.
--
-- Contract, "Employers": insured = distinct persons with a valid card bearing the tax code; branches (13 digits) stand apart. The latest row of
-- the quarter counts. The registers are those in use for the quarter's last month; where that lies before the first
-- register, nobody knows: `employees_insured` is NULL, never zero. `registered_on` comes from the enterprise's latest row in the planning lists.
WITH listed AS (
    SELECT
        quarter,
        make_date(left(quarter, 4)::INTEGER, right(quarter, 1)::INTEGER * 3, 1) AS last_month,
        tax_code,
        name,
        province_code,
        commune_code,
        status,
        employees_paid
    FROM typed.employers
    QUALIFY row_number() OVER (PARTITION BY quarter, tax_code ORDER BY received_rank DESC, row_number DESC) = 1
),

insured AS (
    SELECT quarters.last_month AS month, cards.employer_tax_code AS tax_code, count(DISTINCT cards.person_id) AS employees_insured
    FROM steps.insured_card_span AS cards
    INNER JOIN (SELECT DISTINCT last_month FROM listed) AS quarters
        ON last_day(quarters.last_month) BETWEEN cards.first_month_end AND cards.last_month_end
    WHERE cards.employer_tax_code IS NOT NULL
    GROUP BY quarters.last_month, cards.employer_tax_code
),

known AS (
    SELECT DISTINCT month FROM steps.register_in_use
)

SELECT
    listed.quarter,
    last_day(listed.last_month) AS quarter_end,
    listed.tax_code,
    listed.name,
    listed.province_code,
    listed.commune_code,
    coalesce(listed.status = '00', false) AS is_active,
    enterprises.registered_on,
    listed.employees_paid,
    CASE WHEN known.month IS NOT NULL THEN coalesce(insured.employees_insured, 0) END AS employees_insured,
    CASE WHEN known.month IS NOT NULL THEN greatest(0, listed.employees_paid - coalesce(insured.employees_insured, 0)) END AS employees_missing
FROM listed
LEFT JOIN known ON known.month = listed.last_month
LEFT JOIN insured ON insured.month = listed.last_month AND insured.tax_code = listed.tax_code
LEFT JOIN steps.enterprise AS enterprises ON enterprises.tax_code = listed.tax_code
ORDER BY listed.quarter, listed.tax_code
