-- One row per published figure of a province: what it was about then, and the province of today (34) that it speaks of.
--
-- The code is that of the figure's time: one of the 63 until 2025-06-30. A figure without a code names a province abolished before (Vĩnh Phú, Hoàng Liên
-- Sơn): its parts are in dims.former_province, and province_code is given where they all lie in one province of today. is_whole: the figure is about
-- the whole of it, so that it can stand in the province's own series.
WITH series AS (
    SELECT
        area,
        province_unit,
        year::INTEGER AS year,
        measure,
        value::DOUBLE AS value,
        basis,
        note,
        status,
        source,
        -- "at 2025-12" and "in 2025 …" are about a time after the reform; a year with neither is old.
        coalesce(regexp_extract(basis, '^(?:at|in) ([0-9]{4}-[0-9]{2})', 1) >= '2025-07', false) OR area LIKE '%(new)%' AS is_of_today
    FROM reference.province_series
),

units AS (
    SELECT code, province_code, count(*) OVER (PARTITION BY province_code) AS units
    FROM reference.province_units
    WHERE valid_to = DATE '2025-06-30'
),

former AS (
    SELECT
        f.area,
        CASE WHEN min(u.province_code) = max(u.province_code) THEN min(u.province_code) END AS province_code,
        count(*) = min(u.units) AS is_whole
    FROM reference.former_provinces AS f
    INNER JOIN units AS u ON u.code = f.old_province_code
    GROUP BY f.area
)

SELECT
    s.year,
    s.area,
    CASE WHEN s.is_of_today THEN s.province_unit ELSE coalesce(u.province_code, f.province_code) END AS province_code,
    CASE WHEN NOT s.is_of_today THEN s.province_unit END AS old_province_code,
    s.is_of_today OR coalesce(u.units = 1, f.is_whole AND f.province_code IS NOT NULL, false) AS is_whole,
    s.measure,
    s.value,
    s.basis,
    s.source,
    s.note,
    s.status
FROM series AS s
LEFT JOIN units AS u ON u.code = s.province_unit
LEFT JOIN former AS f ON s.province_unit IS NULL AND f.area = s.area
ORDER BY s.year, s.area, s.measure, s.basis, s.source
