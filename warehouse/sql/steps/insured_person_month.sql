-- One row per month and person insured at its end: the card row that says where the person counts, and how many valid cards he holds.
-- Restricted: it names persons.
--
-- Contract, "Where a person counts": the residence on the valid card with the latest GT_THE_TU; ties: latest register month, then the
-- smallest card code. What is still equal then are double rows; province, delivery and row make the order total.
-- Nearly everybody holds one card that stands in one register: only those who have more rows than months are put in order (whose months are
-- told by one bit each, five years together, which is a fifth of the work of counting rows by month), the rest passes through.
-- Not sorted, as `steps.insured_card_month` is not.
WITH several AS (
    SELECT DISTINCT person_id
    FROM (
        SELECT person_id
        FROM (SELECT person_id, datediff('month', DATE '1970-01-01', month) AS month_number FROM steps.insured_card_month WHERE is_reported)
        GROUP BY person_id, month_number // 60
        HAVING count(*) > bit_count(bit_or(1::BIGINT << (month_number % 60)::INTEGER))
    )
),

rows_of_several AS MATERIALIZED (
    SELECT insured.*
    FROM steps.insured_card_month AS insured
    SEMI JOIN several ON several.person_id = insured.person_id
    WHERE insured.is_reported
),

held AS (
    SELECT month, person_id, count(DISTINCT card_key) AS valid_cards
    FROM rows_of_several
    GROUP BY month, person_id
),

chosen AS (
    SELECT *
    FROM rows_of_several
    QUALIFY row_number() OVER (
        PARTITION BY month, person_id
        ORDER BY valid_from DESC, register_month DESC, card_number ASC, province_code ASC, register_number ASC, row_number ASC
    ) = 1
)

SELECT
    chosen.month, chosen.month_end, chosen.person_id, chosen.province_code, chosen.old_province_code, chosen.commune_code, chosen.object_code,
    chosen.sex, chosen.birth_date, chosen.registered_facility, held.valid_cards
FROM chosen
INNER JOIN held ON held.month = chosen.month AND held.person_id = chosen.person_id
UNION ALL
SELECT
    insured.month, insured.month_end, insured.person_id, insured.province_code, insured.old_province_code, insured.commune_code, insured.object_code,
    insured.sex, insured.birth_date, insured.registered_facility, 1 AS valid_cards
FROM steps.insured_card_month AS insured
ANTI JOIN several ON several.person_id = insured.person_id
WHERE insured.is_reported
