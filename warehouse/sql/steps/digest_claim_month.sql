-- One row per claim month and service month: digests of all that is known of its current claims, with their signals (`care`) and without (`services`).
--
-- The claim is told by its delivery and row, and by what read them. A digest is a sum of hashes, so the order of rows does not count; it only
-- ever decides whether a part is made again.
SELECT
    c.month,
    c.service_month,
    count(*) AS claims,
    sum(hash(c.said, d.records_loaded, d.read_by, c.signals))::VARCHAR AS care,
    sum(hash(c.said, d.records_loaded, d.read_by))::VARCHAR AS services
FROM (
    SELECT month, service_month, delivery_id, signals, row(*COLUMNS(* EXCLUDE (signals))) AS said
    FROM steps.claim_known
    WHERE label = 'current'
) AS c
INNER JOIN ledger.deliveries AS d ON d.delivery_id = c.delivery_id
GROUP BY c.month, c.service_month
ORDER BY c.month, c.service_month
