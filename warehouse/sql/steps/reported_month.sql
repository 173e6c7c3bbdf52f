-- One row per month of the coverage marts: from the first to the last register.
SELECT DISTINCT month, month_end
FROM steps.register_in_use
WHERE is_reported
ORDER BY month
