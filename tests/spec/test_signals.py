"""Signals on claims, each beside its near miss (contract: *Signals*)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.spec.claims_tables import rows, warehouse

AN = """
    card_number     | person | valid_from | valid_to   | withdrawn_on | withdrawal_reason
    DN4010000000011 | An     | 2025-01-01 | 2025-12-31 |              |
"""


def marked(signal: str, claims: str, cards: str = AN) -> list[object]:
    """Episodes of the claims that raise the signal."""
    con = warehouse(claims, cards=cards)
    raised = {i for i, s in rows(con, "steps.claim_signal", "claim_id, signal") if s == signal}
    return [e for i, e in rows(con, "steps.claim_current", "claim_id, episode") if i in raised]


def visit(**cells: str) -> str:
    """A table of one claim, A, of An's card, on 10 September 2025."""
    row = {"episode": "A", "card_numbers": "DN4010000000011", "discharged_at": "2025-09-10", **cells}
    return f"{'|'.join(row)}\n{'|'.join(row.values())}"


@pytest.mark.parametrize(
    ("register", "raised"),
    [
        ("2025-09-10 | 2025-09-10 | | ", []),
        ("2025-01-01 | | | ", []),
        ("2025-09-11 | | | ", ["A"]),
        ("2025-01-01 | 2025-09-09 | | ", ["A"]),
        ("2025-01-01 | | 2025-09-11 | KHAC", []),
        ("2025-01-01 | | 2025-09-10 | KHAC", ["A"]),
    ],
    ids=["on its only day", "open", "from the next day", "until the day before", "withdrawn the day after", "withdrawn on the day"],
)
def test_outside_card_validity_by_the_register(register: str, raised: list[str]) -> None:
    cards = f"card_number | person | valid_from | valid_to | withdrawn_on | withdrawal_reason\nDN4010000000011 | An | {register}"
    assert marked("outside_card_validity", visit(), cards) == raised


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "raised"),
    [
        ("2025-09-10", "2025-09-10", []),
        ("2025-01-01", "", []),
        ("2025-01-01", "2025-09-09", ["A"]),
        ("2025-09-11", "", ["A"]),
        ("", "2025-12-31", ["A"]),
    ],
)
def test_outside_card_validity_by_the_claims_own_dates(valid_from: str, valid_to: str, raised: list[str]) -> None:
    claims = visit(card_valid_from=valid_from, card_valid_to=valid_to)
    assert marked("outside_card_validity", claims, "card_number | person\nDN4010000000099 | Bình") == raised


def test_the_dates_of_one_card_do_not_make_another_valid_but_any_valid_card_will_do() -> None:
    expired = visit(
        card_numbers="DN4010000000011;DN4010000000099", card_valid_from="2024-01-01;2025-09-01", card_valid_to="2024-12-31;2025-09-09"
    )
    valid = expired.replace("2025-09-09", "2025-09-10")
    elsewhere = "card_number | person\nDN4010000000077 | Bình"
    assert marked("outside_card_validity", expired, elsewhere) == ["A"]
    assert marked("outside_card_validity", valid, elsewhere) == []


def test_without_a_card_nothing_is_outside_its_validity_or_unknown() -> None:
    assert marked("outside_card_validity", visit(card_numbers="")) == []
    assert marked("unknown_card", visit(card_numbers="")) == []


def test_the_day_of_admission_counts_and_without_it_the_day_of_discharge() -> None:
    assert marked("outside_card_validity", visit(admitted_at="2024-12-31", discharged_at="2025-01-05")) == ["A"]
    assert marked("outside_card_validity", visit(admitted_at="none", discharged_at="2025-01-05")) == []


def test_what_the_registers_said_last_counts() -> None:
    cards = """
        card_number     | person | valid_from | valid_to   | period     | received_rank
        DN4010000000011 | An     | 2025-01-01 | 2025-12-31 | 2025-08-01 | 3
        DN4010000000011 | An     | 2025-01-01 | 2025-06-30 | 2025-09-01 | 2
    """
    assert marked("outside_card_validity", visit(), cards) == ["A"]


@pytest.mark.parametrize(
    ("day", "reason", "raised"), [("2025-09-09", "CHET", ["A"]), ("2025-09-10", "CHET", []), ("2025-09-09", "CHUYEN", [])]
)
def test_after_death(day: str, reason: str, raised: list[str]) -> None:
    cards = f"card_number | person | withdrawn_on | withdrawal_reason\nDN4010000000011 | An | | \nTE1010000000012 | An | {day} | {reason}"
    assert marked("after_death", visit(), cards) == raised


STAYS = "episode | facility_code | care_code | card_numbers | admitted_at | discharged_at"


def stays(*days: tuple[str, str, str]) -> str:
    lines = [f"{e} | 0100{n} | 03 | DN4010000000011 | 2025-09-{a} | 2025-09-{b}" for n, (e, a, b) in enumerate(days, 1)]
    return "\n".join((STAYS, *lines))


@pytest.mark.parametrize(
    ("days", "raised"),
    [
        ([("A", "01", "10"), ("B", "09", "12")], ["A", "B"]),
        ([("A", "01", "10"), ("B", "10", "12")], []),
        ([("A", "01", "10"), ("B", "03", "04")], ["A", "B"]),
        ([("A", "01", "10"), ("B", "01", "10")], ["A", "B"]),
        ([("A", "01", "10"), ("B", "05", "05")], []),
        ([("A", "01", "20"), ("B", "02", "03"), ("C", "19", "25")], ["A", "B", "C"]),
        ([("A", "01", "05"), ("B", "05", "09"), ("C", "08", "12")], ["B", "C"]),
    ],
    ids=["two days shared", "day of transfer", "inside", "the same days", "one day", "not only neighbours", "a chain"],
)
def test_overlapping_inpatient(days: list[tuple[str, str, str]], raised: list[str]) -> None:
    assert marked("overlapping_inpatient", stays(*days)) == raised


