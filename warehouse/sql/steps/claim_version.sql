-- One row per version of a claim (a HOSO, or a row of a flat list), in the order in which the versions replace each other.
--
-- A claim is keyed by facility and episode (MA_CSKCB, MA_LK). Its versions follow the day of issue of the envelope
-- (NGAYLAP; a version without one comes first), then the time received, then the place in the file.
-- label: `current` the latest version; `withdrawn` the latest version where that withdraws the claim, which then has no
-- current version until a later one is sent; `superseded` each version before the latest. superseded_by: `version` or `grade`, NULL where it is not.
--
-- Rows of flat lists (source_form 79a, 80a, 01bh) are claims of a lower grade, mostly without MA_LK. What makes two of them one claim is the facility,
-- the last ten digits of the card and the days of admission and discharge (visit_key), be they from a 79a and an 01/BH; or the same MA_LK. Visits of
-- one card on the same days are told apart within a list by their times, and the first, second … of one list is that of the next.
-- A row of a list counts only where no XML, in any version, withdrawn or not, has its facility and MA_LK, or its facility, card and days; else it is
-- superseded by grade, whichever came first. So no claim is counted twice. `counted_episode` is the key that a claim is counted under: the
-- episode, with the visit's number behind it from the second visit of the same days on.
WITH numbered AS (
    SELECT
        facility_code,
        episode,
        coalesce(visit_key, episode) AS visit_key,
        dense_rank() OVER (
            PARTITION BY delivery_id, facility_code, coalesce(visit_key, episode) ORDER BY admitted_at, discharged_at, episode
        ) AS visit_number,
        delivery_id,
        row_number,
        received_rank,
        "position",
        card_numbers,
        admitted_at::DATE AS admitted_on,
        discharged_at::DATE AS discharged_on
    FROM steps.claim_row
    WHERE source_form <> 'xml'
),

-- Without lists all that follows of them is empty: no card of an XML claim is looked at.
carded AS (
    SELECT delivery_id, row_number, facility_code, admitted_on, discharged_on, right(unnest(card_numbers), 10) AS last_ten
    FROM numbered
),

xml_carded AS (
    SELECT
        facility_code,
        coalesce(admitted_at, discharged_at)::DATE AS admitted_on,
        discharged_at::DATE AS discharged_on,
        right(unnest(card_numbers), 10) AS last_ten
    FROM steps.claim_row
    WHERE source_form = 'xml' AND facility_code IN (SELECT facility_code FROM numbered)
),

replaced AS (
    SELECT n.delivery_id, n.row_number
    FROM numbered AS n
    SEMI JOIN (SELECT facility_code, episode FROM steps.claim_row WHERE source_form = 'xml') AS x
        ON x.facility_code = n.facility_code AND x.episode = n.episode
    UNION
    SELECT c.delivery_id, c.row_number
    FROM carded AS c
    SEMI JOIN xml_carded AS x
        ON
            x.facility_code = c.facility_code
            AND x.last_ten = c.last_ten
            AND x.admitted_on = c.admitted_on
            AND x.discharged_on = c.discharged_on
),

listed AS (
    SELECT
        n.facility_code,
        n.episode,
        CASE WHEN n.episode = n.visit_key AND n.visit_number > 1 THEN n.episode || '#' || n.visit_number ELSE n.episode END AS counted_episode,
        n.delivery_id,
        n.row_number,
        row_number() OVER same_visit AS version,
        count(*) OVER (PARTITION BY n.facility_code, n.visit_key, n.visit_number) AS versions,
        n.episode <> n.visit_key AND lead(n.row_number) OVER same_episode IS NOT NULL AS has_later_episode,
        bool_or(r.delivery_id IS NOT NULL) OVER (PARTITION BY n.facility_code, n.visit_key, n.visit_number) AS is_replaced
    FROM numbered AS n
    LEFT JOIN replaced AS r ON r.delivery_id = n.delivery_id AND r.row_number = n.row_number
    WINDOW
        same_visit AS (
            PARTITION BY n.facility_code, n.visit_key, n.visit_number ORDER BY n.received_rank, n."position" ASC NULLS FIRST, n.row_number
        ),
        same_episode AS (PARTITION BY n.facility_code, n.episode ORDER BY n.received_rank, n."position" ASC NULLS FIRST, n.row_number)
),

sent AS (
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
        is_withdrawal
    FROM steps.claim_row
    WHERE source_form = 'xml'
)

SELECT
    facility_code,
    episode,
    episode AS counted_episode,
    version,
    versions,
    delivery_id,
    row_number,
    is_withdrawal,
    CASE WHEN version < versions THEN 'superseded' WHEN is_withdrawal THEN 'withdrawn' ELSE 'current' END AS label,
    CASE WHEN version < versions THEN 'version' END AS superseded_by
FROM sent
UNION ALL
SELECT
    facility_code,
    episode,
    counted_episode,
    version,
    versions,
    delivery_id,
    row_number,
    false AS is_withdrawal,
    CASE WHEN is_replaced OR has_later_episode OR version < versions THEN 'superseded' ELSE 'current' END AS label,
    CASE WHEN is_replaced THEN 'grade' WHEN has_later_episode OR version < versions THEN 'version' END AS superseded_by
FROM listed
ORDER BY facility_code, episode, version, delivery_id, row_number
