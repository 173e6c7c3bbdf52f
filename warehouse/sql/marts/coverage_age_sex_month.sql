-- One row per month, province, age band and sex of the insured.
--
-- Age is in full years on the last day of the month, the bands are those of the population lists; born "1980" is 1980-01-01. Who is born after that
-- day has no age: NULL. `coverage_pct` is NULL without a population figure of the cell or where the province has no register.
WITH births AS (
    SELECT month, month_end, province_code, sex, birth_date, count(*) AS insured_persons
    FROM steps.insured_person_month
    GROUP BY month, month_end, province_code, sex, birth_date
),

aged AS (
    SELECT
        *,
        year(month_end) - year(birth_date)
        - (month(birth_date) * 100 + day(birth_date) > month(month_end) * 100 + day(month_end))::INTEGER AS age
    FROM births
),

insured AS (
    SELECT
        month,
        year(month) AS year,
        province_code,
        CASE
            WHEN age < 0 THEN NULL
            WHEN age < 6 THEN '0-5'
            WHEN age < 18 THEN '6-17'
            WHEN age < 60 THEN '18-59'
            WHEN age < 70 THEN '60-69'
            WHEN age < 80 THEN '70-79'
            WHEN age >= 80 THEN '80+'
        END AS age_band,
        sex,
        sum(insured_persons)::BIGINT AS insured_persons
    FROM aged
    GROUP BY ALL
)

SELECT
    insured.month,
    insured.province_code,
    insured.age_band,
    insured.sex,
    insured.insured_persons,
    population.population,
    CASE WHEN province.register_month IS NOT NULL AND population.population > 0
        THEN insured.insured_persons / population.population * 100
    END AS coverage_pct,
    population.year AS population_year
FROM insured
ASOF LEFT JOIN steps.population_age_sex_year AS population
    ON
        population.province_code = insured.province_code
        AND population.age_band = insured.age_band
        AND population.sex = insured.sex
        AND insured.year >= population.year
LEFT JOIN marts.coverage_province_month AS province
    ON province.month = insured.month AND province.province_code = insured.province_code
ORDER BY insured.month, insured.province_code, insured.age_band, insured.sex
