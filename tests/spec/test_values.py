"""What each kind of cell reads as: the forms of the contract, one line each. `-` is a cell that is filled but unreadable."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from expectations import declare as d
from tests.cells import read_column


def cells(kind: d.Kind, *texts: str | None) -> list[dict[str, Any]]:
    return read_column(pl.Series("cells", texts, dtype=pl.String), kind, with_precision=kind is d.BIRTH_DATE).to_dicts()


def value(kind: d.Kind, text: str) -> Any:
    """The value; `restored(value)` where zeros were restored, `-` where the cell is unreadable."""
    (cell,) = cells(kind, text)
    assert cell["unreadable"] == (cell["value"] is None)
    if cell["unreadable"]:
        return "-"
    return ("restored", cell["value"]) if cell["restored"] else cell["value"]


def restored(text: str) -> tuple[str, str]:
    return ("restored", text)


DAY = date(2025, 2, 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("01/02/2025", DAY),
        ("1/2/2025", DAY),
        ("01-02-2025", DAY),
        ("20250201", DAY),
        ("202502011530", DAY),
        ("20250201153059", DAY),
        ("2025-02-01", DAY),
        ("2025/2/1", DAY),
        ("2025-02-01 00:00:00", DAY),
        ("2025-02-01T00:00:00.000000", DAY),
        ("01/02/2025 07:30", DAY),
        ("45689", DAY),
        ("45689.5", DAY),
        ("45689.0", DAY),
        ("2025", date(2025, 1, 1)),
        ("02/2025", DAY),
        ("2-2025", DAY),
        ("20250000", date(2025, 1, 1)),
        ("202500000000", date(2025, 1, 1)),
        ("20250200", DAY),
        ("31/12/9999", date(9999, 12, 31)),
        ("99991231", date(9999, 12, 31)),
        ("2958465", date(9999, 12, 31)),
        ("2958101", date(9999, 1, 1)),
        ("2958466", "-"),
        ("29/02/2024", date(2024, 2, 29)),
        ("29/02/2023", "-"),
        ("31/02/2025", "-"),
        ("02/13/2025", "-"),
        ("20251301", "-"),
        ("20250013", "-"),
        ("31/12/1899", "-"),
        ("01/02/25", "-"),
        ("12345", "-"),
        ("80000", "-"),
        ("0", "-"),
        ("hôm qua", "-"),
    ],
)
def test_a_date_has_its_day_before_its_month(text: str, expected: object) -> None:
    assert value(d.DATE, text) == expected


@pytest.mark.parametrize(
    ("text", "born", "precision"),
    [
        ("05/03/1980", date(1980, 3, 5), "day"),
        ("198003050000", date(1980, 3, 5), "day"),
        ("29285", date(1980, 3, 5), "day"),
        ("15000", date(1941, 1, 24), "day"),
        ("03/1980", date(1980, 3, 1), "month"),
        ("19800300", date(1980, 3, 1), "month"),
        ("00/03/1980", date(1980, 3, 1), "month"),
        ("1980", date(1980, 1, 1), "year"),
        ("1980.0", date(1980, 1, 1), "year"),
        ("19800000", date(1980, 1, 1), "year"),
        ("198000000000", date(1980, 1, 1), "year"),
        ("00/00/1980", date(1980, 1, 1), "year"),
        ("01/01/1980", date(1980, 1, 1), "day"),
        ("2101", None, None),
        ("2958465", None, None),
        ("31/02/1980", None, None),
    ],
)
def test_a_birth_date_says_how_much_of_it_is_known(text: str, born: date | None, precision: str | None) -> None:
    assert cells(d.BIRTH_DATE, text) == [{"precision": precision, "value": born, "unreadable": born is None, "restored": False}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("202502011530", datetime(2025, 2, 1, 15, 30)),
        ("20250201", datetime(2025, 2, 1)),
        ("20250201153059", datetime(2025, 2, 1, 15, 30, 59)),
        ("01/02/2025 7:30", datetime(2025, 2, 1, 7, 30)),
        ("2025-02-01 15:30:59", datetime(2025, 2, 1, 15, 30, 59)),
        ("45689.75", datetime(2025, 2, 1, 18)),
        ("202502012530", datetime(2025, 2, 1)),
        ("202502311530", "-"),
    ],
)
def test_a_moment_with_an_impossible_time_is_the_day_at_midnight(text: str, expected: object) -> None:
    assert value(d.MOMENT, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DN4010123456789", "DN4010123456789"),
        ("dn 4 01 012.345-6789", "DN4010123456789"),
        ("DN4\u00a0010123456789", "DN4010123456789"),
        ("0123456789", "0123456789"),
        ("123456789", restored("0123456789")),
        ("123456789.0", restored("0123456789")),
        ("DN6010123456789", "-"),
        ("DN401012345678", "-"),
        ("12345678", "-"),
        ("1.23457E+9", "-"),
    ],
)
def test_a_card_number_has_15_characters_or_10_digits(text: str, expected: object) -> None:
    assert value(d.CARD_NUMBER, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0123456789", "0123456789"), ("123456789", restored("0123456789")), ("12345678", "-"), ("012345678901", "-"), ("ABC", "-")],
)
def test_a_social_insurance_number_has_10_digits(text: str, expected: object) -> None:
    assert value(d.SOCIAL_INSURANCE_NUMBER, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("001080012345", "001080012345"),
        ("123456789", "123456789"),
        ("B1234567", "B1234567"),
        ("1080012345", restored("001080012345")),
        ("79080012345", restored("079080012345")),
        ("12345678", restored("012345678")),
        ("1080012345.0", restored("001080012345")),
        ("1234567", "-"),
        ("1234567890123", "-"),
    ],
)
def test_a_citizen_id_has_12_digits_or_9(text: str, expected: object) -> None:
    assert value(d.CITIZEN_ID, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0100233488", "0100233488"),
        ("0100233480", "0100233480"),  # a wrong check digit is a warning of its own
        ("0314409058-002", "0314409058002"),
        ("0314409058002", "0314409058002"),
        ("100233488", restored("0100233488")),
        ("314409058-002", restored("0314409058002")),
        ("314409058002", restored("0314409058002")),  # no citizen number begins with 314 4
        ("001080012345", "001080012345"),  # a person's
        ("12345", "-"),
    ],
)
def test_a_tax_code_has_10_12_or_13_digits(text: str, expected: object) -> None:
    assert value(d.TAX_CODE, text) == expected


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (d.PROVINCE, "1", "01"),
        (d.PROVINCE, "079", "79"),
        (d.PROVINCE, "1.0", "01"),
        (d.PROVINCE, "00", "00"),
        (d.PROVINCE, "hcm", "HCM"),
        (d.COMMUNE, "4", restored("00004")),
        (d.COMMUNE, "26734.0", "26734"),
        (d.FACILITY, "1001", restored("01001")),
        (d.FACILITY, "01a01", "01A01"),
        (d.FACILITY, "01-001", "01001"),
        (d.FACILITY, "01/001", "01001"),
        (d.FACILITY, "1", "-"),
        (d.FACILITY, "010010", "-"),
        (d.FACILITY, "Bùi Thị Mơ", "-"),
        (d.FACILITY, "0100000001", "-"),
        (d.CODE_2, "3", "03"),
        (d.CODE, "4.0", "4"),
        (d.CODE, "E11.0", "E11.0"),
        (d.CODE, " dn ", "DN"),
        (d.COST_GROUP, "01", "1"),
        (d.COST_GROUP, "10", "10"),
        (d.COST_GROUP, "00", "0"),
    ],
)
def test_a_code_is_a_text_that_gets_its_zeros_back(kind: d.Kind, text: str, expected: object) -> None:
    assert value(kind, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", "1"),
        ("Nam", "1"),
        ("NAM", "1"),
        ("1.0", "1"),
        ("2", "2"),
        ("Nữ", "2"),
        ("NU", "2"),
        ("nữ", "2"),
        ("3", "3"),
        ("Chưa xác định", "3"),
        ("không  xác định", "3"),
        ("0", "-"),
        ("x", "-"),
        ("4", "-"),
    ],
)
def test_sex_is_1_2_or_3(text: str, expected: str) -> None:
    assert value(d.SEX, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-Q3", "2025-Q3"),
        ("2025Q3", "2025-Q3"),
        ("Q3/2025", "2025-Q3"),
        ("Quý 3/2025", "2025-Q3"),
        ("Quý III/2025", "2025-Q3"),
        ("quý 3 năm 2025", "2025-Q3"),
        ("3/2025", "2025-Q3"),
        ("03/2025", "-"),
        ("7/2025", "-"),
        ("2025-Q5", "-"),
        ("2025", "-"),
    ],
)
def test_a_quarter_is_never_guessed_from_a_month(text: str, expected: str) -> None:
    assert value(d.QUARTER, text) == expected


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (d.MONEY, "230.000", Decimal("230.00")),
        (d.MONEY, "47288592.59", Decimal("47288592.59")),
        (d.MONEY, "1.005", Decimal("1.01")),
        (d.MONEY, "-1.005", Decimal("-1.01")),
        (d.MONEY, "1.00499999999999999999", Decimal("1.00")),
        (d.MONEY, "1.004999999999999999999999", Decimal("1.00")),
        (d.MONEY, "1.5E7", Decimal("15000000.00")),
        (d.MONEY, "1,5", "-"),
        (d.MONEY, "1.234.567", "-"),
        (d.MONEY, "5 520", "-"),
        (d.MONEY, "99999999999999999", "-"),
        (d.MONEY, "NaN", "-"),
        (d.QUANTITY, "24.000", Decimal("24.000")),
        (d.QUANTITY, "0.0005", Decimal("0.001")),
        (d.PERCENT, "95.15", Decimal("95.1500")),
        (d.PERCENT, "95.15%", Decimal("95.1500")),
        (d.PERCENT, "95,15", "-"),
        (d.INTEGER, "123", 123),
        (d.INTEGER, "123.0", 123),
        (d.INTEGER, "-5", -5),
        (d.INTEGER, "1.5", "-"),
        (d.INTEGER, "1,234", "-"),
        (d.INTEGER, "99999999999999999999", "-"),
        (d.YEAR, "2025", 2025),
        (d.YEAR, "2025.0", 2025),
        (d.YEAR, "1899", "-"),
        (d.MONTH_NUMBER, "09", 9),
        (d.MONTH_NUMBER, "13", "-"),
    ],
)
def test_a_number_has_a_point_as_its_only_mark(kind: d.Kind, text: str, expected: object) -> None:
    assert value(kind, text) == expected


def test_text_is_composed_and_its_white_space_single() -> None:
    assert value(d.TEXT, "  Nguye\u0302\u0303n \u00a0 Văn\n An ") == "Nguyễn Văn An"


@pytest.mark.parametrize("text", ["#N/A", "#REF!", "#DIV/0!", "#ERROR"])
def test_what_a_failed_formula_leaves_is_no_value(text: str) -> None:
    assert [c["value"] for c in cells(d.TEXT, text)] == [None]
    assert [(c["value"], c["unreadable"]) for c in cells(d.DATE, text)] == [(None, True)]
    assert [c["value"] for c in cells(d.TEXT, "#1 Mẫu")] == ["#1 Mẫu"]


def test_empty_cells_are_null_and_not_unreadable() -> None:
    nothing = {"value": None, "unreadable": False, "restored": False}
    for kind in (d.TEXT, d.DATE, d.MONEY, d.CARD_NUMBER, d.TAX_CODE, d.COMMUNE, d.SEX):
        assert cells(kind, None, "", " \u00a0 ") == [nothing] * 3


def test_every_kind_that_arrives_in_a_file_can_be_read() -> None:
    from expectations.exports import CLAIM_LINES, EXPORTS

    for table in (*EXPORTS, CLAIM_LINES):
        for field in table.delivered:
            assert read_column(pl.Series(["?"]), field.kind)["value"].dtype == field.kind.polars
