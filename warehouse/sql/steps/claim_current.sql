-- One row per current claim, with a number of its own (`claim_id`, of this build only) that the steps up to steps.claim_known join on.
--
-- admitted_on: the day of NGAY_VAO, or of NGAY_RA where NGAY_VAO is missing.
SELECT
    row_number() OVER (ORDER BY c.facility_code, v.counted_episode) AS claim_id,
    c.delivery_id,
    c.row_number,
    c.facility_code,
    v.counted_episode AS episode,
    c.month,
    c.care_type,
    coalesce(c.admitted_at, c.discharged_at)::DATE AS admitted_on,
    c.discharged_at::DATE AS discharged_on,
    c.citizen_id,
    c.birth_date,
    c.sex,
    c.card_numbers,
    c.card_valid_from,
    c.card_valid_to,
    c.amount_differs
FROM steps.claim_row AS c
INNER JOIN steps.claim_version AS v ON v.delivery_id = c.delivery_id AND v.row_number = c.row_number
WHERE v.label = 'current'
ORDER BY claim_id
