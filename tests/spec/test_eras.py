"""What changes on a day, with the decision that changes it: standards, code lists, wages, places. One paragraph a rule."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from expectations.exports.claims import CLAIM_LINES, CLAIMS
from tests.spec.claims_tables import rows, warehouse
from transforms.claims import claims
from transforms.rows import typed
from warehouse import reference


def read(day: str, lines: list[dict[str, str]] | None = None, **cells: str | None) -> dict[str, object]:
    """What is made of one claim in the elements of the 130 family that ended on `day`."""
    raw = pl.DataFrame([{"row_number": 1, "standard": "130", "discharged_at": day.replace("-", "") + "0900", "card_list": None} | cells])
    columns = {"row_number": pl.Int64, "line_table": pl.String} | {f.name: pl.String for f in CLAIM_LINES.delivered}
    raw_lines = pl.DataFrame([{"row_number": 1, "line_table": "3"} | line for line in lines or []], schema=columns)
    return claims(typed(raw, CLAIMS, "d"), raw_lines, "d", reference.code_lists())[0].row(0, named=True)


def unlisted(day: str, **cells: str) -> bool:
    """Whether the code of the one cell given is in no list of the day."""
    notes = read(day, **cells)["code_notes"]
    assert isinstance(notes, list)
    return notes == [n for n in cells if n != "standard"]


@pytest.mark.parametrize(
    ("elements", "day", "standard"),
    [
        ("4210", "2023-01-05", "4210"),  # QĐ 4210/QĐ-BYT 2017
        ("4210", "2024-06-30", "4210"),
        ("4210", "2025-03-01", "4210"),  # late, but its elements say so
        ("130", "2024-06-30", "130"),  # QĐ 130/QĐ-BYT 2023, before it was amended
        ("130", "2024-07-01", "4750"),  # QĐ 4750/QĐ-BYT 2023
        ("130", "2024-12-31", "4750"),
        ("130", "2025-01-01", "3176"),  # QĐ 3176/QĐ-BYT 2024
        ("130", "2026-08-01", "3176"),
        (None, "2026-08-01", None),
    ],
)
def test_the_standard_follows_from_elements_and_day_of_discharge(elements: str | None, day: str, standard: str | None) -> None:
    assert read(day, standard=elements)["standard"] == standard


def test_without_a_day_nothing_is_judged() -> None:
    made = read("none", care_code="77", visit_category="77", department_list="X")
    assert (made["standard"], made["icd_edition"], made["code_notes"]) == (None, None, [])


@pytest.mark.parametrize(
    ("standard", "code", "day", "odd"),
    [
        ("4210", "3", "2024-05-01", False),  # QĐ 4210: 1, 2, 3
        ("4210", "4", "2024-05-01", True),
        ("130", "10", "2026-07-31", False),  # QĐ 824, annex 1: 01-10
        ("130", "11", "2026-07-31", True),
        ("130", "11", "2026-08-01", False),  # QĐ 1804/QĐ-BYT 2026: 01-16
        ("130", "16", "2026-08-01", False),
        ("130", "17", "2026-08-01", True),
    ],
)
def test_care_types_change_on_2026_08_01(standard: str, code: str, day: str, odd: bool) -> None:
    assert unlisted(day, standard=standard, care_code=code) == odd


@pytest.mark.parametrize(
    ("code", "day", "care_type"),
    [
        *((c, d, "inpatient") for c in ("03", "04", "09", "3") for d in ("2023-05-01", "2024-06-30", "2026-07-31", "2026-08-01")),
        *((c, d, "outpatient") for c in ("01", "02", "05", "10", "11", "16", "77") for d in ("2024-07-01", "2026-07-31", "2026-08-01")),
    ],
)
def test_inpatient_care_is_the_contracts_at_all_dates(code: str, day: str, care_type: str) -> None:
    con = warehouse(f"care_code | discharged_at\n {code} | {day}")
    assert rows(con, "steps.claim_counted", "care_type") == [(care_type,)]


def test_the_lists_of_care_types_agree_with_the_contract() -> None:
    """QĐ 4210: 3; QĐ 824 and QĐ 1804: 03, 04, 09. Should a new list say otherwise, the contract's figure has to be talked about."""
    listed = reference.frame("care_types").filter(pl.col("care_type") == "inpatient")
    assert listed.group_by("decision").agg(pl.col("care_code").sort()).sort("decision").rows() == [
        ("QĐ 1804/QĐ-BYT 2026", ["03", "04", "09"]), ("QĐ 4210/QĐ-BYT 2017", ["3"]), ("QĐ 824/QĐ-BYT 2023, annex 1", ["03", "04", "09"]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "day", "odd"),
    [
        ("K50", "2026-07-31", False),  # QĐ 5937, annex 5: K01-K50, K99
        ("K51", "2026-07-31", True),
        ("K51", "2026-08-01", False),  # QĐ 1804/QĐ-BYT 2026: K01-K60, K99
        ("K60", "2026-08-01", False),
        ("K61", "2026-08-01", True),
        ("K99;k0809;K02.D35", "2026-07-31", False),
        ("K01;K0851", "2026-07-31", True),
        ("khoa nội", "2026-08-01", True),
    ],
)
def test_departments_change_on_2026_08_01(code: str, day: str, odd: bool) -> None:
    assert unlisted(day, department_list=code) == odd


