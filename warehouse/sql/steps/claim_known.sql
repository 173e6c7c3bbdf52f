-- One row per version of a claim: all that is found out about it across months. Kept from version to version (warehouse/claim_memory.py), so that
-- a night asks again only of the claims that something new concerns.
--
-- label, counted_episode: as in steps.claim_version; person_id, found_by, object_code, card_keys, signals: of current claims, NULL of others.
-- card_keys: of the registers' cards among those listed. signals: NULL where none is raised.
WITH card_keys AS (
    SELECT claim_id, list(DISTINCT card_key ORDER BY card_key) AS card_keys
    FROM steps.claim_card
    WHERE card_key IS NOT NULL
    GROUP BY claim_id
),

signals AS (
    SELECT claim_id, list(signal ORDER BY signal) AS signals
    FROM steps.claim_signal
    GROUP BY claim_id
)

SELECT
    r.* EXCLUDE (received_rank),
    v.counted_episode,
    v.label,
    p.person_id,
    p.found_by,
    o.object_code,
    k.card_keys,
    s.signals
FROM steps.claim_row AS r
INNER JOIN steps.claim_version AS v ON v.delivery_id = r.delivery_id AND v.row_number = r.row_number
LEFT JOIN steps.claim_current AS c ON c.delivery_id = r.delivery_id AND c.row_number = r.row_number
LEFT JOIN steps.claim_person AS p ON p.claim_id = c.claim_id
LEFT JOIN steps.claim_object AS o ON o.claim_id = c.claim_id
LEFT JOIN card_keys AS k ON k.claim_id = c.claim_id
LEFT JOIN signals AS s ON s.claim_id = c.claim_id
