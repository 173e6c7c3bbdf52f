"""Readings that must hold for any value: what is written in a form of the contract is read back; the short cut is no second rule."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.vn import mst

from expectations import declare as d
from tests.cells import read_column
from transforms import values
from transforms.tax_codes import tax_code_valid

KINDS = (
    d.TEXT,
    d.CARD_NUMBER,
    d.SOCIAL_INSURANCE_NUMBER,
    d.CITIZEN_ID,
    d.TAX_CODE,
    d.PROVINCE,
    d.COMMUNE,
    d.CODE,
    d.SEX,
    d.INTEGER,
    d.MONEY,
    d.QUANTITY,
)
DATE_FORMS = (
    "%d/%m/%Y",
    "%d-%m-%Y",
    "%Y%m%d",
    "%Y%m%d0730",
    "%Y-%m-%d",
    "%Y-%m-%d 00:00:00",
    "%Y-%m-%d 00:00:00.000000",
    "%d/%m/%Y 07:30:00",
)
DAYS = st.dates(date(1900, 1, 1), date(9999, 12, 31))
SCALES = {d.MONEY: Decimal("0.01"), d.QUANTITY: Decimal("0.001"), d.PERCENT: Decimal("0.0001")}


def read(kind: d.Kind, texts: list[str]) -> list[Any]:
    return read_column(pl.Series(texts, dtype=pl.String), kind)["value"].to_list()


@given(st.lists(DAYS, min_size=1, max_size=20))
@settings(max_examples=50, deadline=None)
def test_a_date_is_read_back_from_every_form(days: list[date]) -> None:
    for form in DATE_FORMS:
        assert read(d.DATE, [day.strftime(form.replace("%Y", f"{day.year:04d}")) for day in days]) == days
    assert read(d.DATE, [f"{day.day}/{day.month}/{day.year}" for day in days]) == days


@given(st.lists(st.datetimes(datetime(1900, 1, 1), datetime(9999, 12, 31)), min_size=1, max_size=20))
@settings(max_examples=50, deadline=None)
def test_a_moment_is_read_back_to_its_minute(moments: list[datetime]) -> None:
    minutes = [m.replace(second=0, microsecond=0) for m in moments]
    assert read(d.MOMENT, [f"{m.year:04d}" + m.strftime("%m%d%H%M") for m in minutes]) == minutes


@given(st.lists(st.integers(20000, 79999), min_size=1, max_size=20))
@settings(max_examples=30, deadline=None)
def test_an_excel_serial_counts_days_since_1899(serials: list[int]) -> None:
    assert read(d.DATE, [str(s) for s in serials]) == [date(1899, 12, 30) + timedelta(days=s) for s in serials]


@given(st.integers(1900, 2100), st.integers(0, 99), st.integers(0, 99))
@settings(max_examples=200, deadline=None)
def test_a_date_exists_exactly_when_the_calendar_has_it(year: int, month: int, day: int) -> None:
    try:
        expected = date(year, month or 1, day or 1) if month or not day else None
    except ValueError:
        expected = None
    assert read(d.BIRTH_DATE, [f"{year}{month:02d}{day:02d}"]) == [expected]


@given(
    st.lists(
        st.one_of(
            st.decimals(min_value=-(10**12), max_value=10**12, allow_nan=False, allow_infinity=False, places=5).map(
                lambda v: format(v, "f")
            ),
            st.floats(min_value=-1e11, max_value=1e11, allow_nan=False, allow_infinity=False)
            .filter(lambda v: v == 0 or abs(v) > 1e-9)
            .map(repr),
            st.from_regex(r"[+-]?[0-9]{1,9}\.[0-9]{1,24}", fullmatch=True),
        ),
        min_size=1,
        max_size=20,
    )
)
@settings(max_examples=100, deadline=None)
def test_decimals_are_rounded_half_up_as_pythons_are(texts: list[str]) -> None:
    for kind, step in SCALES.items():
        small = [t for t in texts if abs(Decimal(t)) < 10_000] if kind is d.PERCENT else texts
        assert read(kind, small) == [Decimal(t).quantize(step, ROUND_HALF_UP) for t in small]


NUMBERS = st.from_regex(r"0[1-9][0-9]{8}", fullmatch=True)


@given(NUMBERS)
@settings(max_examples=50, deadline=None)
def test_a_lost_zero_is_restored_and_flagged(number: str) -> None:
    for kind in (d.CARD_NUMBER, d.SOCIAL_INSURANCE_NUMBER, d.TAX_CODE):
        whole, lost = read_column(pl.Series([number, number.lstrip("0")]), kind).to_dicts()
        assert whole == {"value": number, "unreadable": False, "restored": False}
        assert lost == {"value": number, "unreadable": False, "restored": True}


@given(st.from_regex(r"[0-9]{10}([0-9]{3})?", fullmatch=True))
@settings(max_examples=200, deadline=None)
def test_the_check_digit_is_that_of_stdnum(code: str) -> None:
    right = code[:9] + mst.calc_check_digit(code)[-1] + code[10:]
    for number in (code, right):
        assert pl.select(valid=tax_code_valid(pl.lit(number)))["valid"].to_list() == [mst.is_valid(number)]


CELLS = st.one_of(
    st.text(max_size=20).filter(lambda t: "\x00" not in t),
    st.from_regex(r"[A-Z]{0,2}[0-9]{0,15}(\.[0-9]{0,4})?", fullmatch=True),
    st.text("Nguyễn Văn Anđ 12.", max_size=20),
    st.from_regex(r"-?[0-9]{1,20}(\.[0-9]{1,5})?", fullmatch=True),
)


@given(st.lists(CELLS, min_size=1, max_size=30))
@settings(max_examples=150, deadline=None)
def test_the_short_cut_says_what_the_full_reading_says(texts: list[str]) -> None:
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    for kind in KINDS:
        short_cut = values.plain(kind, pl.col("text"))
        assert short_cut is not None
        value, restored = values.read(kind, pl.col("text"))
        both = frame.select(short=short_cut, full=value, restored=pl.lit(False) if restored is None else restored)
        taken = both.filter(pl.col("short").is_not_null())
        assert taken["short"].to_list() == taken["full"].to_list()
        assert not taken["restored"].any()


@given(st.lists(CELLS, min_size=1, max_size=30))
@settings(max_examples=100, deadline=None)
def test_a_value_read_once_reads_as_itself(texts: list[str]) -> None:
    for kind in KINDS[:9]:
        once = [v for v in read(kind, texts) if v is not None]
        assert read(kind, once) == once
