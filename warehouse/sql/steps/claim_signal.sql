-- One row per current claim and signal raised on it. A signal is a reason to look, not a finding.
--
-- The day of a claim is its day of admission (of discharge where that is missing).
-- outside_card_validity: cards are listed and none is valid on the day, by the claim's own dates of that card or by a register's.
-- after_death: the day lies after the day on which a card of the person was withdrawn because he died (LY_DO_GIAM CHET).
-- overlapping_inpatient: two inpatient stays of one person share more than the day of transfer; both are marked.
-- same_day_several_facilities: outpatient visits of one person at two facilities or more on one day; all are marked.
-- frequent_visits: eight visits or more of one person in a claim month; all are marked.
-- several_cards: the person holds two or more cards that are valid on the day by the registers.
-- amount_mismatch: the total differs from the sum of the lines (amount_differs in steps.claim_row says how).
-- unknown_card: cards are listed and none is in any register.
WITH claims AS (
    SELECT c.claim_id, p.person_id, c.facility_code, c.month, c.care_type, c.admitted_on, c.discharged_on, c.amount_differs
    FROM steps.claim_current AS c
    INNER JOIN steps.claim_person AS p ON p.claim_id = c.claim_id
),

listed AS (
    SELECT
        k.claim_id,
        k.place,
        k.card_key,
        c.admitted_on,
        coalesce(k.valid_from <= c.admitted_on AND coalesce(k.valid_to >= c.admitted_on, true), false) AS valid_by_claim
    FROM steps.claim_card AS k
    INNER JOIN steps.claim_current AS c ON c.claim_id = k.claim_id
),

valid_by_register AS (
    SELECT DISTINCT l.claim_id
    FROM listed AS l
    INNER JOIN steps.card_span AS s ON s.card_key = l.card_key
    WHERE
        NOT l.valid_by_claim
        AND s.valid_from <= l.admitted_on
        AND coalesce(s.valid_to >= l.admitted_on, true)
        AND coalesce(s.withdrawn_on > l.admitted_on, true)
),

outside_card_validity AS (
    SELECT claim_id
    FROM listed
    GROUP BY claim_id
    HAVING NOT bool_or(valid_by_claim) AND claim_id NOT IN (SELECT claim_id FROM valid_by_register)
),

unknown_card AS (
    SELECT claim_id
    FROM listed
    GROUP BY claim_id
    HAVING count(card_key) = 0
),

after_death AS (
    SELECT c.claim_id
    FROM claims AS c
    INNER JOIN (
        SELECT person_id, min(withdrawn_on) AS died_on
        FROM steps.card_span
        WHERE withdrawal_reason = 'CHET' AND withdrawn_on IS NOT NULL
        GROUP BY person_id
    ) AS d ON d.person_id = c.person_id
    WHERE c.admitted_on > d.died_on
),

-- Stays in the order of their first days: one overlaps an earlier one when the latest end so far lies behind its first day, and a later
-- one when the next begins before its end. No stay is compared with every other, so a person with many costs no more. A stay that
-- ends on its first day overlaps nothing by more than that day.
stays AS (
    SELECT
        claim_id,
        admitted_on,
        discharged_on,
        max(discharged_on) OVER (
            PARTITION BY person_id ORDER BY admitted_on, claim_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS latest_end_before,
        lead(admitted_on) OVER (PARTITION BY person_id ORDER BY admitted_on, claim_id) AS next_start
    FROM claims
    WHERE care_type = 'inpatient' AND admitted_on < discharged_on
),

overlapping_inpatient AS (
    SELECT claim_id
    FROM stays
    WHERE coalesce(latest_end_before > admitted_on, false) OR coalesce(next_start < discharged_on, false)
),

same_day_several_facilities AS (
    SELECT c.claim_id
    FROM claims AS c
    INNER JOIN (
        SELECT person_id, admitted_on
        FROM claims
        WHERE care_type = 'outpatient'
        GROUP BY person_id, admitted_on
        HAVING min(facility_code) <> max(facility_code)
    ) AS d ON d.person_id = c.person_id AND d.admitted_on = c.admitted_on
    WHERE c.care_type = 'outpatient'
),

frequent_visits AS (
    SELECT c.claim_id
    FROM claims AS c
    INNER JOIN (
        SELECT person_id, month
        FROM claims
        GROUP BY person_id, month
        HAVING count(*) >= 8
    ) AS f ON f.person_id = c.person_id AND f.month = c.month
),

-- Decided once per person and day, and only for persons who have two cards at all.
several_cards_days AS (
    SELECT d.person_id, d.admitted_on
    FROM (SELECT DISTINCT person_id, admitted_on FROM claims) AS d
    INNER JOIN steps.card_span AS s ON s.person_id = d.person_id
    WHERE
        s.person_id IN (SELECT person_id FROM steps.card_span GROUP BY person_id HAVING min(card_key) <> max(card_key))
        AND s.valid_from <= d.admitted_on
        AND coalesce(s.valid_to >= d.admitted_on, true)
        AND coalesce(s.withdrawn_on > d.admitted_on, true)
    GROUP BY d.person_id, d.admitted_on
    HAVING min(s.card_key) <> max(s.card_key)
),

several_cards AS (
    SELECT c.claim_id
    FROM claims AS c
    INNER JOIN several_cards_days AS d ON d.person_id = c.person_id AND d.admitted_on = c.admitted_on
),

raised AS (
    SELECT claim_id, 'outside_card_validity' AS signal FROM outside_card_validity
    UNION ALL
    SELECT claim_id, 'after_death' FROM after_death
    UNION ALL
    SELECT claim_id, 'overlapping_inpatient' FROM overlapping_inpatient
    UNION ALL
    SELECT claim_id, 'same_day_several_facilities' FROM same_day_several_facilities
    UNION ALL
    SELECT claim_id, 'frequent_visits' FROM frequent_visits
    UNION ALL
    SELECT claim_id, 'several_cards' FROM several_cards
    UNION ALL
    SELECT claim_id, 'amount_mismatch' FROM claims WHERE amount_differs
    UNION ALL
    SELECT claim_id, 'unknown_card' FROM unknown_card
)

SELECT claim_id, signal
FROM raised
ORDER BY claim_id, signal
