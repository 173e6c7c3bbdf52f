"""The questions of the morning report to `coverage.duckdb`; each has a total order. Columns stand in the order of the dataclasses of
`figures`."""

SNAPSHOT = "SELECT run_id, published_at, months_from, months_to FROM meta.snapshot"

MONTHS = """
SELECT month, insured_persons, population, population_year, coverage_pct, target_pct, gap_points, persons_to_target, duplicate_cards,
       provinces_reporting
FROM marts.coverage_nation_month ORDER BY month DESC LIMIT ?
"""

PROVINCES = """
SELECT p.province_code, coalesce(regexp_replace(p.province_name, '^(Tỉnh|Thành phố) ', ''), p.province_code),
       p.insured_persons, p.coverage_pct, p.target_pct, p.gap_points, p.persons_to_target, p.coverage_pct - b.coverage_pct, p.register_month
FROM marts.coverage_province_month p
LEFT JOIN marts.coverage_province_month b ON b.province_code = p.province_code AND b.month = p.month - INTERVAL 1 MONTH
WHERE p.month = (SELECT max(month) FROM marts.coverage_nation_month)
ORDER BY p.gap_points NULLS LAST, p.coverage_pct NULLS LAST, p.province_code
"""

# `basis` begins with "at 2018-10-31", "at 2018-12" or "in 2018": the month that the figure is about, December where only a year is named.
PUBLISHED = """
WITH series AS (
    SELECT coalesce(try_strptime(regexp_extract(basis, '^at (\\d{4}-\\d{2})', 1), '%Y-%m')::DATE, make_date(year, 12, 1)) AS month,
           value, starts_with(status, 'SOURCED') OR starts_with(status, 'DERIVED') AS certain, basis, source
    FROM marts.national_series WHERE measure = 'coverage_pct' AND value IS NOT NULL
)
SELECT s.month, s.value, s.certain, s.basis, s.source, n.coverage_pct
FROM series s LEFT JOIN marts.coverage_nation_month n USING (month)
ORDER BY s.month, s.value, s.source
"""

GROUPS = """
WITH latest AS (SELECT max(month) AS month FROM marts.coverage_nation_month),
named AS (
    SELECT 'payer' AS scheme, payer_group AS code, month, province_code, insured_persons, target_pct FROM marts.coverage_group_month
    UNION ALL
    SELECT 'plan', plan_group, month, province_code, insured_persons, target_pct FROM marts.coverage_group_month
),
shown AS (
    SELECT scheme, code, month, CASE WHEN count(*) = count(insured_persons) THEN sum(insured_persons) END::BIGINT AS insured,
           min(target_pct) AS target_low, max(target_pct) AS target_high,
           count(DISTINCT province_code) FILTER (target_pct IS NOT NULL) AS provinces_with_target
    FROM named GROUP BY ALL
)
SELECT s.code, s.insured, b.insured, 100.0 * s.insured / n.insured_persons, s.target_low, s.target_high, s.provinces_with_target
FROM shown s
JOIN latest USING (month)
JOIN marts.coverage_nation_month n USING (month)
LEFT JOIN shown b ON b.month = s.month - INTERVAL 1 MONTH AND b.scheme = s.scheme AND b.code IS NOT DISTINCT FROM s.code
WHERE s.scheme = ?
ORDER BY s.code NULLS LAST
"""

UNDER_SIX = """
SELECT CASE WHEN count(*) = count(insured_persons) THEN sum(insured_persons) END::BIGINT,
       CASE WHEN count(*) = count(population) THEN sum(population) END::BIGINT
FROM marts.coverage_age_sex_month WHERE age_band = '0-5' AND month = (SELECT max(month) FROM marts.coverage_nation_month)
"""

CLAIMS = """
SELECT month, CASE WHEN count(*) = count(visits) THEN sum(visits) END::BIGINT,
       CASE WHEN count(*) = count(fund_paid) THEN sum(fund_paid) END, CASE WHEN count(*) = count(total_cost) THEN sum(total_cost) END
FROM marts.facility_month
WHERE month >= (SELECT max(month) - INTERVAL 1 MONTH FROM marts.facility_month)
GROUP BY month ORDER BY month DESC
"""

