"""A claim is sent again: which version counts, and what the others are called (contract: *Current claim*)."""

from __future__ import annotations

from datetime import date

import pytest

from tests.spec.claims_tables import rows, warehouse


def counted(claims: str) -> list[object]:
    """What the facilities' fund paid, a figure for each claim that counts."""
    return [paid for (paid,) in rows(warehouse(claims), "steps.claim", "fund_paid::INTEGER")]


def test_the_later_delivery_of_a_claim_replaces_the_earlier() -> None:
    assert counted("""
        episode | received_rank | fund_paid
        A       | 1             | 100
        A       | 2             | 150
    """) == [150]


def test_the_same_episode_at_another_facility_is_another_claim() -> None:
    assert counted("""
        facility_code | episode | fund_paid
        01001         | A       | 100
        01002         | A       | 150
    """) == [100, 150]


def test_the_day_of_issue_comes_before_the_time_received() -> None:
    assert counted("""
        episode | issued_on  | received_rank | fund_paid
        A       | 2025-10-02 | 1             | 150
        A       | 2025-10-01 | 2             | 100
    """) == [150]


def test_a_version_without_day_of_issue_comes_before_those_with_one() -> None:
    assert counted("""
        episode | issued_on  | received_rank | fund_paid
        A       |            | 2             | 100
        A       | 2025-10-01 | 1             | 150
    """) == [150]


def test_of_two_in_one_file_the_last_counts() -> None:
    assert counted("""
        episode | fund_paid
        A       | 100
        A       | 150
    """) == [150]


@pytest.mark.parametrize("category", ["8", " 8 ", "8.0", "08"])
def test_a_withdrawal_leaves_no_current_claim(category: str) -> None:
    assert counted(f"""
        episode | received_rank | visit_category | fund_paid
        A       | 1             | 1.1            | 100
        A       | 2             | {category}     | 100
        B       | 1             | 1.1            | 70
    """) == [70]


@pytest.mark.parametrize("category", ["1.8", "8.1", "10", "18"])
def test_other_categories_withdraw_nothing(category: str) -> None:
    assert counted(f"""
        episode | visit_category | fund_paid
        A       | {category}     | 100
    """) == [100]


def test_a_claim_sent_again_after_its_withdrawal_counts() -> None:
    assert counted("""
        episode | received_rank | visit_category | fund_paid
        A       | 1             | 1.1            | 100
        A       | 2             | 8              | 100
        A       | 3             | 1.1            | 120
    """) == [120]


def test_a_withdrawal_issued_before_the_version_in_use_withdraws_nothing() -> None:
    assert counted("""
        episode | issued_on  | received_rank | visit_category | fund_paid
        A       | 2025-10-02 | 1             | 1.1            | 120
        A       | 2025-10-01 | 2             | 8              | 100
    """) == [120]


def test_every_version_is_kept_and_labelled() -> None:
    con = warehouse("""
        episode | received_rank | visit_category
        A       | 1             | 1.1
        A       | 2             | 1.1
        B       | 1             | 1.1
        B       | 2             | 8
    """)
    assert rows(con, "steps.claim_version", "episode, version, label") == [
        ("A", 1, "superseded"),
        ("A", 2, "current"),
        ("B", 1, "superseded"),
        ("B", 2, "withdrawn"),
    ]


def test_a_resubmission_moves_the_claim_to_its_new_settlement_period() -> None:
    con = warehouse("""
        episode | received_rank | discharged_at | settlement_month
        A       | 1             | 2025-09-10    | 9
        A       | 2             | 2025-09-10    | 10
    """)
    assert rows(con, "marts.facility_month", "month, visits") == [(date(2025, 10, 1), 1)]
    assert rows(con, "marts.facility_service_month", "service_month, visits") == [(date(2025, 9, 1), 1)]


def test_lines_of_superseded_and_withdrawn_versions_are_not_counted() -> None:
    con = warehouse(
        """
        episode | received_rank | visit_category
        A       | 1             | 1.1
        A       | 2             | 1.1
        B       | 1             | 8
        """,
        lines="""
        row_number | cost_group | total_cost | covered_cost | fund_paid
        1          | 4          | 10         | 10           | 10
        2          | 4          | 20         | 20           | 16
        2          | 4          | 20         | 15           | 12
        3          | 4          | 40         | 40           | 40
        """,
    )
    assert rows(
        con, "marts.facility_cost_group_month", "cost_group, lines, total_cost::INTEGER, covered_cost::INTEGER, fund_paid::INTEGER"
    ) == [("4", 2, 40, 35, 28)]
