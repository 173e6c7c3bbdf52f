-- One row per current claim, without names and identifiers: keys are keyed hashes, made with a key that stays outside.
--
-- Still personal data by law (91/2025/QH15): for analysts, never for BI. Sorted by month and facility, so that a query of either reads little.
SELECT
    claim_key,
    keyed(person_id) AS person_key,
    facility_code,
    month,
    service_month,
    care_type,
    object_code,
    payer_group,
    age_years,
    sex,
    home_province_code,
    icd_code AS main_icd,
    outcome AS discharge_outcome,
    treatment_days,
    total_cost,
    covered_cost,
    fund_paid,
    copayment,
    self_paid,
    other_sources,
    source_form,
    standard
FROM steps.claim
ORDER BY month, facility_code, claim_key
