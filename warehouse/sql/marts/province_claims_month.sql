-- One row per claim month and province: the visits that its facilities gave, and those that its insured had elsewhere.
--
-- All but referred_out_visits counts at the province of care; a province whose insured were only treated elsewhere has a row of zeros.
-- visits_per_insured: by the insured of that month and province, NULL where no register is in use. cost_per_visit: total cost.
-- copayment_share: copayment / covered cost, a fraction of 1. province_code NULL: the facility's province is not known.
WITH given AS (
    SELECT
        month,
        care_province_code AS province_code,
        count(*) AS visits,
        count(DISTINCT person_id) AS patients,
        count(*) FILTER (WHERE care_type = 'inpatient') AS inpatient_visits,
        sum(fund_paid) AS fund_paid,
        sum(total_cost) AS total_cost,
        sum(covered_cost) AS covered_cost,
        sum(copayment) AS copayment,
        count(*) FILTER (WHERE out_of_province) AS referred_in_visits
    FROM steps.claim
    GROUP BY month, care_province_code
),

sought AS (
    SELECT month, home_province_code AS province_code, sum(visits) AS referred_out_visits
    FROM marts.referral_month
    GROUP BY month, home_province_code
),

paired AS (
    SELECT
        coalesce(g.month, s.month) AS month,
        coalesce(g.province_code, s.province_code) AS province_code,
        coalesce(g.visits, 0) AS visits,
        coalesce(g.patients, 0) AS patients,
        coalesce(g.inpatient_visits, 0) AS inpatient_visits,
        coalesce(g.fund_paid, 0) AS fund_paid,
        g.total_cost,
        g.covered_cost,
        g.copayment,
        coalesce(g.referred_in_visits, 0) AS referred_in_visits,
        coalesce(s.referred_out_visits, 0) AS referred_out_visits
    FROM given AS g
    FULL JOIN sought AS s ON s.month = g.month AND s.province_code = g.province_code
)

SELECT
    p.month,
    p.province_code,
    p.visits,
    p.patients,
    p.inpatient_visits,
    p.fund_paid::DECIMAL(18, 2) AS fund_paid,
    p.visits::DOUBLE / nullif(i.insured_persons, 0) AS visits_per_insured,
    p.total_cost::DOUBLE / nullif(p.visits, 0) AS cost_per_visit,
    p.copayment::DOUBLE / nullif(p.covered_cost, 0)::DOUBLE AS copayment_share,
    p.referred_in_visits,
    p.referred_out_visits::BIGINT AS referred_out_visits
FROM paired AS p
LEFT JOIN marts.coverage_province_month AS i ON i.month = p.month AND i.province_code = p.province_code
ORDER BY p.month, p.province_code NULLS LAST
