"""What a code of a place means on its date."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from transforms.geography import Places, resolve
from warehouse.reference import places

BEFORE, SINCE = date(2025, 6, 30), date(2025, 7, 1)
PLACES = places()


def place(province: str | None, commune: str | None, on: date | None) -> tuple[object, ...]:
    """(province of today, old province, commune of today, approximate, notes)"""
    rows = pl.DataFrame({"p": [province], "c": [commune]}, schema={"p": pl.String, "c": pl.String})
    return resolve(rows, "p", "c", pl.lit(on, pl.Date), PLACES).drop("p", "c").row(0)


@pytest.mark.parametrize(
    ("old", "today"),
    [
        ("10", "15"),
        ("15", "15"),
        ("24", "24"),
        ("27", "24"),
        ("44", "44"),
        ("45", "44"),
        ("52", "52"),
        ("64", "52"),
        ("80", "80"),
        ("72", "80"),
        ("82", "82"),
        ("87", "82"),
        ("91", "91"),
        ("89", "91"),
        ("01", "01"),
        ("74", "79"),
        ("77", "79"),
    ],
)
def test_an_old_province_code_before_the_reform_is_the_province_it_went_into(old: str, today: str) -> None:
    assert place(old, None, BEFORE) == (today, old, None, None, [])


def test_a_code_that_changed_owner_means_another_unit_since_the_reform() -> None:
    assert place("15", None, BEFORE)[1] == "15"  # Yên Bái
    assert place("15", None, SINCE) == ("15", None, None, None, [])  # Lào Cai


def test_an_old_province_code_that_is_no_code_of_today_is_recognised_later() -> None:
    assert place("10", None, SINCE) == ("15", "10", None, None, ["old_code_late"])


@pytest.mark.parametrize("code", ["97", "98", "99", "QP"])
def test_a_code_of_no_province_is_unknown(code: str) -> None:
    assert place(code, None, SINCE) == (None, None, None, None, ["unknown_province"])


def test_the_nation_is_a_province_code_of_its_own() -> None:
    assert place("00", None, SINCE) == ("00", None, None, None, [])


def test_no_code_is_no_note() -> None:
    assert place(None, None, SINCE) == (None, None, None, None, [])


def test_an_old_commune_stands_for_the_one_it_went_into() -> None:
    assert place("01", "00001", BEFORE) == ("01", "01", "00097", False, [])  # Phúc Xá -> Hồng Hà


def test_an_old_commune_code_that_is_no_code_of_today_is_recognised_later() -> None:
    assert place("01", "00001", SINCE) == ("01", None, "00097", False, ["old_code_late"])


def test_a_split_commune_takes_its_default_and_is_approximate() -> None:
    assert place("01", "00007", BEFORE) == ("01", "01", "00008", True, [])  # Cống Vị: to Ngọc Hà, in part


def test_a_commune_in_the_code_of_today_is_itself() -> None:
    assert place("01", "00008", SINCE) == ("01", None, "00008", False, [])


def test_a_new_code_before_the_reform_is_noted() -> None:
    new_only = PLACES.communes.filter(pl.col("code").is_unique() & pl.col("valid_to").is_null())
    assert new_only.height == 5  # island districts without communes, special zones now
    code, province = new_only.sort("code").select("code", "province_code").row(0)
    assert place(province, code, BEFORE) == (province, province, code, False, ["new_code_early"])


def test_a_code_of_no_commune_is_unknown_and_the_province_stands() -> None:
    assert place("01", "99999", SINCE) == ("01", None, None, None, ["unknown_commune"])


def test_a_commune_of_another_province_is_dropped() -> None:
    assert place("79", "00008", SINCE) == ("79", None, None, None, ["commune_elsewhere"])


def test_a_row_with_an_old_province_code_is_written_in_old_codes() -> None:
    """The code of a commune may exist in both times and mean another unit; the province tells which."""
    moved = PLACES.communes.filter(pl.col("valid_to").is_not_null() & (pl.col("code") != pl.col("commune_code")))
    both = moved.filter(pl.col("code").is_in(PLACES.communes.filter(pl.col("valid_to").is_null())["code"].implode()))
    new_codes = PLACES.provinces.filter(pl.col("valid_to").is_null())["code"]
    unit = both.filter(~pl.col("province_unit").is_in(new_codes.implode())).sort("code").row(0, named=True)
    expected = (unit["province_code"], unit["province_unit"], unit["commune_code"], True, ["old_code_late"])
    assert place(unit["province_unit"], unit["code"], SINCE) == expected


def test_without_a_date_codes_are_read_as_of_today_then_as_old_without_a_note() -> None:
    assert place("15", "00008", None)[:2] == ("15", None)
    assert place("10", None, None) == ("15", "10", None, None, [])
    assert place("01", "00001", None) == ("01", None, "00097", False, [])


def test_the_rest_of_the_row_stays_and_an_export_without_communes_has_none() -> None:
    rows = pl.DataFrame({"province": ["10", "79"], "year": [2024, 2025]})
    found = resolve(rows, "province", None, pl.date(pl.col("year"), 12, 31), PLACES)
    assert found.select("year", "province_code", "old_province_code", "commune_code").rows() == [
        (2024, "15", "10", None),
        (2025, "79", None, None),
    ]


def test_the_units_may_be_any() -> None:
    provinces = pl.DataFrame(
        {"code": ["1", "2"], "valid_from": [None, SINCE], "valid_to": [BEFORE, None], "province_code": ["2", "2"]},
        schema_overrides={"valid_from": pl.Date, "valid_to": pl.Date},
    )
    communes = PLACES.communes.clear()
    rows = pl.DataFrame({"p": ["1", "2", "3"]})
    found = resolve(rows, "p", None, pl.lit(SINCE), Places(provinces, communes))
    assert found["province_code"].to_list() == ["2", "2", None]
