-- One row per month: the nation, each person counted once however many cards in however many provinces.
--
-- `population` is that of the provinces that have a row in `marts.coverage_province_month`, residents of a province without a register included. When one
-- of them has no figure, the sum is no denominator for all the insured: `coverage_pct`, `gap_points` and `persons_to_target` are NULL, and
-- `provinces_without_population` says how many lack one. The target is the nation's own (MATINH 00). The insured are counted anew from the persons
-- and not added up from the provinces, so that the rule "provinces sum to the nation" checks something.
WITH insured AS (
    SELECT months.month, sum(people.insured_persons)::BIGINT AS insured_persons, sum(people.valid_cards)::BIGINT AS valid_cards
    FROM (
        SELECT first_month_end, last_month_end, count(*) AS insured_persons, sum(valid_cards) AS valid_cards
        FROM steps.insured_person_span
        GROUP BY first_month_end, last_month_end
    ) AS people
    INNER JOIN steps.reported_month AS months ON months.month_end BETWEEN people.first_month_end AND people.last_month_end
    GROUP BY months.month
),

provinces AS (
    SELECT
        month,
        sum(population)::BIGINT AS population,
        max(population_year) AS population_year,
        max(register_month) AS register_month,
        count(register_month) AS provinces_reporting,
        count(*) FILTER (WHERE population IS NULL) AS provinces_without_population
    FROM marts.coverage_province_month
    GROUP BY month
),

measured AS (
    SELECT
        provinces.*,
        coalesce(insured.insured_persons, 0) AS insured_persons,
        coalesce(insured.valid_cards, 0) AS valid_cards,
        target.target_pct,
        CASE WHEN provinces.provinces_without_population = 0 AND provinces.population > 0
            THEN coalesce(insured.insured_persons, 0) / provinces.population * 100
        END AS coverage_pct
    FROM provinces
    LEFT JOIN insured ON insured.month = provinces.month
    LEFT JOIN steps.target_figure AS target
        ON target.province_code = '00' AND target.year = year(provinces.month) AND target.target_group = 'ALL'
)

SELECT
    month,
    insured_persons,
    valid_cards,
    valid_cards - insured_persons AS duplicate_cards,
    population,
    population_year,
    coverage_pct,
    target_pct::DOUBLE AS target_pct,
    coverage_pct - target_pct::DOUBLE AS gap_points,
    CASE WHEN coverage_pct IS NOT NULL AND target_pct IS NOT NULL
        THEN greatest(0, ((target_pct * 10000)::HUGEINT * population + 999999) // 1000000 - insured_persons)::BIGINT
    END AS persons_to_target,
    register_month,
    provinces_reporting,
    provinces_without_population
FROM measured
ORDER BY month