def test_outpatients_and_other_persons_overlap_nobody() -> None:
    claims = stays(("A", "01", "10"), ("B", "02", "09"))
    assert marked("overlapping_inpatient", claims.replace("01002 | 03", "01002 | 01")) == []
    assert marked("overlapping_inpatient", claims.replace("01002 | 03 | DN4010000000011", "01002 | 03 | DN4790000000022")) == []


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 12), st.integers(0, 6)), min_size=2, max_size=9))
def test_overlaps_are_those_of_comparing_every_pair(spans: list[tuple[int, int]]) -> None:
    days = [(f"E{n}", a, a + length) for n, (a, length) in enumerate(spans)]
    expected = [e for e, a, b in days if any(max(a, c) < min(b, d) for f, c, d in days if f != e)]
    assert marked("overlapping_inpatient", stays(*((e, f"{a:02}", f"{b:02}") for e, a, b in days))) == expected


@pytest.mark.parametrize(
    ("facility", "care_code", "day", "raised"),
    [
        ("01002", "01", "2025-09-10", ["A", "B"]),
        ("01001", "01", "2025-09-10", []),
        ("01002", "01", "2025-09-11", []),
        ("01002", "03", "2025-09-10", []),
    ],
    ids=["two facilities", "one facility", "another day", "an inpatient"],
)
def test_same_day_several_facilities(facility: str, care_code: str, day: str, raised: list[str]) -> None:
    claims = f"""
        episode | facility_code | care_code | card_numbers    | discharged_at
        A       | 01001         | 01        | DN4010000000011 | 2025-09-10
        B       | {facility}    | {care_code} | DN4010000000011 | {day}
    """
    assert marked("same_day_several_facilities", claims) == raised


@pytest.mark.parametrize(("number", "raised"), [(7, 0), (8, 8)])
def test_frequent_visits(number: int, raised: int) -> None:
    table = ["episode | card_numbers | discharged_at", *(f"E{n} | DN4010000000011 | 2025-09-{n + 10}" for n in range(number))]
    assert len(marked("frequent_visits", "\n".join((*table, "X | DN4010000000011 | 2025-10-01")))) == raised


@pytest.mark.parametrize(
    ("second", "raised"),
    [
        ("TE1010000000012 | An   | 2025-01-01 |            |", ["A"]),
        ("TE1010000000012 | An   | 2025-01-01 | 2025-09-09 |", []),
        ("TE1010000000012 | An   | 2025-01-01 |            | 2025-09-10", []),
        ("TE1010000000012 | Bình | 2025-01-01 |            |", []),
        ("0000000011      | An   | 2025-01-01 |            |", []),
        ("DN4010000000011 | An   | 2025-02-01 |            |", []),
    ],
    ids=["two cards", "one of them expired", "one of them withdrawn", "of two persons", "one card in two forms", "two spans of one card"],
)
def test_several_cards(second: str, raised: list[str]) -> None:
    cards = f"""
        card_number     | person | valid_from | valid_to | withdrawn_on
        DN4010000000011 | An     | 2025-01-01 |          |
        {second}
    """
    assert marked("several_cards", visit(), cards) == raised


@pytest.mark.parametrize(("lines", "raised"), [("999.00", []), ("1001.00", []), ("998.99", ["A"]), ("1001.01", ["A"])])
def test_amount_mismatch(lines: str, raised: list[str]) -> None:
    assert marked("amount_mismatch", visit(total_cost="1000", lines_total_cost=lines)) == raised


@pytest.mark.parametrize(
    ("numbers", "raised"),
    [("DN4010000000011", []), ("0000000011", []), ("GD4010000000011", ["A"]), ("GD4010000000099;DN4010000000011", []), ("KHONG", ["A"])],
    ids=["known", "in its short form", "another card with the same digits", "one of two", "no card number"],
)
def test_unknown_card(numbers: str, raised: list[str]) -> None:
    assert marked("unknown_card", visit(card_numbers=numbers)) == raised


def test_withdrawn_claims_raise_nothing() -> None:
    assert marked("unknown_card", visit(card_numbers="GD4010000000099", visit_category="8")) == []


def test_signals_are_counted_by_claim_month_and_facility() -> None:
    con = warehouse(
        """
        episode | facility_code | card_numbers    | total_cost | lines_total_cost | fund_paid | discharged_at | card_valid_from
        A       | 01001         | DN4010000000011 | 100        | 90               | 80        | 2025-09-10    | 2025-01-01
        B       | 01001         | DN4010000000011 | 100        | 90               | 80        | 2025-09-11    | 2025-01-01
        C       | 01002         | GD4010000000099 | 100        | 100              | 70        | 2025-09-12    | 2025-01-01
        """,
        cards=AN,
    )
    assert rows(con, "marts.claim_signals_month", "month::VARCHAR, facility_code, signal, claims, persons, fund_paid::INTEGER") == [
        ("2025-09-01", "01001", "amount_mismatch", 2, 1, 160),
        ("2025-09-01", "01002", "unknown_card", 1, 1, 70),
    ]
