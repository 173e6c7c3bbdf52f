-- One row per year, province (34, or 00 for the nation) and group (1-6, K1-K6, ALL) with a coverage target; the one received last.
--
-- Contract, "Target of a province": its own for that year, else NULL. A target given to an old province is the new province's own only where
-- that one took in nobody else; a merged province has none before its own (a weighted mean would be our figure, not a target).
SELECT
    targets.year,
    CASE WHEN targets.province = '00' THEN '00' ELSE targets.province_code END AS province_code,
    coalesce(targets.target_group, 'ALL') AS target_group,
    targets.target_pct
FROM typed.targets AS targets
LEFT JOIN steps.province_part AS parts ON parts.old_province_code = targets.old_province_code
WHERE
    targets.province = '00'
    OR (targets.province_code IS NOT NULL AND (targets.old_province_code IS NULL OR parts.parts = 1))
QUALIFY row_number() OVER (
    PARTITION BY
        targets.year,
        CASE WHEN targets.province = '00' THEN '00' ELSE targets.province_code END,
        coalesce(targets.target_group, 'ALL')
    ORDER BY targets.received_rank DESC, targets.row_number DESC
) = 1
ORDER BY targets.year, province_code, target_group
