-- One row per register row and unbroken run of months that its register is in use for: the month ends at which the card is valid.
-- Restricted: it names persons.
--
-- Contract, "Insured at the end of month M": GT_THE_TU <= last day of M, GT_THE_DEN empty or >= that day, and not withdrawn (NGAY_GIAM) on or
-- before it. So of a run of months a card has those from the end of its first month to the last month end on or before its last day, and
-- two dates say it: no span is laid over a calendar, and neither 1995 nor 9999-12-31 costs a row more. Which months these are,
-- whoever counts asks last: `months.month_end BETWEEN first_month_end AND last_month_end`.
-- One card may stand here more than once for a month (two periods, two registers, 15 characters and 10 digits): count `card_key`s.
-- Of the months after the last register (`is_reported` false; a run of their own) only cards with an employer are kept; nothing else asks for them.
-- The table is thrown away after the build and nothing depends on its order, so it is not sorted: that would double its cost.
-- `register_number` is the place of the row's delivery in order of id: a number is copied for a fraction of what a text costs.
WITH numbered AS (
    SELECT
        *,
        dense_rank() OVER (ORDER BY delivery_id) AS register_number,
        datediff('month', DATE '1970-01-01', month)
        - row_number() OVER (PARTITION BY delivery_id, is_reported ORDER BY month) AS run  -- the same for months in a row
    FROM steps.register_in_use
),

runs AS (
    SELECT
        delivery_id,
        register_number,
        register_month,
        is_reported,
        min(month_end) AS first_month_end,
        max(month_end) AS last_month_end
    FROM numbered
    GROUP BY delivery_id, register_number, register_month, is_reported, run
),

-- Nearly all cards outlast the run; of the others the last day's following one tells the month end: the day before its month began.
met AS (
    SELECT
        greatest(last_day(cards.valid_from), used.first_month_end) AS first_month_end,
        CASE
            WHEN least(cards.valid_to, cards.withdrawn_on - 1) < used.last_month_end
                THEN least(cards.valid_to, cards.withdrawn_on - 1) + 1
                    - day(least(cards.valid_to, cards.withdrawn_on - 1) + 1)::INTEGER
            ELSE used.last_month_end
        END AS last_month_end,
        used.is_reported,
        used.register_month,
        people.person_id,
        people.card_key,
        cards.card_number,
        cards.valid_from,
        cards.valid_to,
        cards.province_code,
        cards.old_province_code,
        cards.commune_code,
        cards.object_code,
        cards.sex,
        cards.birth_date,
        cards.registered_facility,
        cards.employer_tax_code,
        length(cards.citizen_id) AS citizen_id_length,
        used.register_number,
        cards.row_number
    FROM typed.cards AS cards
    INNER JOIN runs AS used ON used.delivery_id = cards.delivery_id
    INNER JOIN persons.card_persons AS people ON people.card_number = cards.card_number
    WHERE
        cards.valid_from <= used.last_month_end
        AND (used.is_reported OR cards.employer_tax_code IS NOT NULL)
)

SELECT *
FROM met
WHERE first_month_end <= last_month_end