@pytest.mark.parametrize(
    ("rate", "day", "off"),
    [
        ("80", "2026-06-30", 0),  # QĐ 130: a whole number
        ("47.5", "2026-06-30", 1),
        ("47.5", "2026-07-01", 0),  # QĐ 1931/QĐ-BYT 2026: 95 % × 50 %
        ("47.55", "2026-07-01", 1),
        ("101", "2026-07-01", 1),
        ("x", "2026-07-01", 1),
        ("", "2026-07-01", 0),
    ],
)
def test_the_benefit_rate_has_a_decimal_since_2026_07_01(rate: str, day: str, off: int) -> None:
    assert read(day, [{"benefit_pct": rate, "cost_group": "1", "total_cost": "1"}])["lines_benefit_off"] == off


@pytest.mark.parametrize(
    ("code", "day", "odd"),
    [
        ("1.10", "2025-06-30", False),  # QĐ 824/QĐ-BYT 2023: 1.1-1.10
        ("1.11", "2025-06-30", True),
        ("1.11", "2025-07-01", False),  # QĐ 3276/QĐ-BYT 2025, for records from 01/07/2025
        ("1.10", "2025-12-31", False),  # and the old codes until its transition ended
        ("1.10", "2026-01-01", True),
        ("10", "2025-06-30", True),
        ("10", "2026-01-01", False),
        ("8", "2023-03-01", False),
        ("8", "2026-09-01", False),
        ("7.1", "2026-01-01", True),
    ],
)
def test_visit_categories_of_824_and_of_3276(code: str, day: str, odd: bool) -> None:
    assert unlisted(day, visit_category=code) == odd


def test_care_without_referral_is_paid_by_half_since_2026_07_01() -> None:
    """QĐ 3276: 1.13, 1.14 and 1.18 nothing until 30/06/2026, then 50 %; 3.1 40 % of inpatient care only."""
    listed = reference.frame("visit_categories").filter(pl.col("visit_category").is_in(["1.13", "1.14", "1.18", "3.1"]))
    of_3276 = listed.filter(pl.col("decision").str.contains("3276")).select(
        "visit_category", "valid_from", "inpatient_pct", "outpatient_pct"
    )
    new = {c: [(c, date(2025, 7, 1), 0, 0), (c, date(2026, 7, 1), 50, 50)] for c in ("1.13", "1.14", "1.18")}
    assert of_3276.rows() == [*new["1.13"], *new["1.14"], *new["1.18"], ("3.1", date(2025, 7, 1), 40, 0)]


@pytest.mark.parametrize(
    ("group", "day", "off"),
    [("6", "2024-06-30", 0), ("6", "2024-07-01", 1), ("19", "2024-06-30", 1), ("19", "2024-07-01", 0), ("7", "2026-08-01", 0)],
)
def test_cost_groups_of_4210_end_and_19_begins_with_4750(group: str, day: str, off: int) -> None:
    assert read(day, [{"cost_group": group, "total_cost": "1"}])["lines_without_group"] == off


@pytest.mark.parametrize(("day", "edition"), [("2026-06-30", "QĐ 4469"), ("2026-07-01", "TT 06/2026")])
def test_the_edition_of_icd_10_is_that_of_the_day_of_discharge(day: str, edition: str) -> None:
    """TT 06/2026/TT-BYT, from 01/07/2026."""
    assert read(day)["icd_edition"] == edition


@pytest.mark.parametrize(
    ("day", "dong"),
    [
        ("2023-06-30", 1_490_000),
        ("2023-07-01", 1_800_000),  # Decree 24/2023/NĐ-CP
        ("2024-06-30", 1_800_000),
        ("2024-07-01", 2_340_000),  # Decree 73/2024/NĐ-CP
        ("2026-06-30", 2_340_000),
        ("2026-07-01", 2_530_000),
    ],
)
def test_one_base_wage_holds_on_each_day(day: str, dong: int) -> None:
    wage = reference.frame("base_wage").filter(
        (pl.col("valid_from") <= date.fromisoformat(day)) & (pl.col("valid_to").is_null() | (pl.col("valid_to") >= date.fromisoformat(day)))
    )
    assert wage["vnd_per_month"].to_list() == [dong]


@pytest.mark.parametrize(("day", "payer"), [("2025-06-30", "5"), ("2025-07-01", "6")])
def test_an_object_code_stands_for_the_payer_group_of_its_day(day: str, payer: str) -> None:
    """Law on health insurance Art. 12: a code does not fix the payer for all dates. The spec's own table moves GD on 2025-07-01."""
    con = warehouse(f"card_numbers | discharged_at\n GD4010123456789 | {day}")
    assert rows(con, "steps.claim", "payer_group") == [(payer,)]
