-- One row per three-character category of ICD-10.
SELECT
    codes.icd_code,
    codes.icd_chapter,
    chapters.name_en AS chapter_name,
    chapters.name_vi AS chapter_name_vi,
    codes.status,
    codes.source
FROM reference.icd AS codes
LEFT JOIN reference.icd_chapters AS chapters ON chapters.icd_chapter = codes.icd_chapter
ORDER BY codes.icd_code
