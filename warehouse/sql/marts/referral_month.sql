-- One row per claim month, home province, province of care and care type of the visits out of province.
--
-- Home: the province of the facility where the first card is registered (MA_DKBD); care: that of MA_CSKCB, both of the 34.
-- Only home ≠ care is held; a visit of which one of the two is not known is no referral.
SELECT
    month,
    home_province_code,
    care_province_code,
    care_type,
    count(*) AS visits,
    sum(fund_paid)::DECIMAL(18, 2) AS fund_paid
FROM steps.claim
WHERE out_of_province
GROUP BY month, home_province_code, care_province_code, care_type
ORDER BY month, home_province_code, care_province_code, care_type
