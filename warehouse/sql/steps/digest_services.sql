-- One row per service month: a digest of all that marts.facility_service_month takes from its claims, as steps.digest_claims is of claim months.
SELECT
    c.service_month AS month,
    concat_ws(
        ' ',
        count(*),
        sum(
            hash(c.said, v.delivery_id, v.row_number, d.records_loaded, d.read_by)
        )
    ) AS digest
FROM (SELECT claim_id, service_month, row(*COLUMNS(* EXCLUDE (claim_id))) AS said FROM steps.claim) AS c
INNER JOIN steps.claim_current AS v ON v.claim_id = c.claim_id
INNER JOIN ledger.deliveries AS d ON d.delivery_id = v.delivery_id
GROUP BY c.service_month
ORDER BY c.service_month
