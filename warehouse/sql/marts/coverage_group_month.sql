-- One row per month, province, payer group and plan group of the insured; NULL groups: the card's object code is unknown or has none.
--
-- The group is that of the card that says where the person counts, by the list of object codes in force at the month's end. `target_pct` is the province's
-- own target of the year for the payer group, else for the plan group. A group target is no rate of this row: groups have no population here.
WITH insured AS (
    SELECT
        months.month,
        year(months.month) AS year,
        people.province_code,
        codes.payer_group,
        codes.plan_group,
        sum(people.insured_persons)::BIGINT AS insured_persons
    FROM (
        SELECT first_month_end, last_month_end, province_code, object_code, count(*) AS insured_persons
        FROM steps.insured_person_span
        GROUP BY first_month_end, last_month_end, province_code, object_code
    ) AS people
    INNER JOIN steps.reported_month AS months ON months.month_end BETWEEN people.first_month_end AND people.last_month_end
    LEFT JOIN steps.object_group_month AS codes ON codes.month = months.month AND codes.object_code = people.object_code
    GROUP BY months.month, people.province_code, codes.payer_group, codes.plan_group
)

SELECT
    insured.month,
    insured.province_code,
    insured.payer_group,
    insured.plan_group,
    insured.insured_persons,
    coalesce(of_payer_group.target_pct, of_plan_group.target_pct)::DOUBLE AS target_pct
FROM insured
LEFT JOIN steps.target_figure AS of_payer_group
    ON
        of_payer_group.province_code = insured.province_code
        AND of_payer_group.year = insured.year
        AND of_payer_group.target_group = insured.payer_group
LEFT JOIN steps.target_figure AS of_plan_group
    ON
        of_plan_group.province_code = insured.province_code
        AND of_plan_group.year = insured.year
        AND of_plan_group.target_group = insured.plan_group
ORDER BY insured.month, insured.province_code, insured.payer_group, insured.plan_group