FACILITIES = """
WITH monthly AS (
    SELECT month, facility_code, max(facility_name) AS facility_name, max(province_code) AS province_code,
           CASE WHEN count(*) = count(visits) THEN sum(visits) END::BIGINT AS visits,
           CASE WHEN count(*) = count(fund_paid) THEN sum(fund_paid) END AS fund_paid
    FROM marts.facility_month WHERE month >= (SELECT max(month) - INTERVAL 1 MONTH FROM marts.facility_month)
    GROUP BY month, facility_code
),
names AS (SELECT code, regexp_replace(province_name, '^(Tỉnh|Thành phố) ', '') AS name FROM dims.province WHERE valid_to IS NULL),
shown AS (
    SELECT m.facility_code, m.facility_name, coalesce(names.name, m.province_code) AS province, m.visits, m.fund_paid,
           b.fund_paid AS before, m.fund_paid - b.fund_paid AS change
    FROM monthly m
    LEFT JOIN monthly b ON b.facility_code = m.facility_code AND b.month = m.month - INTERVAL 1 MONTH
    LEFT JOIN names ON names.code = m.province_code
    WHERE m.month = (SELECT max(month) FROM marts.facility_month)
),
ranked AS (
    SELECT *, row_number() OVER (ORDER BY fund_paid DESC NULLS LAST, facility_code) AS by_spending,
           row_number() OVER (ORDER BY abs(change) DESC NULLS LAST, facility_code) AS by_change
    FROM shown
)
SELECT * FROM ranked WHERE by_spending <= ? OR by_change <= ? ORDER BY by_spending
"""

# Registers and facility lists name their province; claims, tax and planning lists do not. Of a province's deliveries those of the last
# 366 days count, back from the newest delivery of all.
DELIVERED = """
WITH places AS (SELECT code, min(province_code) AS province_code FROM dims.province GROUP BY code),
names AS (SELECT code, regexp_replace(province_name, '^(Tỉnh|Thành phố) ', '') AS name FROM dims.province WHERE valid_to IS NULL),
recent AS (
    SELECT places.province_code, d.*
    FROM quality.deliveries d JOIN places ON places.code = d.province_code
    WHERE d.status <> 'repeated' AND d.received_at > (SELECT max(received_at) - INTERVAL 366 DAY FROM quality.deliveries)
),
sent AS (
    SELECT province_code, count(*) AS deliveries, count(*) FILTER (status IN ('loaded', 'superseded')) AS accepted,
           sum(records_read)::BIGINT AS records_read, sum(records_quarantined)::BIGINT AS records_quarantined
    FROM recent GROUP BY province_code
),
registers AS (
    SELECT province_code, register_month, date_diff('month', register_month, month) AS months_behind
    FROM marts.coverage_province_month WHERE month = (SELECT max(month) FROM marts.coverage_nation_month)
)
SELECT names.code, names.name, coalesce(deliveries, 0), coalesce(accepted, 0), coalesce(records_read, 0), coalesce(records_quarantined, 0),
       register_month, months_behind
FROM names LEFT JOIN sent ON sent.province_code = names.code LEFT JOIN registers ON registers.province_code = names.code
ORDER BY names.code
"""

ARRIVED = """
SELECT received_at, status, count(*), sum(records_read)::BIGINT, sum(records_loaded)::BIGINT, sum(records_quarantined)::BIGINT,
       sum(records_repeated)::BIGINT
FROM quality.deliveries WHERE received_at = (SELECT max(received_at) FROM quality.deliveries)
GROUP BY received_at, status ORDER BY status
"""

WAITING = """
SELECT delivery_id, export, path, status, reason, received_at
FROM quality.deliveries WHERE status IN ('held', 'refused')
ORDER BY received_at DESC, status, path, delivery_id
"""

BROKEN = """
SELECT r.rule, r.severity, sum(r.failed)::BIGINT AS failed, sum(r.checked)::BIGINT, count(*)
FROM quality.results r JOIN quality.deliveries d USING (delivery_id)
WHERE r.failed > 0 AND d.received_at = (SELECT max(received_at) FROM quality.deliveries)
GROUP BY ALL ORDER BY r.severity, failed DESC, r.rule
"""

MART_WARNINGS = """
SELECT rule, severity, failed, checked, 1 FROM quality.results
WHERE starts_with(delivery_id, 'marts.') AND failed > 0 ORDER BY failed DESC, rule
"""
