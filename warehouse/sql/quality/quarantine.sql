-- One row per quarantined record and rule that it breaks; no personal values.
SELECT delivery_id, row_number, rule, reason
FROM ledger.quarantine
ORDER BY delivery_id, row_number, rule
