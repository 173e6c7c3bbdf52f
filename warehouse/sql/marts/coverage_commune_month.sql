-- One row per month, province and commune of today with insured residents.
--
-- Persons whose commune is unknown are in no row, so the communes sum to the province or less. A commune with nobody insured has no row: most registers
-- may leave the commune out, and a zero would then be false. `coverage_pct` is NULL without a population figure or where the province
-- has no register. A commune that lies in another province than the card says stands with the card's province, and without population.
-- Residents of a split old commune count in its default target (`dims.commune` marks it), so small communes can exceed 100 %.
WITH insured AS (
    SELECT
        months.month,
        year(months.month) AS year,
        people.province_code,
        people.commune_code,
        sum(people.insured_persons)::BIGINT AS insured_persons
    FROM (
        SELECT first_month_end, last_month_end, province_code, commune_code, count(*) AS insured_persons
        FROM steps.insured_person_span
        WHERE commune_code IS NOT NULL
        GROUP BY first_month_end, last_month_end, province_code, commune_code
    ) AS people
    INNER JOIN steps.reported_month AS months ON months.month_end BETWEEN people.first_month_end AND people.last_month_end
    GROUP BY months.month, people.province_code, people.commune_code
)

SELECT
    insured.month,
    insured.province_code,
    insured.commune_code,
    communes.name AS commune_name,
    insured.insured_persons,
    population.population,
    CASE WHEN province.register_month IS NOT NULL AND population.population > 0
        THEN insured.insured_persons / population.population * 100
    END AS coverage_pct,
    population.year AS population_year
FROM insured
ASOF LEFT JOIN steps.population_commune_year AS population
    ON
        population.province_code = insured.province_code
        AND population.commune_code = insured.commune_code
        AND insured.year >= population.year
LEFT JOIN marts.coverage_province_month AS province
    ON province.month = insured.month AND province.province_code = insured.province_code
LEFT JOIN reference.commune_units AS communes ON communes.code = insured.commune_code AND communes.valid_to IS NULL
ORDER BY insured.month, insured.province_code, insured.commune_code
