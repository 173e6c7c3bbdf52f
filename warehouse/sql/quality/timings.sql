-- One row per run and step: where the time went. Of the latest run the steps before its build, which is what shows them.
WITH latest AS (
    SELECT run_id, min(place) FILTER (WHERE step = 'build') AS build_place
    FROM ledger.timings
    GROUP BY run_id
    ORDER BY run_id DESC
    LIMIT 1
)

SELECT t.run_id, t.place, t.step, t.seconds, t.files, t.records, t.megabytes, t.megabytes / nullif(t.seconds, 0) AS megabytes_per_second
FROM ledger.timings AS t
WHERE NOT EXISTS (SELECT 1 FROM latest WHERE latest.run_id = t.run_id AND t.place >= latest.build_place)
ORDER BY t.run_id, t.place
