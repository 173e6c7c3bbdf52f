-- One row per claim month: a digest of the persons that scoring finds for its claims in no register. It only ever decides whether a part is
-- made again.
SELECT
    c.month,
    concat_ws(' ', count(*), sum(hash(s.delivery_id, s.row_number, s.probability, s.weight, s.reason, p.person_id))) AS digest
FROM persons.claim_persons AS s
INNER JOIN steps.claim_known AS c ON c.delivery_id = s.delivery_id AND c.row_number = s.row_number
INNER JOIN persons.card_persons AS p ON p.card_number = s.card_key
WHERE c.label = 'current'
GROUP BY c.month
ORDER BY c.month
