-- One row per enterprise number in the planning departments' lists: its row received last.
SELECT tax_code, province_code, registered_on, dissolved_on
FROM typed.enterprises
QUALIFY row_number() OVER (PARTITION BY tax_code ORDER BY received_rank DESC, row_number DESC) = 1
ORDER BY tax_code
