-- One row per month that a facility is asked about (steps.facility_place): a digest of what the facilities were in it.
SELECT
    day AS month,
    sum(hash(facility_code, facility_name, province_code, facility_level, ownership))::VARCHAR AS digest
FROM steps.facility_place
GROUP BY day
ORDER BY day
