-- One row per claim month: a digest of all that the marts and facts of claims take from its claims.
SELECT month, concat_ws(' ', sum(claims), sum(care::HUGEINT)) AS digest
FROM steps.digest_claim_month
GROUP BY month
ORDER BY month
