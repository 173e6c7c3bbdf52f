-- One row per year, place as delivered, sex and age band: the population figure that was received last.
--
-- Empty sex, age band or commune means all of them. A place keeps the vintage it was delivered in: `old_province_code` is NULL where the codes
-- are those of today, so that a list in old codes and one in new codes are never added up.
SELECT
    year,
    province_code,
    old_province_code,
    commune,
    commune_code,
    sex,
    age_band,
    population,
    received_rank
FROM typed.population
QUALIFY row_number() OVER (
    PARTITION BY year, province_code, old_province_code, commune, sex, age_band
    ORDER BY received_rank DESC, row_number DESC
) = 1
ORDER BY year, province_code, old_province_code, commune, sex, age_band
