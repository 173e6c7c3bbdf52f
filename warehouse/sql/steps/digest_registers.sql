-- One row per month of the registers: a digest of all that the coverage marts take from them for that month.
--
-- It moves when another delivery is in use, when its rows are others (records_loaded, read_by), or when a card of it belongs to another person.
-- A digest is a sum of hashes, so the order of rows does not count; it only ever decides whether a part is made again.
SELECT
    used.month,
    sum(
        hash(used, deliveries.records_loaded, deliveries.read_by, cards.digest)
    )::VARCHAR AS digest
FROM steps.register_in_use AS used
INNER JOIN ledger.deliveries AS deliveries ON deliveries.delivery_id = used.delivery_id
INNER JOIN persons.register_digests AS cards ON cards.delivery_id = used.delivery_id
GROUP BY used.month
ORDER BY used.month
