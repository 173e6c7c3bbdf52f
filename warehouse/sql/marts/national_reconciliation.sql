-- One row per published national figure: what our own marts say of the same time, whether they agree, and which published figures contradict it.
--
-- A state (insured_persons, coverage_pct) is compared with ours at the end of the figure's month; visits and claims_amount with the claims settled in
-- the figure's months, and only where we have claims of every one of them. claims_amount is set against fund_paid. Anything else leaves `ours`
-- NULL: a part of a year is no year. `provinces_reporting` says how much of the nation ours is.
-- agrees: the difference is within the band of the measure (reference.reconciliation_bands, with reasons); a figure that leaves out the armed forces
-- has a wider one. conflicts_with: sources whose figure for the same measure and time differs by more than published rounding.
WITH published AS (
    SELECT
        year::INTEGER AS year,
        measure,
        value::DOUBLE AS value,
        basis,
        source,
        status,
        period_from::DATE AS period_from,
        period_to::DATE AS period_to,
        coalesce(basis LIKE '%armed forces%not included%', false) AS without_armed_forces
    FROM reference.national_series
),

bands AS (
    SELECT
        measure,
        armed_forces_included::BOOLEAN AS armed_forces_included,
        band_pct::DOUBLE AS band_pct,
        conflict_pct::DOUBLE AS conflict_pct
    FROM reference.reconciliation_bands
),

claim_months AS (
    SELECT month, sum(visits) AS visits, sum(fund_paid) AS fund_paid
    FROM marts.facility_month
    GROUP BY month
),

claimed AS (
    SELECT
        p.measure,
        p.period_from,
        p.period_to,
        CASE p.measure WHEN 'visits' THEN sum(c.visits)::DOUBLE WHEN 'claims_amount' THEN sum(c.fund_paid)::DOUBLE END AS ours
    FROM (
        SELECT DISTINCT measure, period_from, period_to
        FROM published
        WHERE measure IN ('visits', 'claims_amount') AND period_from IS NOT NULL
    ) AS p
    INNER JOIN claim_months AS c ON c.month BETWEEN p.period_from AND p.period_to
    GROUP BY p.measure, p.period_from, p.period_to
    HAVING count(*) = date_diff('month', p.period_from, p.period_to) + 1
),

states AS (
    SELECT month, 'insured_persons' AS measure, insured_persons::DOUBLE AS ours, provinces_reporting
    FROM marts.coverage_nation_month
    UNION ALL
    SELECT month, 'coverage_pct' AS measure, coverage_pct AS ours, provinces_reporting
    FROM marts.coverage_nation_month
),

compared AS (
    SELECT
        p.*,
        coalesce(s.ours, c.ours) AS ours,
        s.provinces_reporting,
        b.band_pct,
        b.conflict_pct
    FROM published AS p
    LEFT JOIN states AS s
        ON p.period_from IS NULL AND s.measure = p.measure AND s.month = date_trunc('month', p.period_to)::DATE
    LEFT JOIN claimed AS c ON c.measure = p.measure AND c.period_from = p.period_from AND c.period_to = p.period_to
    LEFT JOIN bands AS b ON b.measure = p.measure AND coalesce(b.armed_forces_included <> p.without_armed_forces, true)
),

conflicts AS (
    SELECT
        a.measure,
        a.period_from,
        a.period_to,
        a.value,
        string_agg(DISTINCT b.source, ' / ' ORDER BY b.source) AS conflicts_with,
        max(abs(b.value - a.value)) / a.value * 100 AS conflict_pct
    FROM (SELECT DISTINCT measure, period_from, period_to, value, conflict_pct FROM compared) AS a
    INNER JOIN published AS b
        ON
            b.measure = a.measure
            AND b.period_from IS NOT DISTINCT FROM a.period_from
            AND b.period_to = a.period_to
            AND abs(b.value - a.value) > a.value * a.conflict_pct / 100
    GROUP BY a.measure, a.period_from, a.period_to, a.value
)

SELECT
    p.year,
    p.measure,
    p.ours,
    p.value,
    p.basis,
    p.source,
    p.status,
    p.period_from,
    p.period_to,
    p.ours - p.value AS difference,
    (p.ours - p.value) / p.value * 100 AS difference_pct,
    p.band_pct,
    abs(p.ours - p.value) / p.value * 100 <= p.band_pct AS agrees,
    p.provinces_reporting,
    x.conflicts_with,
    x.conflict_pct
FROM compared AS p
LEFT JOIN conflicts AS x
    ON
        x.measure = p.measure
        AND x.period_from IS NOT DISTINCT FROM p.period_from
        AND x.period_to = p.period_to
        AND x.value = p.value
ORDER BY p.year, p.measure, p.basis, p.source, p.value
