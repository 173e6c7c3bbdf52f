-- One row per month and card register (delivery) that is in use for it.
--
-- Contract, "Register used for M": each province's latest snapshot with period <= M. From 2025-07 a merged province's registers are its
-- own; until its first, the latest of each old province that it took in.
-- A register belongs to an owner: before the reform of 2025-07-01 (QĐ 19/2025/QĐ-TTg) to the old province (63) of its code; from then to the
-- new one (34) when the code is one of the 34, else (an old code delivered late) still to the old province. Seven codes changed their
-- meaning that day, so the code alone says nothing. The 11 provinces that took in nobody need no rule of their own: their own
-- registers are always the later ones.
-- Months run from the first to the last register period (`is_reported`). The last month of a quarter for which the tax authority lists employers
-- is added when it lies after them: employers are compared with the registers then in use; no coverage mart shows such a month.
WITH registers AS (
    SELECT register_province, period, delivery_id, received_rank
    FROM ledger.registers
),

places AS (
    SELECT
        code,
        min(province_code) AS province_code,
        bool_or(valid_to IS NULL) AS is_of_today
    FROM reference.province_units
    GROUP BY code
),

owned AS (
    SELECT
        registers.*,
        places.province_code,
        registers.period >= DATE '2025-07-01' AND coalesce(places.is_of_today, false) AS is_own
    FROM registers
    LEFT JOIN places ON places.code = registers.register_province
),

reported AS (
    SELECT unnest(generate_series(min(period), max(period), INTERVAL 1 MONTH))::DATE AS month
    FROM registers
),

months AS (
    SELECT month, true AS is_reported
    FROM reported
    UNION ALL
    SELECT DISTINCT quarter_end.month, false AS is_reported
    FROM (
        SELECT make_date(left(quarter, 4)::INTEGER, right(quarter, 1)::INTEGER * 3, 1) AS month
        FROM typed.employers
    ) AS quarter_end
    WHERE quarter_end.month > (SELECT max(month) FROM reported)
),

latest AS (
    SELECT months.month, months.is_reported, owned.*
    FROM months
    INNER JOIN owned ON owned.period <= months.month
    QUALIFY row_number() OVER (
        PARTITION BY months.month, owned.register_province, owned.is_own
        ORDER BY owned.period DESC, owned.received_rank DESC, owned.delivery_id ASC
    ) = 1
)

SELECT
    month,
    last_day(month) AS month_end,
    is_reported,
    province_code,
    register_province,
    period AS register_month,
    delivery_id
FROM latest
QUALIFY is_own OR NOT bool_or(is_own) OVER (PARTITION BY month, province_code)
ORDER BY month, province_code, register_province, delivery_id
