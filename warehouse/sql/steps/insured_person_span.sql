-- One row per person and stretch of months at whose ends he is insured: the card row that says where he counts, and how many valid cards he holds.
-- A person's stretches do not overlap, so `months.month_end BETWEEN first_month_end AND last_month_end` meets him once a month.
-- Restricted: it names persons.
--
-- Contract, "Where a person counts": the residence on the valid card with the latest GT_THE_TU; ties: latest register month, then the
-- smallest card code. What is still equal then are double rows; province, delivery and row make the order total.
-- Nearly everybody's rows are one after the other (one card, one register at a time): these pass through, a stretch each. Only for persons
-- two of whose rows share a month the choice is made, once for all months between two changes. Who they are, one bit a month
-- tells, five years together: rows that share none have as many months as bits.
-- To count persons, add up stretches first and then the months (marts/coverage_province_month): the work grows with cards, not with card-months.
-- Not sorted, as `steps.insured_card_span` is not.
WITH with_several_rows AS (
    SELECT person_id
    FROM steps.insured_card_span
    WHERE is_reported
    GROUP BY person_id
    HAVING count(*) > 1
),

-- Five years of the months in use each, as months since 1970.
blocks AS (
    SELECT unnest(range(datediff('month', DATE '1970-01-01', min(month)), datediff('month', DATE '1970-01-01', max(month)) + 1, 60)) AS block
    FROM steps.reported_month
),

pieces AS (
    SELECT
        numbered.person_id,
        blocks.block,
        greatest(numbered.first_month - blocks.block, 0) AS first_bit,
        least(numbered.last_month - blocks.block, 59) AS last_bit
    FROM (
        SELECT
            insured.person_id,
            datediff('month', DATE '1970-01-01', insured.first_month_end) AS first_month,
            datediff('month', DATE '1970-01-01', insured.last_month_end) AS last_month
        FROM steps.insured_card_span AS insured
        SEMI JOIN with_several_rows ON with_several_rows.person_id = insured.person_id
        WHERE insured.is_reported
    ) AS numbered
    INNER JOIN blocks ON numbered.first_month < blocks.block + 60 AND numbered.last_month >= blocks.block
),

several AS MATERIALIZED (
    SELECT DISTINCT person_id
    FROM (
        SELECT person_id
        FROM pieces
        GROUP BY person_id, block
        HAVING
            sum(last_bit - first_bit + 1)
            > bit_count(bit_or(((1::BIGINT << (last_bit - first_bit + 1)::INTEGER) - 1) << first_bit::INTEGER))
    )
),

rows_of_several AS MATERIALIZED (
    SELECT insured.*
    FROM steps.insured_card_span AS insured
    SEMI JOIN several ON several.person_id = insured.person_id
    WHERE insured.is_reported
),

-- Month ends at which a row begins to count or has just ceased to; from one to the next nothing changes.
changes AS (
    SELECT person_id, first_month_end AS month_end FROM rows_of_several
    UNION
    SELECT person_id, last_day(last_month_end + 1) AS month_end FROM rows_of_several
),

stretches AS (
    SELECT
        person_id,
        month_end AS first_month_end,
        lead(month_end) OVER (PARTITION BY person_id ORDER BY month_end) AS next_month_end
    FROM changes
),

held AS (
    SELECT
        stretches.person_id,
        stretches.first_month_end,
        stretches.next_month_end - day(stretches.next_month_end)::INTEGER AS last_month_end,
        count(DISTINCT insured.card_key)::INTEGER AS valid_cards
    FROM stretches
    INNER JOIN rows_of_several AS insured
        ON insured.person_id = stretches.person_id AND stretches.first_month_end BETWEEN insured.first_month_end AND insured.last_month_end
    GROUP BY stretches.person_id, stretches.first_month_end, stretches.next_month_end
),

chosen AS (
    SELECT
        held.first_month_end, held.last_month_end, insured.person_id, insured.province_code, insured.old_province_code,
        insured.commune_code, insured.object_code, insured.sex, insured.birth_date, insured.registered_facility, held.valid_cards
    FROM held
    INNER JOIN rows_of_several AS insured
        ON insured.person_id = held.person_id AND held.first_month_end BETWEEN insured.first_month_end AND insured.last_month_end
    QUALIFY row_number() OVER (
        PARTITION BY held.person_id, held.first_month_end
        ORDER BY
            insured.valid_from DESC, insured.register_month DESC, insured.card_number ASC,
            insured.province_code ASC, insured.register_number ASC, insured.row_number ASC
    ) = 1
)

SELECT *
FROM chosen
UNION ALL
SELECT
    insured.first_month_end, insured.last_month_end, insured.person_id, insured.province_code, insured.old_province_code,
    insured.commune_code, insured.object_code, insured.sex, insured.birth_date, insured.registered_facility, 1 AS valid_cards
FROM steps.insured_card_span AS insured
ANTI JOIN several ON several.person_id = insured.person_id
WHERE insured.is_reported
