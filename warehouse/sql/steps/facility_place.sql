-- One row per facility code and day on which it is asked for: where it lay and what it was on that day.
--
-- Days asked for are first days of months and quarters. The facility list's row valid on the day; else the code's earliest row.
-- A code in no list lies where the listed facility lies that replaces it (MA_CU), else where its two-digit prefix says, read as
-- a code of the 63 provinces; its name and levels are NULL. Prefixes of no province (97 and 98: defence and police) give NULL.
WITH claims AS (
    SELECT DISTINCT facility_code, registered_facility, month, service_month
    FROM steps.claim_known
    WHERE label = 'current'
),

asked AS (
    SELECT facility_code, month AS day FROM claims
    UNION
    SELECT facility_code, service_month AS day FROM claims
    UNION
    SELECT registered_facility AS facility_code, month AS day FROM claims WHERE registered_facility IS NOT NULL
    UNION
    SELECT b.facility_code, q.day
    FROM typed.budgets AS b
    INNER JOIN (SELECT DISTINCT date_trunc('quarter', month)::DATE AS day FROM claims) AS q ON year(q.day) = b.year
    WHERE b.facility_code <> ''
),

listed AS (
    SELECT
        a.facility_code,
        a.day,
        min({
            'elsewhen': NOT (coalesce(f.valid_from <= a.day, true) AND coalesce(f.valid_to >= a.day, true)),
            'valid_from': coalesce(f.valid_from, DATE '0001-01-01'),
            'facility_name': f.facility_name,
            'province_code': f.province_code,
            'facility_level': f.facility_level,
            'ownership': f.ownership
        }) AS facility
    FROM asked AS a
    INNER JOIN dims.facility AS f ON f.facility_code = a.facility_code
    GROUP BY a.facility_code, a.day
),

-- A code may be replaced by several (a station split up) or by one after another: the earliest, then the smallest.
replaced AS (
    SELECT
        replaced_code AS facility_code,
        min({
            'valid_from': coalesce(valid_from, DATE '0001-01-01'),
            'facility_code': facility_code,
            'province_code': province_code
        }).province_code AS province_code
    FROM dims.facility
    WHERE replaced_code <> ''
    GROUP BY replaced_code
),

prefixes AS (
    SELECT code, min(province_code) AS province_code
    FROM reference.province_units
    WHERE try_cast(valid_to AS DATE) = DATE '2025-06-30'
    GROUP BY code
)

SELECT
    a.facility_code,
    a.day,
    l.facility.facility_name AS facility_name,
    coalesce(l.facility.province_code, r.province_code, p.province_code) AS province_code,
    l.facility.facility_level AS facility_level,
    l.facility.ownership AS ownership
FROM asked AS a
LEFT JOIN listed AS l ON l.facility_code = a.facility_code AND l.day = a.day
LEFT JOIN replaced AS r ON r.facility_code = a.facility_code
LEFT JOIN prefixes AS p ON p.code = left(a.facility_code, 2)
ORDER BY a.facility_code, a.day
