-- One row per rule and delivery. Rules of marts are added after the audit, which needs the marts to be there.
SELECT delivery_id, rule, severity, checked, failed, failed_pct, status
FROM ledger.results
ORDER BY delivery_id, rule
