-- One row per service month: a digest of all that marts.facility_service_month takes from its claims, as steps.digest_claims is of claim months.
--
-- Whether a claim is out of province is a matter of its claim month, so what the facilities were in these months counts too.
SELECT
    c.service_month AS month,
    concat_ws(' ', sum(c.claims), sum(c.services::HUGEINT), sum(hash(p.month, p.digest))) AS digest
FROM steps.digest_claim_month AS c
LEFT JOIN steps.digest_places AS p ON p.month = c.month
GROUP BY c.service_month
ORDER BY c.service_month
