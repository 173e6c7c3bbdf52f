-- One row per current claim: who, where from, where to, what for, at what cost. What the marts and facts of claims are made of.
--
-- Provinces are those of the 34. care_province_code: of the facility in the claim month; home_province_code: of the facility where
-- the first card is registered (MA_DKBD). out_of_province: both are known and differ.
-- icd_code: the main diagnosis in capitals, without the marks that ICD-10 puts behind a code (†, *, +); NULL where the text cannot be a code (words in
-- its place might be about a person, and everybody sees the codes). outcome: one digit, else NULL.
-- payer_group: of the object code on the day of discharge. age_years: full years on the day of admission.
-- A code is looked up once per day, so that one listed twice cannot double a claim.
WITH groups AS (
    SELECT d.object_code, d.discharged_on, max({'valid_from': g.valid_from, 'payer_group': g.payer_group}).payer_group AS payer_group
    FROM (SELECT DISTINCT object_code, discharged_on FROM steps.claim_counted WHERE object_code IS NOT NULL) AS d
    INNER JOIN (
        SELECT
            object_code,
            payer_group,
            coalesce(try_cast(valid_from AS DATE), DATE '0001-01-01') AS valid_from,
            coalesce(try_cast(valid_to AS DATE), DATE '9999-12-31') AS valid_to
        FROM reference.object_codes
    ) AS g ON g.object_code = d.object_code
    WHERE d.discharged_on BETWEEN g.valid_from AND g.valid_to
    GROUP BY d.object_code, d.discharged_on
)

SELECT
    c.claim_id,
    c.person_id,
    c.found_by AS person_found_by,
    t.source_form,
    t.standard,
    c.facility_code,
    c.episode,
    c.month,
    c.service_month,
    c.care_type,
    c.admitted_on,
    c.discharged_on,
    care.province_code AS care_province_code,
    home.province_code AS home_province_code,
    coalesce(care.province_code <> home.province_code, false) AS out_of_province,
    c.object_code,
    g.payer_group,
    CASE WHEN t.birth_date <= c.admitted_on THEN date_sub('year', t.birth_date, c.admitted_on) END AS age_years,
    t.sex,
    nullif(regexp_extract(rtrim(upper(trim(t.main_icd)), '†*+ '), '^([A-Z0-9.]{1,7}|[A-Z][0-9][A-Z0-9.,;/*+-]{0,18})$'), '') AS icd_code,
    CASE WHEN length(t.outcome) = 1 THEN t.outcome END AS outcome,
    t.treatment_days,
    t.total_cost,
    t.covered_cost,
    t.fund_paid,
    t.copayment,
    t.self_paid,
    t.other_sources,
    t.lines_total_cost
FROM steps.claim_counted AS c
INNER JOIN typed.claims AS t ON t.delivery_id = c.delivery_id AND t.row_number = c.row_number
INNER JOIN steps.facility_place AS care ON care.facility_code = c.facility_code AND care.day = c.month
LEFT JOIN steps.facility_place AS home ON home.facility_code = c.registered_facility AND home.day = c.month
LEFT JOIN groups AS g ON g.object_code = c.object_code AND g.discharged_on = c.discharged_on
ORDER BY c.claim_id
