"""What is made of a claim's card lists and of its lines."""

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from expectations.exports.claims import CLAIM_LINES, CLAIMS
from transforms.claims import claims
from transforms.rows import typed
from warehouse import reference

CARD, OTHER = "DN4790000000001", "GD4790000000001"


def made(claim_rows: list[dict[str, object]], lines: list[dict[str, object]] | None = None) -> pl.DataFrame:
    raw = pl.DataFrame([{"row_number": n, "standard": "130", "card_list": None, **row} for n, row in enumerate(claim_rows, 1)],
                       infer_schema_length=None)  # fmt: skip
    columns = {"row_number": pl.Int64, "line_table": pl.String} | {f.name: pl.String for f in CLAIM_LINES.delivered}
    raw_lines = pl.DataFrame([{"row_number": 1, "line_table": "3", **row} for row in lines or []], schema=columns)
    return claims(typed(raw, CLAIMS, "d"), raw_lines, "d", reference.code_lists())[0]


def cards(card: str | None, facility: str | None = None, start: str | None = None, end: str | None = None) -> tuple[object, ...]:
    listed = {"card_list": card, "registered_facility_list": facility, "card_from_list": start, "card_to_list": end}
    row = made([listed]).select("card_numbers", "registered_facilities", "card_valid_from", "card_valid_to").row(0)
    return tuple(row)


JAN, JUL = date(2025, 1, 1), date(2025, 7, 1)


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ((CARD, "79001", "20250101", "20250701"), ([CARD], ["79001"], [JAN], [JUL])),
        ((f"{CARD};{OTHER}", "1001;01A01", "20250101;20250701", "20250701;"),
         ([CARD, OTHER], ["01001", "01A01"], [JAN, JUL], [JUL, None])),
        (("dn 4 79 000-0000001", None, "20250101", None), ([CARD], [None], [JAN], [None])),
        (("12345678901234567;x", "1001;2002", "bad;20250101", ""),
         (["12345678901234567", "X"], ["01001", "02002"], [None, JAN], [None, None])),
        # an empty card goes with what stands beside it; so does what stands beyond the last card
        ((f"{CARD};;{OTHER};", "01001;02002;03003;04004", "20250101;20200101;20250701", "20250701;20200101"),
         ([CARD, OTHER], ["01001", "03003"], [JAN, JUL], [JUL, None])),
        ((CARD, "01001;02002", None, None), ([CARD], ["01001"], [None], [None])),
        ((CARD, "Bùi Thị Mơ", None, None), ([CARD], [None], [None], [None])),
        # no card at all: the registered facility still says where home is
        ((None, "79001", None, None), ([], ["79001"], [None], [None])),
        ((None, None, None, None), ([], [], [], [])),
        ((" ; ;", None, ";", None), ([], [], [], [])),
    ],
)  # fmt: skip
def test_card_lists_are_parallel(listed: tuple[str | None, ...], expected: tuple[object, ...]) -> None:
    assert cards(*listed) == expected


def line(**cells: object) -> dict[str, object]:
    return {
        "line_number": "1",
        "cost_group": "1",
        "quantity": "2",
        "unit_price": "50.000",
        "total_cost": "100",
        "covered_cost": "80",
    } | cells


SUMS = ("line_count", "lines_total_cost", "lines_covered_cost", "lines_unreadable", "lines_off_total", "lines_without_group")


def sums(*lines: dict[str, object], standard: str = "130") -> dict[str, object]:
    return made([{"standard": standard}], list(lines)).select(SUMS).row(0, named=True)


def test_lines_are_summed() -> None:
    assert sums(line(), line(line_table="2", total_cost="100.50", covered_cost=None)) == {
        "line_count": 2, "lines_total_cost": Decimal("200.50"), "lines_covered_cost": Decimal("80.00"),
        "lines_unreadable": 0, "lines_off_total": 0, "lines_without_group": 0,
    }  # fmt: skip


