-- One row per current claim of the months that must be made, with a number of its own (`claim_id`, of this build only) that everything below joins on.
--
-- The build sets the variables to the claim months and service months that parts to be made look at, and to the first and last claim month that
-- has a claim of these, so that no part of the memory outside is opened; without them it is all claims.
SELECT
    row_number() OVER (ORDER BY facility_code, counted_episode) AS claim_id,
    delivery_id,
    row_number,
    facility_code,
    counted_episode AS episode,
    month,
    service_month,
    care_type,
    coalesce(admitted_at, discharged_at)::DATE AS admitted_on,
    discharged_at::DATE AS discharged_on,
    registered_facility,
    person_id,
    found_by,
    object_code,
    signals
FROM steps.claim_known
WHERE
    label = 'current'
    AND month BETWEEN coalesce(getvariable('claim_months_within')[1], DATE '0001-01-01')
    AND coalesce(getvariable('claim_months_within')[2], DATE '9999-12-31')
    AND (
        getvariable('claim_months') IS NULL
        OR list_contains(getvariable('claim_months'), month)
        OR list_contains(getvariable('claim_service_months'), service_month)
    )
ORDER BY claim_id
