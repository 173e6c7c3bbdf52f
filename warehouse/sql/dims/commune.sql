-- One row per commune code and stretch of time in which it named the same unit.
SELECT
    code,
    name AS commune_name,
    regexp_extract(name, '^(Xã|Phường|Thị trấn|Đặc khu)') AS commune_type,
    province_unit,
    commune_code,
    province_code,
    is_split,
    valid_from,
    valid_to
FROM reference.commune_units
ORDER BY code, valid_from NULLS FIRST
