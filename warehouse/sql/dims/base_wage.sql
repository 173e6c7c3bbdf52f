-- One row per base wage and stretch of time in which it held.
SELECT
    valid_from::DATE AS valid_from,
    valid_to::DATE AS valid_to,
    vnd_per_month::DOUBLE AS vnd_per_month,
    decision,
    status,
    source
FROM reference.base_wage
ORDER BY valid_from
