-- One row per month and province (34) that has a register in use for the month, or residents in another's register.
--
-- Insured, register used, where a person counts, population, target: see the contract's definitions, in the steps that make them. A province
-- without a register has no insured count of its own worth a rate: `register_month`, `coverage_pct`, `gap_points` and `persons_to_target` are
-- NULL. A province with a register that holds nobody valid has a row with zero.
-- persons_to_target = ceil(target x population / 100) - insured, 0 if reached; in whole numbers (the target has four decimals), since in floating
-- point a target of 95 % of 100 persons could ask for 96.
WITH months AS (
    SELECT DISTINCT month FROM steps.register_in_use WHERE is_reported
),

registers AS (
    SELECT month, province_code, max(register_month) AS register_month
    FROM steps.register_in_use
    WHERE is_reported AND province_code IS NOT NULL
    GROUP BY month, province_code
),

insured AS (
    SELECT
        months.month,
        people.province_code,
        sum(people.insured_persons)::BIGINT AS insured_persons,
        sum(people.valid_cards)::BIGINT AS valid_cards
    FROM (
        SELECT first_month_end, last_month_end, province_code, count(*) AS insured_persons, sum(valid_cards) AS valid_cards
        FROM steps.insured_person_span
        GROUP BY first_month_end, last_month_end, province_code
    ) AS people
    INNER JOIN steps.reported_month AS months ON months.month_end BETWEEN people.first_month_end AND people.last_month_end
    GROUP BY months.month, people.province_code
),

counted AS (
    SELECT
        month,
        year(month) AS year,
        province_code,
        coalesce(insured.insured_persons, 0) AS insured_persons,
        coalesce(insured.valid_cards, 0) AS valid_cards,
        registers.register_month
    FROM registers
    FULL JOIN insured USING (month, province_code)
    SEMI JOIN months USING (month)
),

measured AS (
    SELECT
        counted.*,
        population.population,
        population.year AS population_year,
        target.target_pct,
        CASE WHEN counted.register_month IS NOT NULL AND population.population > 0
            THEN counted.insured_persons / population.population * 100
        END AS coverage_pct
    FROM counted
    ASOF LEFT JOIN steps.population_province_year AS population
        ON population.province_code = counted.province_code AND counted.year >= population.year
    LEFT JOIN steps.target_figure AS target
        ON target.province_code = counted.province_code AND target.year = counted.year AND target.target_group = 'ALL'
)

SELECT
    measured.month,
    measured.province_code,
    provinces.name AS province_name,
    measured.insured_persons,
    measured.valid_cards,
    measured.valid_cards - measured.insured_persons AS duplicate_cards,
    measured.population,
    measured.population_year,
    measured.coverage_pct,
    measured.target_pct::DOUBLE AS target_pct,
    measured.coverage_pct - measured.target_pct::DOUBLE AS gap_points,
    CASE WHEN measured.coverage_pct IS NOT NULL AND measured.target_pct IS NOT NULL
        THEN greatest(
            0, ((measured.target_pct * 10000)::HUGEINT * measured.population + 999999) // 1000000 - measured.insured_persons
        )::BIGINT
    END AS persons_to_target,
    measured.register_month
FROM measured
LEFT JOIN reference.province_units AS provinces ON provinces.code = measured.province_code AND provinces.valid_to IS NULL
ORDER BY measured.month, measured.province_code
