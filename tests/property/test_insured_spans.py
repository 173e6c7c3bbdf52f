"""Who is insured at the end of which month, and by which card he counts: stretches of months beside the definition, month by month."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.monthly import after
from warehouse.sql_files import queries

FIRST = date(2019, 11, 1)
MONTHS = [after(FIRST, n) for n in range(75)]  # longer than the 60 months that one number holds a bit for
REGISTERS = ("a", "b", "c")

days = st.one_of(
    st.integers(-200, 2500).map(lambda n: FIRST + timedelta(days=n)),
    st.sampled_from([date(1995, 1, 1), date(2020, 2, 29), date(2024, 2, 29), date(2025, 12, 31), date(9999, 12, 31)]),
)
cards = st.fixed_dictionaries(
    {
        "delivery_id": st.sampled_from(REGISTERS),
        "card": st.integers(0, 5),
        "valid_from": days,
        "valid_to": st.none() | days,
        "withdrawn_on": st.none() | st.none() | days,
        "employer_tax_code": st.none() | st.just("0100000000"),
    }
)
uses = st.sets(st.tuples(st.sampled_from(REGISTERS), st.integers(0, len(MONTHS) - 1), st.booleans()), max_size=12)
runs = st.lists(st.tuples(st.sampled_from(REGISTERS), st.integers(0, 70), st.integers(1, 75)), max_size=4)

# The contract, word for word: all valid rows of a month end, and of each person's the one that says where he counts.
NAIVE = """
    WITH valid AS (
        SELECT u.month_end, u.register_month, c.*, p.person_id, p.card_key
        FROM typed.cards AS c
        INNER JOIN steps.register_in_use AS u USING (delivery_id)
        INNER JOIN persons.card_persons AS p USING (card_number)
        WHERE
            c.valid_from <= u.month_end
            AND (c.valid_to IS NULL OR c.valid_to >= u.month_end)
            AND (c.withdrawn_on IS NULL OR c.withdrawn_on > u.month_end)
            AND {months}
    )
"""
PERSONS = (
    NAIVE.format(months="u.is_reported")
    + """
    SELECT
        month_end, person_id, count(DISTINCT card_key),
        arg_min(registered_facility, (-epoch(valid_from), -epoch(register_month), card_number, province_code, delivery_id, row_number))
    FROM valid GROUP BY month_end, person_id
"""
)
CARDS = NAIVE.format(months="(u.is_reported OR c.employer_tax_code IS NOT NULL)") + "SELECT month_end, registered_facility FROM valid"
MET = "INNER JOIN months ON months.month_end BETWEEN s.first_month_end AND s.last_month_end"


@settings(max_examples=20, deadline=None)
@given(rows=st.lists(cards, max_size=12), single=uses, runs=runs)
def test_stretches_of_months_are_the_months_of_the_definition(
    rows: list[dict[str, Any]], single: set[tuple[str, int, bool]], runs: list[tuple[str, int, int]]
) -> None:
    used = {(d, n): True for d, start, length in runs for n in range(start, min(start + length, len(MONTHS)))}
    reported = {n: True for _, n in used}
    used |= {(d, n): True for d, n, _ in single}
    for _, n, is_reported in single:
        reported.setdefault(n, is_reported)
    c = duckdb.connect()
    c.execute("CREATE SCHEMA typed; CREATE SCHEMA steps; CREATE SCHEMA persons")
    c.execute(
        """
        CREATE TABLE typed.cards (
            delivery_id VARCHAR, row_number BIGINT, card_number VARCHAR, valid_from DATE, valid_to DATE, withdrawn_on DATE,
            employer_tax_code VARCHAR, province_code VARCHAR DEFAULT '01', old_province_code VARCHAR, commune_code VARCHAR,
            object_code VARCHAR, sex VARCHAR, birth_date DATE, registered_facility VARCHAR, citizen_id VARCHAR)
        """
    )
    for number, row in enumerate(rows):
        c.execute(
            "INSERT INTO typed.cards (delivery_id, row_number, card_number, valid_from, valid_to, withdrawn_on, employer_tax_code,"
            " registered_facility) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [row["delivery_id"], number, f"C{row['card']}", row["valid_from"], row["valid_to"], row["withdrawn_on"],
             row["employer_tax_code"], f"row {number}"],
        )  # fmt: skip
    c.execute("CREATE TABLE persons.card_persons AS SELECT 'C' || i AS card_number, 'K' || i // 2 AS card_key, 'P' || i // 3 AS person_id"
              " FROM range(6) AS r(i)")  # fmt: skip
    c.execute(
        "CREATE TABLE steps.register_in_use (delivery_id VARCHAR, month DATE, is_reported BOOLEAN, register_month DATE, month_end DATE)"
    )
    said = [(delivery, MONTHS[n], reported[n], date(2019, 1 + REGISTERS.index(delivery) // 2, 1)) for delivery, n in sorted(used)]
    c.execute(
        "INSERT INTO steps.register_in_use SELECT unnest(?), unnest(?), unnest(?), unnest(?), NULL",
        [list(x) for x in zip(*said, strict=True)] or [[]] * 4,
    )
    c.execute("UPDATE steps.register_in_use SET month_end = last_day(month)")
    for name in ("steps.reported_month", "steps.insured_card_span", "steps.insured_person_span"):
        c.execute(f"CREATE TABLE {name} AS {queries()[name].text}")
    c.execute("CREATE TABLE months AS SELECT DISTINCT month_end FROM steps.register_in_use")
    assert sorted(c.execute(f"SELECT month_end, registered_facility FROM steps.insured_card_span AS s {MET}").fetchall()) == sorted(
        c.execute(CARDS).fetchall()
    )
    found = c.execute(
        f"SELECT months.month_end, s.person_id, s.valid_cards, s.registered_facility FROM steps.insured_person_span AS s {MET}"
    ).fetchall()
    assert sorted(found) == sorted(c.execute(PERSONS).fetchall())
