"""Text to dates and times: the forms of the contract, day always before month.

    dd/mm/yyyy  d/m/yyyy  dd-mm-yyyy  yyyy-mm-dd  yyyy/mm/dd    each with an optional time hh:mm[:ss]
    yyyymmdd  yyyymmddHHMM  yyyymmddHHMMSS                       zeros for what is unknown: yyyy0000, yyyymm00
    yyyy  mm/yyyy  mm-yyyy  yyyy-mm                              the first day stands for the whole
    20000 … 79999, with or without a fraction                   Excel serial: days since 1899-12-30
    2958101 … 2958465                                           the same, of the year 9999: "open" that lost its format

What is no day of the calendar (31/02), or lies outside the years of its kind, is null.
"""

from __future__ import annotations

import polars as pl

# The last year: 9999-12-31 is how systems write "open"; nobody is born after 2100.
_YEARS, _BIRTH_YEARS = (1900, 9999), (1900, 2100)

# Excel serials that are read: 1954-10-03 to 2119-01-10. No other form has five digits. People born before 1954 are alive,
# so birth dates begin at 10000 (1927-05-18).
_SERIALS, _BIRTH_SERIALS = (20000, 80000), (10000, 80000)
_OPEN_SERIALS = (2958101, 2958466)

_TIME = r"(?:[ T]+(?P<H{n}>\d{{1,2}}):(?P<M{n}>\d{{2}})(?::(?P<S{n}>\d{{2}})(?:\.\d+)?)?)?"
_DIGITS = r"(?P<y1>\d{4})(?:(?P<m1>\d{2})(?P<d1>\d{2})(?:(?P<H1>\d{2})(?P<M1>\d{2})(?P<S1>\d{2})?)?)?(?:\.0+)?"
_DAY_FIRST = r"(?:(?P<d2>\d{1,2})[/-])?(?P<m2>\d{1,2})[/-](?P<y2>\d{4})" + _TIME.format(n=2)
_YEAR_FIRST = r"(?P<y3>\d{4})[/-](?P<m3>\d{1,2})(?:[/-](?P<d3>\d{1,2})" + _TIME.format(n=3) + ")?"
_FORMS = f"^(?:{_DIGITS}|{_DAY_FIRST}|{_YEAR_FIRST}|(?P<serial>(?:[1-7]\\d{{4}}|2958\\d{{3}})(?:\\.\\d+)?))$"
_EPOCH = pl.date(1899, 12, 30)


def _written(letter: str) -> pl.Expr:
    """One part of the form that matched, as a number; 0 where it is not written."""
    return pl.coalesce(*(pl.field(f"{letter}{n}") for n in (1, 2, 3))).cast(pl.Int32).fill_null(0)


def _parts(text: pl.Expr) -> pl.Expr:
    """Struct of `year, month, day, hour, minute, second` (Int32, 0 where not written) and `serial` (Float64, null where none).

    Each `with_fields` is a stage: it is computed once however often the next one looks at it.
    """
    return (
        text.str.strip_chars()
        .str.extract_groups(_FORMS)
        .struct.with_fields(
            _written("y").alias("year"),
            _written("m").alias("month"),
            _written("d").alias("day"),
            _written("H").alias("hour"),
            _written("M").alias("minute"),
            _written("S").alias("second"),
            pl.field("serial").cast(pl.Float64),
        )
    )


def _days(text: pl.Expr, years: tuple[int, int], serials: tuple[int, int]) -> pl.Expr:
    """`_parts` and `date`: the day of the calendar (unknown parts are 1), null where there is none."""
    year, month, day, serial = (pl.field(n) for n in ("year", "month", "day", "serial"))
    leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
    last = pl.when(month == 2).then(pl.when(leap).then(29).otherwise(28)).when(month.is_in([4, 6, 9, 11])).then(30).otherwise(31)
    exists = year.is_between(*years) & (month <= 12) & (day <= last) & ((month > 0) | (day == 0))
    counts = ((serial >= serials[0]) & (serial < serials[1])) | (
        (serial >= _OPEN_SERIALS[0]) & (serial < _OPEN_SERIALS[1]) & (years[1] == _YEARS[1])
    )
    one = pl.lit(1, pl.Int32)
    of_serial = _EPOCH + pl.duration(days=serial.floor().cast(pl.Int64))
    return (
        _parts(text)
        .struct.with_fields(exists.alias("exists"), counts.fill_null(False).alias("in_range"))
        .struct.with_fields(
            # Both branches of a `when` are computed, so a day that does not exist must not reach `pl.date`.
            pl.date(
                pl.when(pl.field("exists")).then(year),
                pl.when(pl.field("exists")).then(pl.max_horizontal(month, one)),
                pl.when(pl.field("exists")).then(pl.max_horizontal(day, one)),
            ).alias("written"),
            pl.when(pl.field("in_range")).then(of_serial).alias("counted"),
        )
        .struct.with_fields(pl.coalesce(pl.field("written"), pl.field("counted")).alias("date"))
    )


def read_date(text: pl.Expr) -> pl.Expr:
    """Date of a text; a bare year or month is its first day."""
    return _days(text, _YEARS, _SERIALS).struct.field("date")


def read_birth_date(text: pl.Expr) -> pl.Expr:
    """Date of birth of a text, 1900-2100; `birth_precision` says how much of it is known."""
    return _days(text, _BIRTH_YEARS, _BIRTH_SERIALS).struct.field("date")


def birth_precision(text: pl.Expr) -> pl.Expr:
    """How much of the birth date in `text` is known: `day`, `month`, `year`; null where it cannot be read."""
    known = (
        pl.when(pl.field("date").is_null())
        .then(None)
        .when((pl.field("day") > 0) | pl.field("serial").is_not_null())
        .then(pl.lit("day"))
        .when(pl.field("month") > 0)
        .then(pl.lit("month"))
        .otherwise(pl.lit("year"))
    )
    return _days(text, _BIRTH_YEARS, _BIRTH_SERIALS).struct.with_fields(known.alias("known")).struct.field("known")


def read_moment(text: pl.Expr) -> pl.Expr:
    """Datetime (µs, no zone) of a text. A time that is none of the clock (25:10) is dropped: the date at 00:00."""
    hour, minute, second = pl.field("hour"), pl.field("minute"), pl.field("second")
    # Excel keeps a time as a binary fraction of a day: whole seconds are what was meant.
    fraction = ((pl.field("serial") % 1) * 86_400).round().cast(pl.Int64)
    clock = pl.when((hour < 24) & (minute < 60) & (second < 60)).then(hour * 3600 + minute * 60 + second).otherwise(0).cast(pl.Int64)
    seconds = pl.coalesce(fraction, clock)
    moment = pl.field("date").cast(pl.Datetime("us")) + pl.duration(seconds=seconds, time_unit="us")
    return _days(text, _YEARS, _SERIALS).struct.with_fields(moment.alias("moment")).struct.field("moment")
