-- One row per card number listed on a current claim, in its place in the list, and what the registers know of it.
--
-- card_key, person_id: the register's card with the same number; a 10-digit number is the same card as a 15-character one
-- that ends in it, in either direction. Both NULL: the card is in no register. Where a 10-digit number fits several cards,
-- the smallest person and card are taken.
-- tail_person_id: the person of any card with the same last ten digits (the social insurance number), be it another card.
-- tail is NULL for what is no card number: text that does not end in ten digits, or in one digit ten times.
-- The registers are cut down to the numbers that claims name before anything is joined to them.
WITH placed AS (
    SELECT claim_id, unnest(range(1, len(card_numbers) + 1)) AS place, card_numbers, card_valid_from, card_valid_to
    FROM steps.claim_current
),

listed AS (
    SELECT
        claim_id,
        place,
        card_numbers[place] AS card_number,
        right(card_numbers[place], 10) AS last_ten,
        card_valid_from[place] AS valid_from,
        card_valid_to[place] AS valid_to
    FROM placed
    WHERE card_numbers[place] <> ''
),

registered AS (
    SELECT card_number, card_key, person_id::VARCHAR AS person_id, right(card_number, 10) AS last_ten
    FROM persons.card_persons
    WHERE right(card_number, 10) IN (SELECT last_ten FROM listed)
),

by_last_ten AS (
    SELECT
        last_ten,
        min({'person_id': person_id, 'card_key': card_key}) AS any_card,
        min({'person_id': person_id, 'card_key': card_key}) FILTER (WHERE length(card_number) = 10) AS short_card
    FROM registered
    GROUP BY last_ten
),

matched AS (
    SELECT
        l.*,
        CASE
            WHEN r.card_key IS NOT NULL THEN {'person_id': r.person_id, 'card_key': r.card_key}
            WHEN length(l.card_number) = 10 THEN t.any_card
            ELSE t.short_card
        END AS same_card,
        t.any_card.person_id AS tail_person_id
    FROM listed AS l
    LEFT JOIN registered AS r ON r.card_number = l.card_number
    LEFT JOIN by_last_ten AS t ON t.last_ten = l.last_ten
)

SELECT
    claim_id,
    place,
    card_number,
    CASE
        WHEN regexp_full_match(last_ten, '[0-9]{10}') AND ltrim(last_ten, left(last_ten, 1)) <> '' THEN last_ten
    END AS tail,
    valid_from,
    valid_to,
    same_card.card_key AS card_key,
    same_card.person_id AS person_id,
    tail_person_id
FROM matched
ORDER BY claim_id, place
