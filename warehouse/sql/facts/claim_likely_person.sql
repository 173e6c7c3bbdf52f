-- One row per current claim that no identifier leads to a register and for which scoring finds a person (transforms.persons.attach).
--
-- Where to look, not what is counted: by the contract the claim is of a person of his own everywhere else. No mart reads this.
SELECT
    k.claim_key,
    keyed(p.person_id::VARCHAR) AS person_key,
    c.month,
    c.facility_code,
    s.probability,
    s.weight AS weight_bits,
    s.reason
FROM persons.claim_persons AS s
INNER JOIN steps.claim_counted AS v ON v.delivery_id = s.delivery_id AND v.row_number = s.row_number
INNER JOIN steps.claim AS c ON c.claim_id = v.claim_id
INNER JOIN steps.claim_key AS k ON k.claim_id = v.claim_id
INNER JOIN persons.card_persons AS p ON p.card_number = s.card_key
WHERE c.person_found_by IN ('among_claims', 'alone')
ORDER BY c.month, k.claim_key
