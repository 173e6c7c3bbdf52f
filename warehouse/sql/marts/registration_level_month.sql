-- One row per month, province of residence, level and ownership of the facility where the insured are registered for first care.
--
-- The facility is that of the card that says where the person counts, as the list of facilities has it at the month's end; NULL: no facility on the
-- card, or none known by that code on that day.
WITH insured AS (
    SELECT
        months.month,
        months.month_end,
        people.province_code,
        people.registered_facility,
        sum(people.insured_persons)::BIGINT AS insured_persons
    FROM (
        SELECT first_month_end, last_month_end, province_code, registered_facility, count(*) AS insured_persons
        FROM steps.insured_person_span
        GROUP BY first_month_end, last_month_end, province_code, registered_facility
    ) AS people
    INNER JOIN steps.reported_month AS months ON months.month_end BETWEEN people.first_month_end AND people.last_month_end
    GROUP BY months.month, months.month_end, people.province_code, people.registered_facility
),

-- A code with several validities meets the one that began last (ASOF), so a person is never counted twice; whether it has ended is looked at after.
facilities AS (
    SELECT
        facility_code,
        facility_level,
        ownership,
        coalesce(valid_from, DATE '0001-01-01') AS valid_from,
        coalesce(valid_to, DATE '9999-12-31') AS valid_to
    FROM dims.facility
),

placed AS (
    SELECT
        insured.month,
        insured.province_code,
        CASE WHEN facilities.valid_to >= insured.month_end THEN facilities.facility_level END AS facility_level,
        CASE WHEN facilities.valid_to >= insured.month_end THEN facilities.ownership END AS ownership,
        insured.insured_persons
    FROM insured
    ASOF LEFT JOIN facilities
        ON facilities.facility_code = insured.registered_facility AND insured.month_end >= facilities.valid_from
)

SELECT month, province_code, facility_level, ownership, sum(insured_persons)::BIGINT AS insured_persons
FROM placed
GROUP BY month, province_code, facility_level, ownership
ORDER BY month, province_code, facility_level, ownership
