-- One row per month of the registers: a digest of what the facilities are at its end.
--
-- Until when a facility is that is left out: a later list that says something else concerns later months.
SELECT months.month, sum(hash(facilities.said))::VARCHAR AS digest
FROM (SELECT DISTINCT month, month_end FROM steps.register_in_use) AS months
LEFT JOIN (
    SELECT valid_from, valid_to, row(*COLUMNS(* EXCLUDE (valid_to))) AS said
    FROM dims.facility
) AS facilities
    ON
        coalesce(facilities.valid_from <= months.month_end, true)
        AND coalesce(facilities.valid_to >= months.month_end, true)
GROUP BY months.month
ORDER BY months.month
