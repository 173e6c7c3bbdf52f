-- One row per file received, or member of an archive.
SELECT delivery_id, export, path, sha256, province_code, period, received_at, status, nullif(reason, '') AS reason,
       records_declared, records_read, records_loaded, records_quarantined, records_repeated,
       make_timestamp(modified_ns // 1000) AS modified_at
FROM ledger.deliveries
ORDER BY received_rank
