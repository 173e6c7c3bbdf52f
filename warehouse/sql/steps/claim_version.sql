-- One row per version of a claim (a HOSO), in the order in which the versions replace each other.
--
-- A claim is keyed by facility and episode (MA_CSKCB, MA_LK). Its versions follow the day of issue of the envelope
-- (NGAYLAP; a version without one comes first), then the time received, then the place in the file.
-- MA_DOITUONG_KCB 8 withdraws the claim (a spreadsheet in between may have made it 8.0).
-- label: `current` the latest version; `withdrawn` the latest version where that withdraws the claim, which then has no
-- current version until a later one is sent; `superseded` each version before the latest.
WITH ordered AS (
    SELECT
        facility_code,
        episode,
        delivery_id,
        row_number,
        row_number() OVER (
            PARTITION BY facility_code, episode
            ORDER BY issued_on ASC NULLS FIRST, received_rank, "position" ASC NULLS FIRST, row_number
        ) AS version,
        count(*) OVER (PARTITION BY facility_code, episode) AS versions,
        coalesce(regexp_full_match(trim(visit_category), '0*8([.]0*)?'), false) AS is_withdrawal
    FROM typed.claims
)

SELECT
    facility_code,
    episode,
    version,
    versions,
    delivery_id,
    row_number,
    is_withdrawal,
    CASE WHEN version < versions THEN 'superseded' WHEN is_withdrawal THEN 'withdrawn' ELSE 'current' END AS label
FROM ordered
ORDER BY facility_code, episode, version
