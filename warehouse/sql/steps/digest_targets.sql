-- One row per month of the registers: a digest of the coverage targets of its year.
SELECT months.month, sum(hash(targets))::VARCHAR AS digest
FROM (SELECT DISTINCT month FROM steps.register_in_use) AS months
LEFT JOIN steps.target_figure AS targets ON targets.year = year(months.month)
GROUP BY months.month
ORDER BY months.month
