-- One row per month that a facility is asked about (steps.facility_place): a digest of what the facilities were in it.
SELECT
    day AS month,
    sum(hash(places))::VARCHAR AS digest
FROM steps.facility_place AS places
GROUP BY day
ORDER BY day
