-- One row per month, province of residence and payer group of the cards whose last day lies in the month.
--
-- A card ends when GT_THE_DEN lies in the month, by the register in use for it, and it was not withdrawn before that day (a withdrawn card is a
-- loss of its own, not a lapse). It counts once, at its own residence and group: if it stands in several rows, in the one that began last. Its
-- holder is renewed when he is insured, by any card anywhere, at the end of the next month; else lapsed. The last month has no rows: nobody knows yet.
WITH months AS (
    SELECT DISTINCT month, month_end FROM steps.register_in_use WHERE is_reported
),

ending AS (
    SELECT
        used.month,
        people.person_id,
        people.card_key,
        cards.province_code,
        cards.object_code
    FROM typed.cards AS cards
    INNER JOIN steps.register_in_use AS used ON used.delivery_id = cards.delivery_id
    INNER JOIN persons.card_persons AS people ON people.card_number = cards.card_number
    WHERE
        used.is_reported
        AND (used.month + INTERVAL 1 MONTH)::DATE IN (SELECT month FROM months)
        AND cards.valid_to BETWEEN used.month AND used.month_end
        AND cards.valid_from <= cards.valid_to
        AND (cards.withdrawn_on IS NULL OR cards.withdrawn_on >= cards.valid_to)
    QUALIFY row_number() OVER (
        PARTITION BY used.month, people.card_key
        ORDER BY
            cards.valid_from DESC, used.register_month DESC, cards.card_number ASC,
            cards.province_code ASC, cards.delivery_id ASC, cards.row_number ASC
    ) = 1
),

followed AS (
    SELECT
        ending.month,
        ending.province_code,
        codes.payer_group,
        ending.card_key,
        ending.person_id,
        next_month.person_id IS NOT NULL AS is_renewed
    FROM ending
    LEFT JOIN steps.insured_person_span AS next_month
        ON
            next_month.person_id = ending.person_id
            AND last_day((ending.month + INTERVAL 1 MONTH)::DATE) BETWEEN next_month.first_month_end AND next_month.last_month_end
    LEFT JOIN steps.object_group_month AS codes ON codes.month = ending.month AND codes.object_code = ending.object_code
)

SELECT
    month,
    province_code,
    payer_group,
    count(*) AS ending_cards,
    count(DISTINCT person_id) FILTER (WHERE is_renewed) AS renewed_persons,
    count(DISTINCT person_id) FILTER (WHERE NOT is_renewed) AS lapsed_persons
FROM followed
GROUP BY month, province_code, payer_group
ORDER BY month, province_code, payer_group
