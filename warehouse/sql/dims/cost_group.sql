-- One row per cost group of the claim lines.
SELECT
    cost_group,
    name_vi AS cost_group_name,
    name_en,
    valid_from,
    valid_to,
    status,
    source
FROM reference.cost_groups
ORDER BY cost_group
