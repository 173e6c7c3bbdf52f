-- One row per object code and stretch of time in which it belonged to the same payer group.
SELECT
    codes.object_code,
    codes.payer_group,
    payers.name_vi AS payer_group_name,
    codes.plan_group,
    codes.meaning,
    codes.meaning_vi,
    codes.valid_from,
    codes.valid_to,
    codes.status,
    codes.source
FROM reference.object_codes AS codes
LEFT JOIN reference.payer_groups AS payers ON payers.payer_group = codes.payer_group
ORDER BY codes.object_code, codes.valid_from NULLS FIRST
