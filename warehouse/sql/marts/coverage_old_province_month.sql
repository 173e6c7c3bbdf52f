-- One row per month, province (34) and old province (63) that it took in: the insured, by where they count.
--
-- Before the reform the registers give the old province; after it, it is told by the commune where all of a commune's people lived in one, or by a
-- province that took in nobody. old_province_code NULL: not to be told. The rows of a month and province add up to its insured.
WITH people AS (
    SELECT
        p.first_month_end,
        p.last_month_end,
        p.province_code,
        coalesce(p.old_province_code, c.old_province_code, w.old_province_code) AS old_province_code,
        sum(p.insured_persons) AS insured_persons,
        sum(p.valid_cards) AS valid_cards
    FROM (
        SELECT
            first_month_end,
            last_month_end,
            province_code,
            old_province_code,
            commune_code,
            count(*) AS insured_persons,
            sum(valid_cards) AS valid_cards
        FROM steps.insured_person_span
        GROUP BY first_month_end, last_month_end, province_code, old_province_code, commune_code
    ) AS p
    LEFT JOIN steps.old_province AS c ON c.province_code = p.province_code AND c.commune_code = p.commune_code
    LEFT JOIN steps.old_province AS w ON w.province_code = p.province_code AND w.commune_code IS NULL
    GROUP BY ALL
)

SELECT
    m.month,
    p.province_code,
    p.old_province_code,
    u.name AS old_province_name,
    sum(p.insured_persons)::BIGINT AS insured_persons,
    sum(p.valid_cards)::BIGINT AS valid_cards
FROM people AS p
INNER JOIN steps.reported_month AS m ON m.month_end BETWEEN p.first_month_end AND p.last_month_end
LEFT JOIN reference.province_units AS u ON u.code = p.old_province_code AND u.valid_to = DATE '2025-06-30'
GROUP BY m.month, p.province_code, p.old_province_code, u.name
ORDER BY m.month, p.province_code, p.old_province_code NULLS LAST
