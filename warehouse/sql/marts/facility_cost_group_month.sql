-- One row per claim month, facility, care type and cost group (MA_NHOM) of the lines of current claims.
--
-- Lines of XML2 and XML3 with their own amounts, which need not meet the totals of the claims (see the signal amount_mismatch).
-- cost_group NULL: lines without a group. A group in no list keeps its code and has no name.
WITH names AS (
    SELECT cost_group, min(name_vi) AS cost_group_name
    FROM reference.cost_groups
    GROUP BY cost_group
),

measured AS (
    SELECT
        c.month,
        c.facility_code,
        c.care_type,
        g.cost_group,
        sum(g.lines) AS lines,
        sum(g.total_cost) AS total_cost,
        sum(g.covered_cost) AS covered_cost,
        sum(g.fund_paid) AS fund_paid
    FROM steps.claim_cost_group AS g
    INNER JOIN steps.claim AS c ON c.claim_id = g.claim_id
    GROUP BY c.month, c.facility_code, c.care_type, g.cost_group
)

SELECT
    m.month,
    m.facility_code,
    m.care_type,
    m.cost_group,
    n.cost_group_name,
    m.lines::BIGINT AS lines,
    m.total_cost::DECIMAL(18, 2) AS total_cost,
    m.covered_cost::DECIMAL(18, 2) AS covered_cost,
    m.fund_paid::DECIMAL(18, 2) AS fund_paid
FROM measured AS m
LEFT JOIN names AS n ON n.cost_group = m.cost_group
ORDER BY m.month, m.facility_code, m.care_type, m.cost_group NULLS LAST
