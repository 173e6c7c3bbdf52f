-- One row per facility and stretch of months in which the provinces' lists say the same of it.
--
-- Of the rows of one facility and month the last received counts (then the last in its file). A row holds from the month of its
-- list until a later list says something else; a list that leaves the facility out changes nothing. What is known first holds
-- from the beginning, since claims are older than the first list.
WITH listed AS (
    SELECT
        facility_code,
        date_trunc('month', period)::DATE AS month,
        {
            'facility_name': facility_name,
            'province_code': province_code,
            'old_province_code': old_province_code,
            'commune_code': commune_code,
            'facility_level': facility_level,
            'technical_level': technical_level,
            'ownership': ownership,
            'facility_type': facility_type,
            'hospital_class': hospital_class,
            'contract_from': contract_from,
            'contract_to': contract_to,
            'replaced_code': replaced_code
        } AS said
    FROM typed.facilities
    WHERE facility_code IS NOT NULL AND period IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY facility_code, month ORDER BY received_rank DESC, row_number DESC) = 1
),

compared AS (
    SELECT
        facility_code,
        month,
        said,
        lag(month) OVER earlier IS NULL AS is_first,
        lag(said) OVER earlier AS said_before
    FROM listed
    WINDOW earlier AS (PARTITION BY facility_code ORDER BY month)
),

changes AS (
    SELECT * FROM compared WHERE is_first OR said IS DISTINCT FROM said_before
)

SELECT
    facility_code,
    said.facility_name AS facility_name,
    said.province_code AS province_code,
    said.old_province_code AS old_province_code,
    said.commune_code AS commune_code,
    said.facility_level AS facility_level,
    said.technical_level AS technical_level,
    said.ownership AS ownership,
    said.facility_type AS facility_type,
    said.hospital_class AS hospital_class,
    said.contract_from AS contract_from,
    said.contract_to AS contract_to,
    said.replaced_code AS replaced_code,
    CASE WHEN is_first THEN NULL ELSE month END AS valid_from,
    lead(month) OVER (PARTITION BY facility_code ORDER BY month) - 1 AS valid_to
FROM changes
ORDER BY facility_code, month
