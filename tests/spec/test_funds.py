"""Budgets and what was paid from them (contract: *Funds*)."""

from __future__ import annotations

import pytest

from tests.spec.claims_tables import rows, warehouse

PAID = """
    episode | facility_code | discharged_at | fund_paid
    A       | 01001         | 2025-02-10    | 100
    B       | 01001         | 2025-08-10    | 50
    C       | 01002         | 2025-08-10    | 30
    D       | 08001         | 2025-08-10    | 7
"""
COLUMNS = "quarter, province_code, facility_code, budget::INTEGER, fund_paid::INTEGER, budget_used_pct"


def funds(budgets: str, claims: str = PAID) -> list[tuple[object, ...]]:
    return rows(warehouse(claims, budgets=budgets), "marts.fund_quarter", COLUMNS)


def test_a_facility_with_claims_has_a_row_and_without_a_budget_no_rate() -> None:
    assert funds("year") == [
        ("2025-Q1", "01", "01001", None, 100, None),
        ("2025-Q3", "01", "01001", None, 50, None),
        ("2025-Q3", "01", "01002", None, 30, None),
        ("2025-Q3", "08", "08001", None, 7, None),
    ]


def test_use_of_a_budget_runs_from_january_to_the_end_of_the_quarter() -> None:
    found = funds("""
        year | facility_code | budget
        2025 | 01001         | 1000
        2024 | 01001         | 9999
    """)
    assert [row for row in found if row[2] == "01001"] == [
        ("2025-Q1", "01", "01001", 1000, 100, 10.0),
        ("2025-Q3", "01", "01001", 1000, 50, 15.0),
    ]


def test_a_new_year_begins_with_nothing_used() -> None:
    found = funds(
        """
        year | facility_code | budget
        2025 | 01001         | 1000
        2026 | 01001         | 500
        """,
        """
        episode | discharged_at | fund_paid
        A       | 2025-12-10    | 100
        B       | 2026-01-10    | 50
        """,
    )
    assert found == [("2025-Q4", "01", "01001", 1000, 100, 10.0), ("2026-Q1", "01", "01001", 500, 50, 10.0)]


def test_a_facility_with_a_budget_and_no_claims_has_a_row() -> None:
    found = funds("""
        year | facility_code | budget
        2025 | 79001         | 1000
    """)
    assert [row for row in found if row[2] == "79001"] == [
        ("2025-Q1", "79", "79001", 1000, 0, 0.0),
        ("2025-Q3", "79", "79001", 1000, 0, 0.0),
    ]


def test_a_province_row_holds_all_its_facilities_and_stands_only_where_it_has_a_budget() -> None:
    found = funds("""
        year | province_code | budget
        2025 | 01            | 1000
    """)
    assert [row for row in found if row[2] is None] == [("2025-Q1", "01", None, 1000, 100, 10.0), ("2025-Q3", "01", None, 1000, 80, 18.0)]


def test_a_budget_delivered_later_replaces_the_earlier() -> None:
    found = funds("""
        year | facility_code | budget | received_rank
        2025 | 01001         | 2000   | 2
        2025 | 01001         | 1000   | 1
    """)
    assert {row[3] for row in found if row[2] == "01001"} == {2000}


def test_of_two_in_one_list_the_last_counts() -> None:
    found = funds("""
        year | facility_code | budget
        2025 | 01001         | 1000
        2025 | 01001         | 2000
    """)
    assert {row[3] for row in found if row[2] == "01001"} == {2000}


@pytest.mark.parametrize(
    ("later", "budget"),
    [("", 500), ("2025 | 08 | 02 | 250 | 2", 450), ("2025 | 08 |  | 800 | 2", 800), ("2025 | 08 |  | 100 | 1", 600)],
    ids=["added up", "one of them corrected", "replaced by the merged province's own", "in the same list: added up"],
)
def test_budgets_of_provinces_that_merged_are_added_up(later: str, budget: int) -> None:
    found = funds(f"""
        year | province_code | old_province_code | budget | received_rank
        2025 | 08            | 02                | 300    | 1
        2025 | 08            | 08                | 200    | 1
        {later}
    """)
    assert [row[3:5] for row in found if row[0] == "2025-Q3" and row[2] is None] == [(budget, 7)]


def test_a_budget_of_nothing_has_no_rate() -> None:
    found = funds("""
        year | facility_code | budget
        2025 | 01001         | 0
    """)
    assert {row[3:6:2] for row in found if row[2] == "01001"} == {(0, None)}


def test_a_year_without_claims_has_no_row() -> None:
    assert {row[0] for row in funds("year | facility_code | budget\n2026 | 01001 | 1000")} == {"2025-Q1", "2025-Q3"}
