-- One row per claim month, facility and care type: visits, persons and money of the current claims.
--
-- month is the settlement period (NAM_QT, THANG_QT).
-- Visits are current claims, patients distinct persons. Name, level and place of the facility are those of the claim month; all NULL but
-- the province where the facility is in no list. Averages over nothing are NULL; the length of stay is SO_NGAY_DTRI of inpatients.
-- referred_in_visits: visits of persons registered in another province (out of province by the claim month).
WITH measured AS (
    SELECT
        month,
        facility_code,
        care_type,
        count(*) AS visits,
        count(DISTINCT person_id) AS patients,
        sum(total_cost) AS total_cost,
        sum(covered_cost) AS covered_cost,
        sum(fund_paid) AS fund_paid,
        sum(copayment) AS copayment,
        sum(self_paid) AS self_paid,
        sum(other_sources) AS other_sources,
        coalesce(sum(treatment_days), 0) AS treatment_days,
        avg(treatment_days) AS avg_treatment_days,
        count(*) FILTER (WHERE out_of_province) AS referred_in_visits
    FROM steps.claim
    GROUP BY month, facility_code, care_type
)

SELECT
    m.month,
    m.facility_code,
    f.facility_name,
    f.province_code,
    f.facility_level,
    f.ownership,
    m.care_type,
    m.visits,
    m.patients,
    m.total_cost::DECIMAL(18, 2) AS total_cost,
    m.covered_cost::DECIMAL(18, 2) AS covered_cost,
    m.fund_paid::DECIMAL(18, 2) AS fund_paid,
    m.copayment::DECIMAL(18, 2) AS copayment,
    m.self_paid::DECIMAL(18, 2) AS self_paid,
    m.other_sources::DECIMAL(18, 2) AS other_sources,
    m.treatment_days::BIGINT AS treatment_days,
    m.total_cost::DOUBLE / m.visits AS avg_cost_per_visit,
    CASE WHEN m.care_type = 'inpatient' THEN m.avg_treatment_days END AS avg_length_of_stay,
    m.referred_in_visits
FROM measured AS m
INNER JOIN steps.facility_place AS f ON f.facility_code = m.facility_code AND f.day = m.month
ORDER BY m.month, m.facility_code, m.care_type
