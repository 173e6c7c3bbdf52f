-- One row per province (34) and commune of today whose people all lived in one old province (63); commune_code NULL: the whole province.
--
-- So that what holds by old borders (resolutions of provinces that were merged) can be found again after 2025-07-01.
WITH parts AS (
    SELECT c.commune_code, u.province_code, u.province_unit AS old_province_code
    FROM reference.commune_crosswalk AS c
    INNER JOIN reference.commune_units AS u ON u.code = c.old_code AND u.valid_to = DATE '2025-06-30'
),

provinces AS (
    SELECT province_code, min(code) AS old_province_code
    FROM reference.province_units
    WHERE valid_to = DATE '2025-06-30'
    GROUP BY province_code
    HAVING count(*) = 1
)

SELECT province_code, commune_code, min(old_province_code) AS old_province_code
FROM parts
GROUP BY province_code, commune_code
HAVING min(old_province_code) = max(old_province_code)
UNION ALL
SELECT province_code, NULL AS commune_code, old_province_code
FROM provinces
ORDER BY province_code, commune_code NULLS FIRST
