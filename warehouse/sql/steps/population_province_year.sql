-- One row per year and province (34) with a population figure of that year.
--
-- Contract: a province total is the row without MAXA, GIOI_TINH, NHOM_TUOI; without such a row it is the sum of the finest rows. The finest
-- are those with the most of the three filled; of two equally fine cuts the one by commune is taken, then the one by sex.
-- A year given by old provinces (63) is a figure of the new one only when all its parts have one: a part is no denominator.
-- Where a year has both, the one received later counts (a correction), else the province's own.
WITH cuts AS (
    SELECT
        year,
        province_code,
        old_province_code,
        commune IS NOT NULL AS by_commune,
        sex IS NOT NULL AS by_sex,
        age_band IS NOT NULL AS by_age,
        sum(population) AS population,
        max(received_rank) AS received_rank
    FROM steps.population_cell
    GROUP BY ALL
),

totals AS (
    SELECT year, province_code, old_province_code, population, received_rank
    FROM cuts
    QUALIFY row_number() OVER (
        PARTITION BY year, province_code, old_province_code
        ORDER BY
            by_commune OR by_sex OR by_age ASC,
            by_commune::INTEGER + by_sex::INTEGER + by_age::INTEGER DESC,
            by_commune DESC,
            by_sex DESC
    ) = 1
),

candidates AS (
    SELECT year, province_code, population, received_rank, 1 AS preference
    FROM totals
    WHERE old_province_code IS NULL
    UNION ALL
    SELECT totals.year, parts.province_code, sum(totals.population), max(totals.received_rank), 2 AS preference
    FROM totals
    INNER JOIN steps.province_part AS parts ON parts.old_province_code = totals.old_province_code
    GROUP BY totals.year, parts.province_code, parts.parts
    HAVING count(*) = parts.parts
)

SELECT year, province_code, population::BIGINT AS population
FROM candidates
QUALIFY row_number() OVER (PARTITION BY year, province_code ORDER BY received_rank DESC, preference) = 1
ORDER BY year, province_code
