-- One row per month, province where the person counts, other province of his cards and reason, for persons who hold two or more valid cards.
--
-- `other_province_code` is the smallest other residence among his valid cards, NULL when all name one province. One reason a person, the first that holds:
--   two_provinces       his valid cards name different provinces of residence;
--   old_and_new_number  one card has 15 characters and another is only known by ten digits, or one bears an old CMND (9 digits) and
--                       another a CCCD (12 digits);
--   two_groups          the cards have different object codes;
--   reissued            all have one object code: issued again while the first was not withdrawn;
--   other               the object code of a card is not known.
-- A number of ten digits that is the end of a known 15-character card is that card (`card_key`), no duplicate.
WITH holders AS (
    SELECT months.month, months.month_end, people.person_id, people.province_code, people.valid_cards
    FROM steps.insured_person_span AS people
    INNER JOIN steps.reported_month AS months ON months.month_end BETWEEN people.first_month_end AND people.last_month_end
    WHERE people.valid_cards > 1
),

cards AS (
    SELECT
        holders.month,
        holders.person_id,
        insured.card_key,
        bool_or(length(insured.card_number) = 15) AS has_long_number,
        bool_or(coalesce(insured.citizen_id_length = 12, false)) AS has_new_citizen_id,
        bool_or(coalesce(insured.citizen_id_length = 9, false)) AS has_old_citizen_id,
        min(insured.object_code) AS object_code,
        min(nullif(insured.province_code, holders.province_code)) AS other_province_code
    FROM steps.insured_card_span AS insured
    INNER JOIN holders
        ON holders.person_id = insured.person_id AND holders.month_end BETWEEN insured.first_month_end AND insured.last_month_end
    GROUP BY holders.month, holders.person_id, insured.card_key
),

compared AS (
    SELECT
        month,
        person_id,
        min(other_province_code) AS other_province_code,
        bool_or(has_long_number) AND bool_or(NOT has_long_number)
        OR bool_or(has_new_citizen_id) AND bool_or(has_old_citizen_id AND NOT has_new_citizen_id) AS has_old_and_new,
        count(DISTINCT object_code) AS object_codes,
        bool_and(object_code IS NOT NULL) AS all_known
    FROM cards
    GROUP BY month, person_id
)

SELECT
    holders.month,
    holders.province_code,
    compared.other_province_code,
    CASE
        WHEN compared.other_province_code IS NOT NULL THEN 'two_provinces'
        WHEN compared.has_old_and_new THEN 'old_and_new_number'
        WHEN compared.object_codes > 1 THEN 'two_groups'
        WHEN compared.all_known THEN 'reissued'
        ELSE 'other'
    END AS reason,
    count(*) AS persons,
    sum(holders.valid_cards)::BIGINT AS cards
FROM holders
INNER JOIN compared ON compared.month = holders.month AND compared.person_id = holders.person_id
GROUP BY ALL
ORDER BY holders.month, holders.province_code, compared.other_province_code, reason
