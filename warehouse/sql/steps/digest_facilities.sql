-- One row per month of the registers: a digest of what the facilities are at its end, as far as a coverage mart tells of it.
SELECT
    months.month,
    sum(hash(facilities.facility_code, facilities.valid_from, facilities.facility_level, facilities.ownership))::VARCHAR AS digest
FROM (SELECT DISTINCT month, month_end FROM steps.register_in_use) AS months
LEFT JOIN dims.facility AS facilities
    ON
        coalesce(facilities.valid_from <= months.month_end, true)
        AND coalesce(facilities.valid_to >= months.month_end, true)
GROUP BY months.month
ORDER BY months.month
