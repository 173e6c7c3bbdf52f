-- One row per coded element of a claim, code, and list that has it, with the days in which the list is in force.
WITH listed AS (
    SELECT 'MA_LOAI_KCB' AS element, family, care_code AS code, name_vi, decision, valid_from, valid_to, status, source
    FROM reference.care_types
    UNION ALL
    SELECT 'MA_DOITUONG_KCB' AS element, '130' AS family, visit_category AS code, name_vi, decision, valid_from, valid_to, status, source
    FROM reference.visit_categories
    UNION ALL
    SELECT 'MA_KHOA' AS element, NULL AS family, department AS code, NULL AS name_vi, decision, valid_from, valid_to, status, source
    FROM reference.departments
)

SELECT element, family, code, name_vi, decision, valid_from::DATE AS valid_from, valid_to::DATE AS valid_to, status, source
FROM listed
ORDER BY element, family NULLS LAST, code, valid_from NULLS FIRST
