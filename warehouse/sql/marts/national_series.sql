-- One row per year, measure, basis and source: a published national figure to reconcile against, not one of ours.
SELECT
    year::INTEGER AS year,
    measure,
    value::DOUBLE AS value,
    basis,
    source
FROM reference.national_series
ORDER BY year, measure, basis, source, value
