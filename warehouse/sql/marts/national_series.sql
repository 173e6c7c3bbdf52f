-- One row per year, measure, basis and source: a published national figure to reconcile against, not one of ours.
-- `status` says how sure it is (UNCERTAIN…: from memory, not from a source at hand).
SELECT
    year::INTEGER AS year,
    measure,
    value::DOUBLE AS value,
    basis,
    source,
    note,
    status
FROM reference.national_series
ORDER BY year, measure, basis, source, value
