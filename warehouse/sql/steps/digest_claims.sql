-- One row per claim month: a digest of all that the marts and facts of claims take from its claims.
--
-- The claim is told by its delivery and row (and by what read them), by its row in steps.claim and by its signals. A digest is a sum of hashes, so the order of rows does not count; it only ever decides whether a part is made again.
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
            hash(c.said, v.delivery_id, v.row_number, d.records_loaded, d.read_by, s.signals)
        )
    ) AS digest
FROM (SELECT claim_id, month, row(*COLUMNS(* EXCLUDE (claim_id))) AS said FROM steps.claim) AS c
INNER JOIN steps.claim_current AS v ON v.claim_id = c.claim_id
INNER JOIN ledger.deliveries AS d ON d.delivery_id = v.delivery_id
LEFT JOIN signals AS s ON s.claim_id = c.claim_id
GROUP BY c.month
ORDER BY c.month
