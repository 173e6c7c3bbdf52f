-- One row per card and first day of validity in the registers, for the persons and cards that current claims name.
--
-- What the registers said last (steps.card_row) of any number of the card.
WITH wanted AS (
    SELECT person_id FROM steps.claim_person
    UNION
    SELECT person_id FROM steps.claim_card WHERE person_id IS NOT NULL
),

cards AS (
    SELECT card_number, card_key, person_id::VARCHAR AS person_id
    FROM persons.card_persons
    WHERE person_id::VARCHAR IN (SELECT person_id FROM wanted)
),

latest AS (
    SELECT
        c.card_key,
        r.valid_from,
        arg_max(
            {
                'person_id': c.person_id,
                'valid_to': r.valid_to,
                'withdrawn_on': r.withdrawn_on,
                'withdrawal_reason': r.withdrawal_reason,
                'object_code': r.object_code
            },
            {'period': r.period, 'received_rank': r.received_rank, 'row_number': r.row_number}
        ) AS said
    FROM steps.card_row AS r
    INNER JOIN cards AS c ON c.card_number = r.card_number
    GROUP BY c.card_key, r.valid_from
)

SELECT
    card_key,
    valid_from,
    said.person_id AS person_id,
    said.valid_to AS valid_to,
    said.withdrawn_on AS withdrawn_on,
    said.withdrawal_reason AS withdrawal_reason,
    said.object_code AS object_code
FROM latest
ORDER BY card_key, valid_from
