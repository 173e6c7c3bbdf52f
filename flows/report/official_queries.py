"""The questions of the official reports to `coverage.duckdb`. `$province` NULL asks for the nation; columns stand in the order of the
tables."""

MONTHS = "SELECT min(month), max(month) FROM marts.coverage_nation_month WHERE month BETWEEN $first AND $last"

PLACE = "SELECT province_name FROM dims.province WHERE code = $province AND valid_to IS NULL AND code = province_code"

NATION = """
SELECT insured_persons, population, population_year, coverage_pct, target_pct, gap_points, persons_to_target, valid_cards, duplicate_cards
FROM marts.coverage_nation_month WHERE month = $month
"""

PROVINCE = """
SELECT insured_persons, population, population_year, coverage_pct, target_pct, gap_points, persons_to_target, valid_cards, duplicate_cards
FROM marts.coverage_province_month WHERE month = $month AND province_code = $province
"""

PROVINCES = """
SELECT province_code, province_name, insured_persons, population, coverage_pct, target_pct, gap_points, persons_to_target
FROM marts.coverage_province_month WHERE month = $month AND ($province IS NULL OR province_code = $province)
ORDER BY province_code
"""

# What decision 5063 calls the six groups is `plan_group`; one more row are those whose card belongs to none of them.
GROUPS = """
SELECT plan_group,
       coalesce(sum(insured_persons) FILTER (month = $start), 0)::BIGINT AS at_start,
       coalesce(sum(insured_persons) FILTER (month = $month), 0)::BIGINT AS at_end,
       min(target_pct) FILTER (month = $month) AS target_low, max(target_pct) FILTER (month = $month) AS target_high
FROM marts.coverage_group_month
WHERE month IN ($start, $month) AND ($province IS NULL OR province_code = $province)
GROUP BY plan_group ORDER BY plan_group NULLS LAST
"""

CHILDREN = """
SELECT sum(insured_persons)::BIGINT, CASE WHEN count(*) = count(population) THEN sum(population) END::BIGINT
FROM marts.coverage_age_sex_month WHERE month = $month AND age_band = '0-5' AND ($province IS NULL OR province_code = $province)
"""

# Of a province: what its facilities were paid; the budget, and its use, are those of the province's own row.
FUNDS = """
SELECT f.quarter, f.province_code, n.province_name,
       any_value(f.budget) FILTER (f.facility_code IS NULL) AS budget,
       sum(f.fund_paid) FILTER (f.facility_code IS NOT NULL) AS fund_paid,
       any_value(f.budget_used_pct) FILTER (f.facility_code IS NULL) AS budget_used_pct
FROM marts.fund_quarter f
LEFT JOIN dims.province n ON n.code = f.province_code AND n.valid_to IS NULL
WHERE f.quarter BETWEEN $first_quarter AND $last_quarter AND ($province IS NULL OR f.province_code = $province)
GROUP BY ALL ORDER BY f.quarter, f.province_code NULLS LAST
"""

FACILITY_FUNDS = """
SELECT f.quarter, f.facility_code, d.facility_name, f.budget, f.fund_paid, f.budget_used_pct
FROM marts.fund_quarter f
LEFT JOIN dims.facility d ON d.facility_code = f.facility_code AND d.valid_to IS NULL
WHERE f.facility_code IS NOT NULL AND f.budget IS NOT NULL AND f.quarter BETWEEN $first_quarter AND $last_quarter
      AND ($province IS NULL OR f.province_code = $province)
ORDER BY f.quarter, f.facility_code
"""

COMPLIANCE = """
SELECT quarter, sum(enterprises_registered)::BIGINT, sum(employers_active)::BIGINT, sum(employees_paid)::BIGINT,
       sum(employers_insuring)::BIGINT,
       sum(employees_insured)::BIGINT, sum(employers_missing)::BIGINT, sum(employees_missing)::BIGINT, sum(new_enterprises_missing)::BIGINT
FROM marts.employer_compliance_quarter
WHERE quarter BETWEEN $first_quarter AND $last_quarter AND ($province IS NULL OR province_code = $province)
GROUP BY quarter ORDER BY quarter
"""

# The latest quarter of the period for which employers are listed. A keyed hash (32 characters) stands for an employer who is a person.
EMPLOYERS = """
SELECT CASE WHEN length(e.tax_code) <= 14 THEN e.tax_code END, e.name, e.commune_name, n.province_name, e.employees_paid,
       e.employees_insured, e.employees_missing
FROM marts.employers_missing_quarter e
LEFT JOIN dims.province n ON n.code = e.province_code AND n.valid_to IS NULL
WHERE e.quarter = $quarter AND ($province IS NULL OR e.province_code = $province)
ORDER BY e.employees_missing DESC, e.tax_code
"""

EMPLOYERS_QUARTER = """
SELECT max(quarter) FROM marts.employers_missing_quarter
WHERE quarter BETWEEN $first_quarter AND $last_quarter AND ($province IS NULL OR province_code = $province)
"""

DUPLICATES = """
SELECT reason,
       coalesce(sum(persons) FILTER (month = $start), 0)::BIGINT AS persons_at_start,
       coalesce(sum(cards) FILTER (month = $start), 0)::BIGINT AS cards_at_start,
       coalesce(sum(persons) FILTER (month = $month), 0)::BIGINT AS persons_at_end,
       coalesce(sum(cards) FILTER (month = $month), 0)::BIGINT AS cards_at_end
FROM marts.duplicate_cards_month
WHERE month IN ($start, $month) AND ($province IS NULL OR province_code = $province)
GROUP BY reason ORDER BY reason
"""

FACILITIES = """
SELECT facility_level, ownership, count(*),
       count(*) FILTER (facility_type = 'BV'), count(*) FILTER (facility_type = 'PK'), count(*) FILTER (facility_type = 'TYT')
FROM dims.facility
WHERE coalesce(valid_from <= $last_day, true) AND coalesce(valid_to >= $last_day, true)
      AND coalesce(contract_from <= $last_day, true) AND coalesce(contract_to >= $last_day, true)
      AND ($province IS NULL OR province_code = $province)
GROUP BY ALL ORDER BY facility_level NULLS LAST, ownership NULLS LAST
"""

REGISTRATION = """
SELECT facility_level, ownership, sum(insured_persons)::BIGINT
FROM marts.registration_level_month WHERE month = $month AND ($province IS NULL OR province_code = $province)
GROUP BY ALL ORDER BY facility_level NULLS LAST, ownership NULLS LAST
"""
