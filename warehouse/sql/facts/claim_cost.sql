-- One row per current claim and cost group (MA_NHOM) of its lines in XML2 and XML3; cost_group NULL: lines without one.
SELECT
    k.claim_key,
    g.cost_group,
    g.lines,
    g.total_cost,
    g.covered_cost,
    g.fund_paid,
    c.month
FROM steps.claim_cost_group AS g
INNER JOIN steps.claim AS c ON c.claim_id = g.claim_id
INNER JOIN steps.claim_key AS k ON k.claim_id = g.claim_id
ORDER BY c.month, k.claim_key, g.cost_group NULLS LAST
