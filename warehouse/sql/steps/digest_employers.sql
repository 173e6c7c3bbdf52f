-- One row per last month of a quarter of the tax authority's lists: a digest of the employers of the quarter, and of the enterprises that the
-- planning departments have registered by its end.
WITH listed AS (
    SELECT
        make_date(left(quarter, 4)::INTEGER, right(quarter, 1)::INTEGER * 3, 1) AS month,
        tax_code,
        hash(employers) AS said
    FROM typed.employers AS employers
),

months AS (
    SELECT DISTINCT month, last_day(month) AS month_end FROM listed
),

employers AS (
    SELECT listed.month, sum(hash(listed.said, enterprises.registered_on)) AS digest
    FROM listed
    LEFT JOIN steps.enterprise AS enterprises ON enterprises.tax_code = listed.tax_code
    GROUP BY listed.month
),

-- Who is registered by a day is who was registered up to it less who was dissolved up to it: sums that run along the days.
counted AS (
    SELECT registered_on AS day, sum(hash(enterprises)::HUGEINT) AS digest
    FROM steps.enterprise AS enterprises
    GROUP BY registered_on
    UNION ALL
    SELECT greatest(registered_on, dissolved_on) AS day, -sum(hash(enterprises)::HUGEINT) AS digest
    FROM steps.enterprise AS enterprises
    WHERE dissolved_on IS NOT NULL
    GROUP BY greatest(registered_on, dissolved_on)
),

enterprises AS (
    SELECT months.month, sum(counted.digest) AS digest
    FROM months
    LEFT JOIN counted ON counted.day <= months.month_end
    GROUP BY months.month
),

-- A province has a row as soon as any enterprise of it is known, be it registered later.
provinces AS (
    SELECT sum(hash(province_code)) AS digest
    FROM (SELECT DISTINCT province_code FROM steps.enterprise) AS known
)

SELECT
    months.month,
    hash(employers.digest, enterprises.digest, provinces.digest)::VARCHAR AS digest
FROM months
INNER JOIN employers ON employers.month = months.month
INNER JOIN enterprises ON enterprises.month = months.month
CROSS JOIN provinces
ORDER BY months.month
