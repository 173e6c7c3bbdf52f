-- One row per current claim, as delivered, with a number of its own (`claim_id`, of this build only) that everything below joins on.
--
-- month: the settlement period (NAM_QT, THANG_QT); service_month: the month of discharge (NGAY_RA).
-- care_type: inpatient for MA_LOAI_KCB 03, 04 and 09 (QĐ 4210: 3), outpatient for all other codes and for none. The contract defines it so for all dates,
-- and the lists of QĐ 4210, QĐ 824 and QĐ 1804 (from 2026-08-01) agree: reference.care_types is tested against it.
-- admitted_on: the day of NGAY_VAO, or of NGAY_RA where NGAY_VAO is missing.
-- icd_code: the main diagnosis in capitals, without the marks that ICD-10 puts behind a code (†, *, +).
SELECT
    row_number() OVER (ORDER BY c.facility_code, v.counted_episode) AS claim_id,
    c.delivery_id,
    c.row_number,
    c.facility_code,
    v.counted_episode AS episode,
    c.source_form,
    c.standard,
    make_date(c.settlement_year, c.settlement_month, 1) AS month,
    date_trunc('month', c.discharged_at)::DATE AS service_month,
    CASE WHEN ltrim(c.care_code, '0') IN ('3', '4', '9') THEN 'inpatient' ELSE 'outpatient' END AS care_type,
    coalesce(c.admitted_at, c.discharged_at)::DATE AS admitted_on,
    c.discharged_at::DATE AS discharged_on,
    -- A number of one digit repeated (000000000000) is a placeholder and identifies nobody.
    CASE WHEN ltrim(c.citizen_id, left(c.citizen_id, 1)) <> '' THEN c.citizen_id END AS citizen_id,
    c.birth_date,
    c.sex,
    c.card_numbers,
    c.card_valid_from,
    c.card_valid_to,
    nullif(trim(c.registered_facilities[1]), '') AS registered_facility,
    nullif(rtrim(upper(trim(c.main_icd)), '†*+ '), '') AS icd_code,
    c.outcome,
    c.treatment_days,
    c.total_cost,
    c.covered_cost,
    c.fund_paid,
    c.copayment,
    c.self_paid,
    c.other_sources,
    c.lines_total_cost
FROM typed.claims AS c
INNER JOIN steps.claim_version AS v ON v.delivery_id = c.delivery_id AND v.row_number = c.row_number
WHERE v.label = 'current'
ORDER BY claim_id
