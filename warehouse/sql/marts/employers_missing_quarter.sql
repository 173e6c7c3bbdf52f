-- One row per quarter and active employer with fewer people insured than paid.
--
-- A tax code of 12 digits is a person's citizen number (TT 86/2024/TT-BTC): it is shown as a keyed hash and without name and commune, for this file holds
-- nothing about one person. Nothing is listed for quarters before the first card register.
SELECT
    employers.quarter,
    employers.province_code,
    CASE WHEN length(employers.tax_code) = 12 THEN keyed(employers.tax_code) ELSE employers.tax_code END AS tax_code,
    CASE WHEN length(employers.tax_code) = 12 THEN NULL ELSE employers.name END AS name,
    employers.registered_on,
    employers.employees_paid,
    employers.employees_insured,
    employers.employees_missing,
    CASE WHEN length(employers.tax_code) = 12 THEN NULL ELSE employers.commune_code END AS commune_code,
    CASE WHEN length(employers.tax_code) = 12 THEN NULL ELSE communes.name END AS commune_name
FROM steps.employer_quarter AS employers
LEFT JOIN reference.commune_units AS communes ON communes.code = employers.commune_code AND communes.valid_to IS NULL
WHERE employers.is_active AND employers.employees_missing > 0
ORDER BY employers.quarter, employers.province_code, tax_code
