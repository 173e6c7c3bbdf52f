"""The crosswalk as a whole: no old code is lost, and resolving is a function of the codes and the date alone."""

from __future__ import annotations

from datetime import date

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.geography import resolve
from warehouse.reference import places

PLACES = places()
OLD = PLACES.communes.filter(pl.col("valid_to") == date(2025, 6, 30))
NEW = PLACES.communes.filter(pl.col("valid_to").is_null())
FIELDS = ("province_code", "old_province_code", "commune_code", "commune_approximate", "place_notes")

CODES = st.one_of(st.none(), st.sampled_from([*PLACES.provinces["code"].unique().sort(), "00", "97", "99"]))
COMMUNES = st.one_of(st.none(), st.sampled_from(PLACES.communes["code"].unique().sort().to_list()), st.just("99999"))
DATES = st.one_of(st.none(), st.dates(date(2024, 1, 1), date(2026, 12, 31)))
ROWS = st.lists(st.tuples(CODES, COMMUNES, DATES), min_size=1, max_size=40)
SCHEMA = {"p": pl.String, "c": pl.String, "on": pl.Date}


def resolved(rows: pl.DataFrame) -> pl.DataFrame:
    return resolve(rows, "p", "c", pl.col("on"), PLACES)


def test_every_old_commune_resolves_in_its_province_before_the_reform() -> None:
    found = resolved(OLD.select(p="province_unit", c="code", on=pl.lit(date(2025, 6, 30)), expected="commune_code", split="is_split"))
    assert found.height == 10_035
    assert found["commune_code"].equals(found["expected"], check_names=False)
    assert found["commune_approximate"].equals(found["split"], check_names=False)
    assert found["place_notes"].list.len().sum() == 0
    assert set(found["commune_code"]) <= set(NEW["code"])


def test_every_old_commune_is_recognised_late_with_its_old_province_or_taken_for_the_one_of_today() -> None:
    found = resolved(OLD.select(p="province_unit", c="code", on=pl.lit(date(2025, 7, 1))))
    assert found["commune_code"].null_count() == 0
    assert set(found["place_notes"].list.join("+").unique()) == {"", "old_code_late"}


def test_the_province_of_a_commune_of_today_is_the_one_it_resolves_to() -> None:
    home = dict(NEW.select("code", "province_code").iter_rows())
    for unit in PLACES.communes.iter_rows(named=True):
        assert home[unit["commune_code"]] == unit["province_code"]


@given(ROWS)
@settings(max_examples=60, deadline=None)
def test_commune_and_province_agree(rows: list[tuple[str | None, str | None, date | None]]) -> None:
    home = dict(NEW.select("code", "province_code").iter_rows())
    for row in resolved(pl.DataFrame(rows, schema=SCHEMA, orient="row")).iter_rows(named=True):
        if row["commune_code"] and row["province_code"]:
            assert home[row["commune_code"]] == row["province_code"]
        assert (row["commune_code"] is None) == (row["commune_approximate"] is None)


@given(ROWS)
@settings(max_examples=60, deadline=None)
def test_codes_of_today_resolve_to_themselves(rows: list[tuple[str | None, str | None, date | None]]) -> None:
    first = resolved(pl.DataFrame(rows, schema=SCHEMA, orient="row"))
    again = resolved(first.select(p="province_code", c="commune_code", on=pl.lit(date(2026, 11, 1))))
    assert again.select("province_code", "commune_code").equals(first.select("province_code", "commune_code"))
    assert again["place_notes"].list.len().sum() == 0


@given(ROWS, st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_rows_changes_nothing(rows: list[tuple[str | None, str | None, date | None]], seed: int) -> None:
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row").with_row_index("n")
    mixed = frame.sample(fraction=1, shuffle=True, seed=seed)
    assert resolved(mixed).sort("n").select(FIELDS).equals(resolved(frame).select(FIELDS))
