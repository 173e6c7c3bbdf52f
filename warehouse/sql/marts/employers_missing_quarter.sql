-- One row per quarter and active employer with fewer people insured than paid.
--
-- A tax code of 12 digits is a person's citizen number (TT 86/2024/TT-BTC): it is shown as a keyed hash and without the name, for this file holds
-- nothing about one person. Nothing is listed for quarters before the first card register.
SELECT
    quarter,
    province_code,
    CASE WHEN length(tax_code) = 12 THEN keyed(tax_code) ELSE tax_code END AS tax_code,
    CASE WHEN length(tax_code) = 12 THEN NULL ELSE name END AS name,
    registered_on,
    employees_paid,
    employees_insured,
    employees_missing
FROM steps.employer_quarter
WHERE is_active AND employees_missing > 0
ORDER BY quarter, province_code, tax_code
