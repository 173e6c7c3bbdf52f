-- One row per claim month, facility and signal: the current claims on which it was raised (steps.claim_signal says when).
--
-- A claim may raise several signals and counts in each. A signal is a reason to look, not a finding.
SELECT
    c.month,
    c.facility_code,
    s.signal,
    count(*) AS claims,
    count(DISTINCT c.person_id) AS persons,
    sum(c.fund_paid)::DECIMAL(18, 2) AS fund_paid
FROM (SELECT claim_id, unnest(signals) AS signal FROM steps.claim_counted) AS s
INNER JOIN steps.claim AS c ON c.claim_id = s.claim_id
GROUP BY c.month, c.facility_code, s.signal
ORDER BY c.month, c.facility_code, s.signal
