"""Typed rows: every declared column, whatever the file had, and what could not be read or was restored."""

from __future__ import annotations

from datetime import date

import polars as pl

from expectations.exports import BY_NAME, CLAIM_LINES
from transforms.cards import made
from transforms.rows import raw_text, typed
from transforms.tax_codes import tax_code_valid

CARDS = BY_NAME["cards"]


def raw(**columns: list[str | None]) -> pl.DataFrame:
    height = len(next(iter(columns.values())))
    return pl.DataFrame(
        {"row_number": list(range(2, height + 2)), "row_flaw": [None] * height, **columns},
        schema_overrides={"row_flaw": pl.String, **dict.fromkeys(columns, pl.String)},
    )


def test_absent_columns_are_null_in_their_declared_type() -> None:
    rows = typed(raw(card_number=["DN4010123456789"]), CARDS, "d1")
    assert rows["delivery_id"].to_list() == ["d1"]
    assert rows["valid_to"].dtype == pl.Date
    assert {f.name for f in CARDS.delivered} <= set(rows.columns)
    assert rows.select("unreadable", "restored", "valid_to", "birth_precision").to_dicts() == [
        {"unreadable": [], "restored": [], "valid_to": None, "birth_precision": None}
    ]


def test_unreadable_and_restored_cells_are_named() -> None:
    rows = typed(
        raw(
            card_number=["123456789", "DN4010123456789", "?"],
            birth_date=["1980", "31/02/1980", None],
            sex=["Nam", "x", "2"],
            citizen_id=["1080012345", None, None],
        ),
        CARDS,
        "d1",
    )
    assert rows.select("row_number", "card_number", "birth_date", "birth_precision", "sex", "unreadable", "restored").rows() == [
        (2, "0123456789", date(1980, 1, 1), "year", "1", [], ["card_number", "citizen_id"]),
        (3, "DN4010123456789", None, None, None, ["birth_date", "sex"], []),
        (4, None, None, None, "2", ["card_number"], []),
    ]


def test_no_rows_give_no_rows() -> None:
    rows = typed(raw(card_number=["x"]).clear(), CARDS, "d1")
    assert rows.height == 0
    assert rows.schema["restored"] == pl.List(pl.String)


def test_columns_that_a_reader_adds_pass_through() -> None:
    lines = typed(raw(line_table=["2"], cost_group=["04"], total_cost=["230.000"]), CLAIM_LINES, "d1")
    assert lines.select("line_table", "cost_group", "total_cost").rows() == [("2", "4", lines["total_cost"][0])]
    assert "unreadable" in lines.columns


def test_the_raw_text_keeps_the_cells_as_they_were() -> None:
    assert raw_text(raw(card_number=["?"], full_name=['A "B"'])).to_list() == ['{"card_number":"?","full_name":"A \\"B\\""}']


def test_the_object_code_is_the_printed_one_else_the_listed_one() -> None:
    rows = typed(raw(card_number=["DN4010123456789", "0123456789", "0123456780"], listed_object_code=["GD", "gd4", None]), CARDS, "d1")
    assert made(rows)["object_code"].to_list() == ["DN", "GD", None]


def test_a_tax_code_is_valid_by_its_check_digit_and_a_citizen_number_by_its_structure() -> None:
    codes = pl.Series("code", ["0100233488", "0100233480", "0314409058002", "0314409058000", "001080012345", "999080012345", None])
    assert pl.select(valid=tax_code_valid(pl.lit(codes)))["valid"].to_list() == [True, False, True, False, True, False, None]
