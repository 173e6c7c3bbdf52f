-- One row per province code and stretch of time in which it named the same unit by the same name.
SELECT
    code,
    name AS province_name,
    regexp_extract(name, '^(Thành phố|Tỉnh)') AS province_type,
    province_code,
    valid_from,
    valid_to,
    status,
    source
FROM reference.province_units
ORDER BY code, valid_from NULLS FIRST
