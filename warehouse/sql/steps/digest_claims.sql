-- One row per claim month: a digest of all that the marts and facts of claims take from its claims.
--
-- The claim itself is told by its delivery and row (and by what read them), what was made of it by its person, its provinces, its object code and
-- its signals. A digest is a sum of hashes, so the order of rows does not count; it only ever decides whether a part is made again.
WITH signals AS (
    SELECT claim_id, sum(hash(signal)) AS signals
    FROM steps.claim_signal
    GROUP BY claim_id
)

SELECT
    c.month,
    concat_ws(
        ' ',
        count(*),
        sum(
            hash(
                v.delivery_id, v.row_number, d.records_loaded, d.read_by, c.person_id, c.object_code,
                c.care_province_code, c.home_province_code, s.signals
            )
        )
    ) AS digest
FROM steps.claim AS c
INNER JOIN steps.claim_current AS v ON v.claim_id = c.claim_id
INNER JOIN ledger.deliveries AS d ON d.delivery_id = v.delivery_id
LEFT JOIN signals AS s ON s.claim_id = c.claim_id
GROUP BY c.month
ORDER BY c.month
