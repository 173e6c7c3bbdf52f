-- One row per current claim and cost group (MA_NHOM) of its lines in XML2 and XML3; cost_group NULL: lines without one.
--
-- The only place where lines are read and added up. Lines of superseded and withdrawn versions fall out in the join.
-- Claims that came as flat lists have no lines and no row here: the columns of 79a join several groups (T_CDHA, T_PTTT) and do not say who paid.
-- Measured (1 million claims, 20 million lines, 4 million card rows, two busy cores, DuckDB 1.5.5): this table 4 s, all tables of claims 16 s.
SELECT
    c.claim_id,
    l.cost_group,
    count(*) AS lines,
    coalesce(sum(l.total_cost), 0)::DECIMAL(18, 2) AS total_cost,
    coalesce(sum(l.covered_cost), 0)::DECIMAL(18, 2) AS covered_cost,
    coalesce(sum(l.fund_paid), 0)::DECIMAL(18, 2) AS fund_paid
FROM typed.claim_lines AS l
INNER JOIN steps.claim_counted AS c ON c.delivery_id = l.delivery_id AND c.row_number = l.row_number
GROUP BY c.claim_id, l.cost_group
ORDER BY c.claim_id, l.cost_group NULLS LAST
