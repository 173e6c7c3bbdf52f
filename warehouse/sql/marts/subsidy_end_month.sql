-- One row per month and local resolution in force in it with a known end, and group whose cards tell that they belong to it: whom its end would leave
-- without insurance.
--
-- supported_persons: insured at the end of the month who count in the old province on a card of the group, at the group's age on the support's last day.
-- uncovered_persons: those of them with no valid card that runs on after that day; they are uninsured the day after, unless somebody pays anew. What of
-- the premium is still paid then is remaining_pct: the most that any other entry in force for such a card gives, 0 where there is none.
-- renewed_persons, lapsed_persons: of the uncovered, who is and who is not insured at the end of the next month; NULL but in the month in which the
-- support ends, and there until the next month's registers are known.
WITH months AS (
    SELECT DISTINCT month, month_end FROM steps.register_in_use WHERE is_reported
),

groups AS (
    SELECT
        row_number() OVER (ORDER BY old_province_code, group_name, instrument, valid_from NULLS FIRST) AS subsidy_id,
        *,
        string_split(object_codes, ';') AS codes
    FROM dims.subsidy
    WHERE object_codes IS NOT NULL
),

ending AS (
    SELECT m.month, m.month_end, g.*, date_trunc('month', g.valid_to)::DATE = m.month AS is_last_month
    FROM groups AS g
    INNER JOIN months AS m ON coalesce(g.valid_from <= m.month_end, true) AND g.valid_to >= m.month
    WHERE g.old_province_code <> '00'
),

remaining AS (
    SELECT e.subsidy_id, max(g.support_pct) AS remaining_pct
    FROM groups AS e
    INNER JOIN groups AS g
        ON
            g.subsidy_id <> e.subsidy_id
            AND g.old_province_code IN ('00', e.old_province_code)
            AND list_has_any(g.codes, e.codes)
            AND coalesce(g.valid_from <= e.valid_to + 1, true)
            AND coalesce(g.valid_to > e.valid_to, true)
            AND coalesce(g.age_from <= e.age_from, g.age_from IS NULL)
            AND coalesce(g.age_to >= e.age_to, g.age_to IS NULL)
    GROUP BY e.subsidy_id
),

-- Only people on cards of such groups, so that nobody else is looked at twice.
people AS (
    SELECT
        p.first_month_end,
        p.last_month_end,
        p.person_id,
        p.object_code,
        p.birth_date,
        coalesce(p.old_province_code, c.old_province_code, w.old_province_code) AS old_province_code
    FROM steps.insured_person_span AS p
    LEFT JOIN steps.old_province AS c ON c.province_code = p.province_code AND c.commune_code = p.commune_code
    LEFT JOIN steps.old_province AS w ON w.province_code = p.province_code AND w.commune_code IS NULL
    WHERE
        p.object_code IN (SELECT unnest(codes) FROM ending)
        AND p.province_code IN (SELECT province_code FROM ending)
),

supported AS (
    SELECT e.month, e.month_end, e.subsidy_id, e.valid_to, p.person_id
    FROM ending AS e
    INNER JOIN people AS p
        ON
            p.old_province_code = e.old_province_code
            AND e.month_end BETWEEN p.first_month_end AND p.last_month_end
            AND list_contains(e.codes, p.object_code)
    WHERE
        (e.age_from IS NULL OR date_sub('year', p.birth_date, e.valid_to) >= e.age_from)
        AND (e.age_to IS NULL OR date_sub('year', p.birth_date, e.valid_to) <= e.age_to)
),

uncovered AS (
    SELECT s.month, s.subsidy_id, s.person_id
    FROM supported AS s
    INNER JOIN steps.insured_card_span AS k
        ON k.person_id = s.person_id AND s.month_end BETWEEN k.first_month_end AND k.last_month_end
    GROUP BY s.month, s.subsidy_id, s.person_id, s.valid_to
    HAVING bool_and(coalesce(k.valid_to <= s.valid_to, false))
),

counted AS (
    SELECT
        s.month,
        s.subsidy_id,
        count(*) AS supported_persons,
        count(u.person_id) AS uncovered_persons,
        count(u.person_id) FILTER (WHERE n.person_id IS NOT NULL) AS renewed_persons
    FROM supported AS s
    LEFT JOIN uncovered AS u ON u.month = s.month AND u.subsidy_id = s.subsidy_id AND u.person_id = s.person_id
    LEFT JOIN steps.insured_person_span AS n
        ON
            n.person_id = u.person_id
            AND last_day((u.month + INTERVAL 1 MONTH)::DATE) BETWEEN n.first_month_end AND n.last_month_end
    GROUP BY s.month, s.subsidy_id
)

SELECT
    e.month,
    e.old_province_code,
    e.province_code,
    e.group_name,
    e.payer_group,
    e.instrument,
    e.valid_to AS ends_on,
    e.support_pct,
    coalesce(r.remaining_pct, 0) AS remaining_pct,
    coalesce(c.supported_persons, 0) AS supported_persons,
    coalesce(c.uncovered_persons, 0) AS uncovered_persons,
    CASE WHEN e.is_last_month AND k.month IS NOT NULL THEN coalesce(c.renewed_persons, 0) END AS renewed_persons,
    CASE WHEN e.is_last_month AND k.month IS NOT NULL THEN coalesce(c.uncovered_persons - c.renewed_persons, 0) END AS lapsed_persons
FROM ending AS e
LEFT JOIN remaining AS r ON r.subsidy_id = e.subsidy_id
LEFT JOIN counted AS c ON c.month = e.month AND c.subsidy_id = e.subsidy_id
LEFT JOIN months AS k ON k.month = (e.month + INTERVAL 1 MONTH)::DATE
ORDER BY e.month, e.old_province_code, e.group_name, e.instrument
