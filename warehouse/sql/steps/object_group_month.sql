-- One row per month of the coverage marts and object code that is in force on its last day: the payer group and plan group that the code stands for.
--
-- Contract, "Payer group": a dated table from the 2-letter object code to groups 1-6; K1-K6 are the plan groups of decision 5063/QĐ-UBND.
-- Should two entries of a code overlap, the one that began later counts.
SELECT
    months.month,
    codes.object_code,
    codes.payer_group,
    codes.plan_group
FROM (SELECT DISTINCT month, month_end FROM steps.register_in_use WHERE is_reported) AS months
INNER JOIN reference.object_codes AS codes
    ON
        (codes.valid_from IS NULL OR codes.valid_from::DATE <= months.month_end)
        AND (codes.valid_to IS NULL OR codes.valid_to::DATE >= months.month_end)
QUALIFY row_number() OVER (
    PARTITION BY months.month, codes.object_code
    ORDER BY codes.valid_from::DATE DESC NULLS LAST, codes.payer_group, codes.plan_group
) = 1
ORDER BY months.month, codes.object_code
