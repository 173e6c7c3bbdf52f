-- One row per current claim, without names and identifiers: keys are keyed hashes, made with a key that stays outside.
--
-- Still personal data by law (91/2025/QH15): for analysts, never for BI. Sorted by month and facility, so that a query of either reads little.
SELECT
    k.claim_key,
    keyed(c.person_id) AS person_key,
    c.person_found_by,
    c.facility_code,
    c.month,
    c.service_month,
    c.care_type,
    c.object_code,
    c.payer_group,
    c.age_years,
    c.sex,
    c.home_province_code,
    c.icd_code AS main_icd,
    c.outcome AS discharge_outcome,
    c.treatment_days,
    c.total_cost,
    c.covered_cost,
    c.fund_paid,
    c.copayment,
    c.self_paid,
    c.other_sources,
    c.source_form,
    c.standard
FROM steps.claim AS c
INNER JOIN steps.claim_key AS k ON k.claim_id = c.claim_id
ORDER BY c.month, c.facility_code, k.claim_key
