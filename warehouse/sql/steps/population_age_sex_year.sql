-- One row per year, province (34), sex and age band with a population figure of that year.
--
-- Rows that give both sex and age: those without a commune, else summed over the communes. Old provinces add up only when all parts have the
-- cell; of both vintages the later received.
WITH cuts AS (
    SELECT
        year,
        province_code,
        old_province_code,
        sex,
        age_band,
        commune IS NOT NULL AS by_commune,
        sum(population) AS population,
        max(received_rank) AS received_rank
    FROM steps.population_cell
    WHERE sex IS NOT NULL AND age_band IS NOT NULL
    GROUP BY ALL
),

cells AS (
    SELECT year, province_code, old_province_code, sex, age_band, population, received_rank
    FROM cuts
    QUALIFY by_commune = bool_and(by_commune) OVER (PARTITION BY year, province_code, old_province_code)
),

candidates AS (
    SELECT year, province_code, sex, age_band, population, received_rank, 1 AS preference
    FROM cells
    WHERE old_province_code IS NULL
    UNION ALL
    SELECT cells.year, parts.province_code, cells.sex, cells.age_band, sum(cells.population), max(cells.received_rank), 2 AS preference
    FROM cells
    INNER JOIN steps.province_part AS parts ON parts.old_province_code = cells.old_province_code
    GROUP BY cells.year, parts.province_code, parts.parts, cells.sex, cells.age_band
    HAVING count(*) = parts.parts
)

SELECT year, province_code, sex, age_band, population::BIGINT AS population
FROM candidates
QUALIFY row_number() OVER (PARTITION BY year, province_code, sex, age_band ORDER BY received_rank DESC, preference) = 1
ORDER BY year, province_code, sex, age_band
