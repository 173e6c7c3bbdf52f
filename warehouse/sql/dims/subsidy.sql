-- One row per group, province by the borders before 2025-07-01, instrument and first day: how much of the premium the state or a province pays.
--
-- old_province_code 00 is the nation's minimum, which a province may raise. object_codes names the cards of the group; NULL: no card tells.
SELECT
    s.old_province_code,
    u.name AS old_province_name,
    u.province_code,
    s.group_name,
    s.group_name_vi,
    s.payer_group,
    s.object_codes,
    s.age_from::BIGINT AS age_from,
    s.age_to::BIGINT AS age_to,
    s.support_pct::DOUBLE AS support_pct,
    s.instrument,
    s.valid_from::DATE AS valid_from,
    s.valid_to::DATE AS valid_to,
    s.note,
    s.status,
    s.source
FROM reference.subsidies AS s
LEFT JOIN reference.province_units AS u ON u.code = s.old_province_code AND u.valid_to = DATE '2025-06-30'
ORDER BY s.old_province_code, s.group_name, s.instrument, s.valid_from NULLS FIRST
