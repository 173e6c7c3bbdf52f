-- One row per current claim: its keyed hash, of facility and episode. Made of the claims of the months that must be made, for it takes its time.
SELECT claim_id, keyed(facility_code || '|' || episode) AS claim_key
FROM steps.claim
