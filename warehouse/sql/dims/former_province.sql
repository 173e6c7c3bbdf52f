-- One row per province abolished before 2025 and unit of the 63 that its land went into: what published series of the 1990s are about.
SELECT
    f.area,
    f.old_province_code,
    u.name AS old_province_name,
    u.province_code,
    f.valid_from::DATE AS valid_from,
    f.valid_to::DATE AS valid_to,
    f.status,
    f.source
FROM reference.former_provinces AS f
LEFT JOIN reference.province_units AS u ON u.code = f.old_province_code AND u.valid_to = DATE '2025-06-30'
ORDER BY f.area, f.old_province_code