def test_a_claim_without_lines_has_zeros() -> None:
    assert sums() == {
        "line_count": 0, "lines_total_cost": Decimal("0.00"), "lines_covered_cost": Decimal("0.00"),
        "lines_unreadable": 0, "lines_off_total": 0, "lines_without_group": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "unreadable"),
    [
        ({}, 0), ({"total_cost": None}, 1), ({"total_cost": "1,5x"}, 1), ({"covered_cost": "?"}, 1), ({"covered_cost": None}, 0),
        ({"copayment": "x"}, 1), ({"fund_paid": "x", "total_cost": "x"}, 1), ({"line_number": "x"}, 0),
    ],
)  # fmt: skip
def test_unreadable_lines(cells: dict[str, object], unreadable: int) -> None:
    assert sums(line(**cells))["lines_unreadable"] == unreadable


@pytest.mark.parametrize(
    ("standard", "cells", "off"),
    [
        ("130", {"total_cost": "101"}, 0),  # one đồng says nothing
        ("130", {"total_cost": "101.01"}, 1),
        ("130", {"total_cost": "99.00"}, 0),
        ("130", {"service_rate_pct": "50"}, 1),  # XML3: the rate counts
        ("130", {"service_rate_pct": "50", "total_cost": "50"}, 0),
        ("130", {"service_rate_pct": "50", "line_table": "2"}, 0),  # XML2 has no rate of the service
        ("4210", {"service_rate_pct": "50"}, 0),  # before or after TYLE_TT
        ("4210", {"service_rate_pct": "50", "total_cost": "50"}, 0),
        ("4210", {"service_rate_pct": "50", "total_cost": "75"}, 1),
        ("130", {"quantity": None, "total_cost": "7"}, 0),
        ("130", {"unit_price": "x", "total_cost": "7"}, 0),
        ("130", {"total_cost": None}, 0),
        ("130", {"quantity": "0.333", "unit_price": "3000000.003", "total_cost": "999000.00"}, 0),
    ],
)
def test_lines_off_their_product(standard: str, cells: dict[str, object], off: int) -> None:
    assert sums(line(**cells), standard=standard)["lines_off_total"] == off


@pytest.mark.parametrize(("group", "without"), [("4", 0), ("04", 0), ("19", 0), ("20", 1), (None, 1), ("X", 1), ("0", 1)])
def test_lines_without_a_group(group: str | None, without: int) -> None:
    assert sums(line(cost_group=group))["lines_without_group"] == without


def test_rows_and_lines_keep_their_order_and_declared_columns() -> None:
    raw = pl.DataFrame({"row_number": [3, 1, 2], "standard": ["130"] * 3, "card_list": [f"{CARD};{OTHER}", None, OTHER]})
    columns = {"row_number": pl.Int64, "line_table": pl.String} | {f.name: pl.String for f in CLAIM_LINES.delivered}
    raw_lines = pl.DataFrame([line(row_number=2, line_table="2"), line(row_number=3, line_table="2"), line(row_number=2, line_table="3")],
                             schema=columns)  # fmt: skip
    rows, lines = claims(typed(raw, CLAIMS, "d"), raw_lines, "d", reference.code_lists())
    assert rows.select("row_number", "line_count").rows() == [(3, 1), (1, 0), (2, 2)]
    assert rows["card_numbers"].to_list() == [[CARD, OTHER], [], [OTHER]]
    assert lines["row_number"].to_list() == [2, 3, 2]
    assert dict(lines.schema) == CLAIM_LINES.polars_schema
    assert {n: d for n, d in rows.schema.items() if n.startswith(("card_", "line", "registered_fac"))} == {
        n: d for n, d in CLAIMS.polars_schema.items() if n.startswith(("card_", "line", "registered_fac"))
    }


def test_a_batch_without_claims() -> None:
    empty = pl.DataFrame(schema={"row_number": pl.Int64, "standard": pl.String, "card_list": pl.String})
    rows, lines = claims(
        typed(empty, CLAIMS, "d"), pl.DataFrame(schema={"row_number": pl.Int64, "line_table": pl.String}), "d", reference.code_lists()
    )
    assert (rows.height, lines.height) == (0, 0)
