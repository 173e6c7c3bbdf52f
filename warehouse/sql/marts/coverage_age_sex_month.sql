-- One row per month, province, age band and sex of the insured.
--
-- Age is in full years on the last day of the month, the bands are those of the population lists; born "1980" is 1980-01-01. Who is born after that
-- day has no age: NULL. `coverage_pct` is NULL without a population figure of the cell or where the province has no register.
-- A day is a number here, 20250331: two are 60000 apart or more when six years are full. Nearly everybody is in one band from the first month of a
-- stretch to its last and is counted as in the other marts; only who grows into another on the way is looked at month by month.
WITH births AS (
    SELECT first_month_end, last_month_end, province_code, sex, birth_date, count(*) AS insured_persons
    FROM steps.insured_person_span
    GROUP BY first_month_end, last_month_end, province_code, sex, birth_date
),

days AS (
    SELECT
        *,
        year(birth_date) * 10000 + month(birth_date) * 100 + day(birth_date) AS born,
        year(first_month_end) * 10000 + month(first_month_end) * 100 + day(first_month_end) - born AS first_age,
        year(last_month_end) * 10000 + month(last_month_end) * 100 + day(last_month_end) - born AS last_age
    FROM births
),

-- How many bands have begun: 0 before birth, 6 from eighty years on.
banded AS (
    SELECT
        *,
        (first_age >= 0)::INTEGER + (first_age >= 60000)::INTEGER + (first_age >= 180000)::INTEGER
        + (first_age >= 600000)::INTEGER + (first_age >= 700000)::INTEGER + (first_age >= 800000)::INTEGER AS first_band,
        (last_age >= 0)::INTEGER + (last_age >= 60000)::INTEGER + (last_age >= 180000)::INTEGER
        + (last_age >= 600000)::INTEGER + (last_age >= 700000)::INTEGER + (last_age >= 800000)::INTEGER AS last_band
    FROM days
),

growing AS (
    SELECT
        months.month_end,
        people.province_code,
        people.sex,
        people.insured_persons,
        year(months.month_end) * 10000 + month(months.month_end) * 100 + day(months.month_end) - people.born AS age
    FROM banded AS people
    INNER JOIN steps.reported_month AS months ON months.month_end BETWEEN people.first_month_end AND people.last_month_end
    WHERE people.first_band <> people.last_band
),

stretches AS (
    SELECT first_month_end, last_month_end, province_code, sex, first_band AS band, sum(insured_persons) AS insured_persons
    FROM banded
    WHERE first_band IS NOT DISTINCT FROM last_band
    GROUP BY ALL
    UNION ALL
    SELECT
        month_end AS first_month_end,
        month_end AS last_month_end,
        province_code,
        sex,
        (age >= 0)::INTEGER + (age >= 60000)::INTEGER + (age >= 180000)::INTEGER
        + (age >= 600000)::INTEGER + (age >= 700000)::INTEGER + (age >= 800000)::INTEGER AS band,
        sum(insured_persons) AS insured_persons
    FROM growing
    GROUP BY ALL
),

insured AS (
    SELECT
        months.month,
        year(months.month) AS year,
        people.province_code,
        [NULL, '0-5', '6-17', '18-59', '60-69', '70-79', '80+'][people.band + 1] AS age_band,
        people.sex,
        sum(people.insured_persons)::BIGINT AS insured_persons
    FROM stretches AS people
    INNER JOIN steps.reported_month AS months ON months.month_end BETWEEN people.first_month_end AND people.last_month_end
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
