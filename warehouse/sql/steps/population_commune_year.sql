-- One row per year and commune of today with a population figure of that year.
--
-- As for provinces: the row without sex and age, else the sum of the finest rows; figures of old communes only when every old
-- commune that counts in today's one has one; of both vintages the later received. A split old commune counts whole in its default target, as
-- its card holders do.
WITH cuts AS (
    SELECT
        year,
        province_code,
        old_province_code,
        commune,
        commune_code,
        sex IS NOT NULL AS by_sex,
        age_band IS NOT NULL AS by_age,
        sum(population) AS population,
        max(received_rank) AS received_rank
    FROM steps.population_cell
    WHERE commune_code IS NOT NULL
    GROUP BY ALL
),

totals AS (
    SELECT year, province_code, old_province_code, commune, commune_code, population, received_rank
    FROM cuts
    QUALIFY row_number() OVER (
        PARTITION BY year, province_code, old_province_code, commune, commune_code
        ORDER BY by_sex OR by_age ASC, by_sex::INTEGER + by_age::INTEGER DESC, by_sex DESC
    ) = 1
),

parts AS (
    SELECT commune_code, count(DISTINCT code) AS parts
    FROM reference.commune_units
    WHERE valid_to::DATE = DATE '2025-06-30'
    GROUP BY commune_code
),

candidates AS (
    SELECT year, province_code, commune_code, population, received_rank, 1 AS preference
    FROM totals
    WHERE old_province_code IS NULL
    UNION ALL
    SELECT totals.year, totals.province_code, totals.commune_code, sum(totals.population), max(totals.received_rank), 2 AS preference
    FROM totals
    INNER JOIN parts ON parts.commune_code = totals.commune_code
    WHERE totals.old_province_code IS NOT NULL
    GROUP BY totals.year, totals.province_code, totals.commune_code, parts.parts
    HAVING count(*) = parts.parts
)

SELECT year, province_code, commune_code, population::BIGINT AS population
FROM candidates
QUALIFY row_number() OVER (PARTITION BY year, province_code, commune_code ORDER BY received_rank DESC, preference) = 1
ORDER BY year, province_code, commune_code
