-- One row per run and step: where the time went. Of the run that builds this version the steps before the build.
SELECT run_id, place, step, seconds, files, records, megabytes, megabytes / nullif(seconds, 0) AS megabytes_per_second
FROM ledger.timings
ORDER BY run_id, place
