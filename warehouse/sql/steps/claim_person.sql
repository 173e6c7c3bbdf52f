-- One row per current claim: the person it counts for.
--
-- In this order (found_by says which): `card`, the first listed card that is in a register; `card_digits`, a register's card
-- with the last ten digits of a listed one; `citizen_id`, the citizen id of a register's card (several persons: the one with the
-- claim's birth date and sex, then the smallest id). A person in no register is a person of his own: `among_claims`, claims
-- that share a card (by its last ten digits) or a citizen id, also through a chain of other claims, are one person, named after
-- the smallest of the identifiers; `alone`, a claim with neither. Nothing is ever matched on a missing identifier.
WITH RECURSIVE by_card AS (
    SELECT claim_id, arg_min(person_id, place) AS person_id, arg_min(tail_person_id, place) AS tail_person_id
    FROM steps.claim_card
    GROUP BY claim_id
),

uncarded AS (
    SELECT c.claim_id, c.citizen_id, c.birth_date, c.sex
    FROM steps.claim_current AS c
    LEFT JOIN by_card AS b ON b.claim_id = c.claim_id
    WHERE b.person_id IS NULL AND b.tail_person_id IS NULL
),

-- One row per citizen id, person and description.
citizens AS (
    SELECT DISTINCT r.citizen_id, p.person_id::VARCHAR AS person_id, r.birth_date, r.sex
    FROM steps.citizen_row AS r
    INNER JOIN persons.card_persons AS p ON p.card_number = r.card_number
    WHERE r.citizen_id IN (SELECT citizen_id FROM uncarded WHERE citizen_id <> '')
),

-- Decided once per description, however many claims or cards bear a citizen id that many people were given by mistake.
by_description AS (
    SELECT
        u.citizen_id,
        u.birth_date,
        u.sex,
        min({
            'differs': coalesce(u.birth_date <> c.birth_date OR u.sex <> c.sex, true),
            'person_id': c.person_id
        }).person_id AS person_id
    FROM (SELECT DISTINCT citizen_id, birth_date, sex FROM uncarded) AS u
    INNER JOIN citizens AS c ON c.citizen_id = u.citizen_id
    GROUP BY u.citizen_id, u.birth_date, u.sex
),

by_citizen AS (
    SELECT u.claim_id, d.person_id
    FROM uncarded AS u
    INNER JOIN by_description AS d
        ON
            d.citizen_id = u.citizen_id
            AND d.birth_date IS NOT DISTINCT FROM u.birth_date
            AND d.sex IS NOT DISTINCT FROM u.sex
),

unlisted AS (
    SELECT claim_id, citizen_id
    FROM uncarded
    WHERE claim_id NOT IN (SELECT claim_id FROM by_citizen)
),

identifiers AS (
    SELECT claim_id, 'citizen ' || citizen_id AS identifier
    FROM unlisted
    WHERE citizen_id <> ''
    UNION
    SELECT c.claim_id, 'card ' || c.tail AS identifier
    FROM unlisted AS u
    INNER JOIN steps.claim_card AS c ON c.claim_id = u.claim_id
    WHERE c.tail IS NOT NULL
),

-- Each claim ties its identifiers to the smallest of them (its hub).
hubs AS (
    SELECT claim_id, min(identifier) AS hub
    FROM identifiers
    GROUP BY claim_id
),

ties AS (
    SELECT DISTINCT i.identifier, h.hub
    FROM identifiers AS i
    INNER JOIN hubs AS h ON h.claim_id = i.claim_id
    WHERE i.identifier <> h.hub
),

edges AS (
    SELECT identifier AS node, hub AS neighbour FROM ties
    UNION
    SELECT hub AS node, identifier AS neighbour FROM ties
),

-- Connected components: each round a node takes the smallest label next to it, until nothing changes.
labels (node, label) USING KEY (node) AS (
    SELECT node, min(least(node, neighbour)) AS label
    FROM edges
    GROUP BY node
    UNION
    SELECT e.node, min(changed.label) AS label
    FROM labels AS changed
    INNER JOIN edges AS e ON e.neighbour = changed.node
    INNER JOIN recurring.labels AS own ON own.node = e.node
    WHERE changed.label < own.label
    GROUP BY e.node
),

found AS (
    SELECT
        c.claim_id,
        CASE
            WHEN b.person_id IS NOT NULL THEN 'card'
            WHEN b.tail_person_id IS NOT NULL THEN 'card_digits'
            WHEN z.person_id IS NOT NULL THEN 'citizen_id'
            WHEN h.hub IS NOT NULL THEN 'among_claims'
            ELSE 'alone'
        END AS found_by,
        coalesce(
            b.person_id,
            b.tail_person_id,
            z.person_id,
            'unlisted ' || coalesce(l.label, h.hub),
            'unlisted claim ' || c.facility_code || ' ' || c.episode
        ) AS person_id
    FROM steps.claim_current AS c
    LEFT JOIN by_card AS b ON b.claim_id = c.claim_id
    LEFT JOIN by_citizen AS z ON z.claim_id = c.claim_id
    LEFT JOIN hubs AS h ON h.claim_id = c.claim_id
    LEFT JOIN labels AS l ON l.node = h.hub
)

SELECT claim_id, person_id, found_by
FROM found
ORDER BY claim_id
