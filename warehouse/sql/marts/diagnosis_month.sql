-- One row per claim month, province of care, main diagnosis and care type of the current claims.
--
-- icd_code: MA_BENH_CHINH in capitals without trailing marks, as detailed as it was sent; NULL where it was not.
-- icd_chapter: of the three-character category in the list of categories, else by the chapters' ranges; NULL where the code is in neither.
-- province_code NULL: the facility's province is not known.
WITH measured AS (
    SELECT
        month,
        care_province_code AS province_code,
        icd_code,
        care_type,
        count(*) AS visits,
        count(DISTINCT person_id) AS patients,
        sum(fund_paid) AS fund_paid
    FROM steps.claim
    GROUP BY month, care_province_code, icd_code, care_type
),

-- At most 2,600 categories meet 22 ranges, so the join by range costs nothing.
categories AS (
    SELECT DISTINCT left(icd_code, 3) AS category
    FROM measured
    WHERE regexp_full_match(left(icd_code, 3), '[A-Z][0-9]{2}')
),

chapters AS (
    SELECT c.category, coalesce(min(i.icd_chapter), min(r.icd_chapter)) AS icd_chapter
    FROM categories AS c
    LEFT JOIN reference.icd AS i ON i.icd_code = c.category
    LEFT JOIN reference.icd_chapters AS r ON c.category BETWEEN r.code_from AND r.code_to
    GROUP BY c.category
)

SELECT
    m.month,
    m.province_code,
    c.icd_chapter,
    m.icd_code,
    m.care_type,
    m.visits,
    m.patients,
    m.fund_paid::DECIMAL(18, 2) AS fund_paid
FROM measured AS m
LEFT JOIN chapters AS c ON c.category = left(m.icd_code, 3)
ORDER BY m.month, m.province_code NULLS LAST, m.icd_code NULLS LAST, m.care_type
