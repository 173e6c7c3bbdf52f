-- One row per month of the registers: a digest of the population figures that may count for it, those of its year and earlier.
WITH figures AS (
    SELECT year, hash('province', figures_of) AS figure
    FROM steps.population_province_year AS figures_of
    UNION ALL
    SELECT year, hash('commune', figures_of) AS figure
    FROM steps.population_commune_year AS figures_of
    UNION ALL
    SELECT year, hash('age and sex', figures_of) AS figure
    FROM steps.population_age_sex_year AS figures_of
),

years AS (
    SELECT year, sum(hash(year, figure)) AS digest
    FROM figures
    GROUP BY year
)

SELECT months.month, sum(years.digest)::VARCHAR AS digest
FROM (SELECT DISTINCT month FROM steps.register_in_use) AS months
LEFT JOIN years ON years.year <= year(months.month)
GROUP BY months.month
ORDER BY months.month
