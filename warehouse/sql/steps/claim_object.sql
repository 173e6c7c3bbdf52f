-- One row per current claim with an object code: the letters of the first listed card of 15 characters; without one, what the registers say of
-- the first known card: the latest object code up to the day of discharge, else the first.
WITH cards AS (
    SELECT
        claim_id,
        arg_min(left(card_number, 2), place) FILTER (WHERE length(card_number) = 15) AS letters,
        arg_min(card_key, place) AS card_key
    FROM steps.claim_card
    GROUP BY claim_id
),

short_cards AS (
    SELECT
        c.claim_id,
        coalesce(
            arg_max(s.object_code, s.valid_from) FILTER (WHERE s.valid_from <= c.discharged_on),
            arg_min(s.object_code, s.valid_from)
        ) AS object_code
    FROM steps.claim_current AS c
    INNER JOIN cards AS k ON k.claim_id = c.claim_id
    INNER JOIN steps.card_span AS s ON s.card_key = k.card_key
    WHERE k.letters IS NULL
    GROUP BY c.claim_id
)

SELECT k.claim_id, coalesce(k.letters, s.object_code) AS object_code
FROM cards AS k
LEFT JOIN short_cards AS s ON s.claim_id = k.claim_id
ORDER BY k.claim_id
