-- One row per month in which local resolutions end and month of the registers that marts.subsidy_end_month looks at for them: the month itself, before
-- its register is there the latest month that is, and the month after.
WITH months AS (
    SELECT DISTINCT month FROM steps.register_in_use WHERE is_reported
),

ending AS (
    SELECT s.valid_to, date_trunc('month', s.valid_to)::DATE AS month, max(m.month) AS as_of_month
    FROM dims.subsidy AS s
    INNER JOIN months AS m ON m.month <= s.valid_to
    GROUP BY s.valid_to
)

SELECT month, as_of_month AS looks_at FROM ending
UNION
SELECT e.month, m.month AS looks_at
FROM ending AS e
INNER JOIN months AS m ON m.month = (e.month + INTERVAL 1 MONTH)::DATE
ORDER BY month, looks_at
