-- One row per current claim: who, where from, where to, what for, at what cost. What the marts and facts of claims are made of.
--
-- Provinces are those of the 34. care_province_code: of the facility in the claim month; home_province_code: of the facility where
-- the first card is registered (MA_DKBD). out_of_province: both are known and differ.
-- object_code: letters of the first listed card of 15 characters; without one, what the registers say of the first known card.
-- payer_group: of the object code on the day of discharge. age_years: full years on the day of admission.
WITH cards AS (
    SELECT
        claim_id,
        arg_min(left(card_number, 2), place) FILTER (WHERE length(card_number) = 15) AS letters,
        arg_min(card_key, place) AS card_key
    FROM steps.claim_card
    GROUP BY claim_id
),

-- Only claims with nothing but 10-digit numbers: the latest object code up to the day of discharge, else the first.
short_cards AS (
    SELECT
        c.claim_id,
        coalesce(
            arg_max(s.object_code, s.valid_from) FILTER (WHERE s.valid_from <= c.discharged_on),
            arg_min(s.object_code, s.valid_from)
        ) AS object_code
    FROM steps.claim_current AS c
    INNER JOIN cards AS k ON k.claim_id = c.claim_id
    INNER JOIN steps.card_span AS s ON s.card_key = k.card_key
    WHERE k.letters IS NULL
    GROUP BY c.claim_id
),

coded AS (
    SELECT c.*, coalesce(k.letters, s.object_code) AS object_code
    FROM steps.claim_current AS c
    LEFT JOIN cards AS k ON k.claim_id = c.claim_id
    LEFT JOIN short_cards AS s ON s.claim_id = c.claim_id
),

-- Looked up once per code and day, so that a code listed twice cannot double a claim.
groups AS (
    SELECT d.object_code, d.discharged_on, max({'valid_from': g.valid_from, 'payer_group': g.payer_group}).payer_group AS payer_group
    FROM (SELECT DISTINCT object_code, discharged_on FROM coded WHERE object_code IS NOT NULL) AS d
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
    p.person_id,
    p.found_by AS person_found_by,
    c.source_form,
    c.standard,
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
    CASE WHEN c.birth_date <= c.admitted_on THEN date_sub('year', c.birth_date, c.admitted_on) END AS age_years,
    c.sex,
    c.icd_code,
    c.outcome,
    c.treatment_days,
    c.total_cost,
    c.covered_cost,
    c.fund_paid,
    c.copayment,
    c.self_paid,
    c.other_sources,
    c.lines_total_cost
FROM coded AS c
INNER JOIN steps.claim_person AS p ON p.claim_id = c.claim_id
INNER JOIN steps.facility_place AS care ON care.facility_code = c.facility_code AND care.day = c.month
LEFT JOIN steps.facility_place AS home ON home.facility_code = c.registered_facility AND home.day = c.month
LEFT JOIN groups AS g ON g.object_code = c.object_code AND g.discharged_on = c.discharged_on
ORDER BY c.claim_id
