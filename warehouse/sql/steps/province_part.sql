-- One row per old province (63, in force until 2025-06-30): the province (34) that it went into, and how many old provinces that one took in.
--
-- `parts` is 1 for the 11 provinces that the reform left whole (QĐ 19/2025/QĐ-TTg): only their old figures are also the new province's own.
SELECT
    code AS old_province_code,
    province_code,
    count(*) OVER (PARTITION BY province_code) AS parts
FROM (SELECT DISTINCT code, province_code FROM reference.province_units WHERE valid_to::DATE = DATE '2025-06-30') AS old_provinces
ORDER BY old_province_code
