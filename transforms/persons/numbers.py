"""Numbers of cards and of people: which numbers are one card, which say nothing, which belong to nobody."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from transforms.persons.spelling import ranked

# In real registers seven of ten CCCDs agree with their cards; numbers drawn at random would do so once in hundreds.
STRUCTURED, ENOUGH_TO_JUDGE = 0.3, 20
# A number that this many different names carry is nobody's: a village head's, an employer's, a placeholder of some program.
NAMES_PER_NUMBER = 8
CROWDED = ("citizen", "short_citizen", "insured", "insured_too")
# A social insurance number begins with the province that gave it out, a CCCD with that of the registration of birth, in the codes of before
# 2025-07-01; which province of today that is, where it is not the one of the same code.
_MERGED_INTO = {
    2: 8, 6: 19, 10: 15, 17: 25, 26: 25, 27: 24, 30: 31, 34: 33, 35: 37, 36: 37, 45: 44, 49: 48, 54: 66, 58: 56, 60: 68, 62: 51, 64: 52,
    67: 68, 70: 75, 72: 80, 74: 79, 77: 79, 83: 86, 84: 86, 87: 82, 89: 91, 93: 92, 94: 92, 95: 96,
}  # fmt: skip
# By the first two digits of a social insurance number, or the first three of a CCCD; 0 stands for no province.
GIVEN_OUT_IN = np.array([_MERGED_INTO.get(code, code) if code < 100 else 0 for code in range(1_000)], np.int16)

_REGULAR = "^[0-9A-Z]{5}[0-9]{5}([0-9]{5})?$"
_TENTH = 10**10


def card_code(number: pl.Expr) -> pl.Expr:
    """A whole number for a card number that is written as usual (10 digits, or 5 characters before them), ascending as the text does.

    The first five characters count to the base of 36, then ten digits, then whether the last five of them are there. Anything else has a
    negative number: its hash.
    """
    head = number.str.head(5).str.to_integer(base=36, strict=False)
    rest = number.str.slice(5).str.to_integer(base=10, strict=False)
    code = head * (2 * _TENTH) + pl.when(number.str.len_bytes() == 15).then(rest * 2 + 1).otherwise(rest * 200_000)
    return pl.when(number.str.contains(_REGULAR)).then(code).otherwise(-(number.hash() // 2).cast(pl.Int64) - 1)


def card_text(code: npt.NDArray[np.int64]) -> pl.Series:
    """The card numbers that codes stand for (`card_code`; none of them negative)."""
    text = np.empty((len(code), 15), np.uint8)
    head, rest = (code // (2 * _TENTH)).astype(np.uint32), code % (2 * _TENTH)
    whole = (rest & 1).astype(bool)
    digits = np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", np.uint8)
    high, low = np.divmod(rest >> 1, 100_000)
    for part, (number, base) in enumerate(((head, 36), (high.astype(np.uint32), 10), (low.astype(np.uint32), 10))):
        for place in range(4, -1, -1):
            number, digit = np.divmod(number, np.uint32(base))
            text[:, part * 5 + place] = digits[digit]
    length = np.where(whole, 15, 10)
    ends = np.append(0, np.cumsum(length))
    written = text[np.arange(15) < length[:, None]]
    return texts("card_number", ends, written)


def texts(name: str, ends: npt.NDArray[np.int64], written: npt.NDArray[np.uint8]) -> pl.Series:
    """A column of text from its bytes, one text behind the other; `ends`: where each begins, and where the last one ends."""
    column = pa.LargeStringArray.from_buffers(len(ends) - 1, pa.py_buffer(ends), pa.py_buffer(np.ascontiguousarray(written)))
    return pl.DataFrame(pa.record_batch([column], names=[name])).to_series()


def numbered_rows(cards: pl.LazyFrame, code: pl.Series) -> tuple[pl.Series, npt.NDArray[np.uint32]]:
    """All numbers that occur, distinct and sorted, and of each row the place of its number. `code`: `card_code` of each row."""
    first, rank = ranked(code)
    distinct = code.gather(first).to_numpy()
    usual = int(np.searchsorted(distinct, 0))
    number = card_text(distinct[usual:])
    if usual:
        odd = cards.select("card_number", code=card_code(pl.col("card_number"))).filter(pl.col("code") < 0)
        odd_text = odd.unique("code", keep="any").sort("code").collect(engine="streaming")["card_number"]
        number = pl.concat([odd_text, number])
        order = number.arg_sort()
        place = np.empty(len(order), np.uint32)
        place[order.to_numpy()] = np.arange(len(order), dtype=np.uint32)
        number, rank = number.gather(order), place[rank]
    return number.alias("card_number"), rank


def keyed_numbers(number: pl.Series) -> pl.DataFrame:
    """`card_number` (distinct ones, sorted), with `card_key`, `card` (the place of the key among all keys) and `insured` (its last
    ten digits).

    A 10-digit number is the card of 15 characters that ends in it (the smallest, if several do).
    """
    length, tail = number.str.len_chars(), number.str.slice(-10)
    digits = tail.cast(pl.Int64, strict=False)
    # Only where two numbers end alike can one be the other's key.
    frame = pl.DataFrame({"row": np.arange(len(number)), "tail": digits, "length": length})
    frame = frame.filter(pl.Series(_met_again(digits)) & pl.col("tail").is_not_null())
    long, short = (frame.filter(pl.col("length") == n).select("row", "tail") for n in (15, 10))
    alias = short.join(long.rename({"row": "key"}), on="tail").group_by("row").agg(pl.col("key").min())
    # The row of each number's key: a key is itself a number, so the keys are in order already.
    key = np.arange(len(number))
    key[alias["row"].to_numpy()] = alias["key"].to_numpy()
    card = (np.cumsum(key == np.arange(len(key))) - 1)[key].astype(np.uint32)
    keyed = pl.DataFrame({"card_number": number, "card_key": number.gather(key) if alias.height else number, "card": card})
    return keyed.with_columns(insured=pl.select(_usable(digits_of(tail, 10), 10)).to_series())


def _met_again(numbers: pl.Series) -> npt.NDArray[np.bool_]:
    """Which numbers stand in more than one row."""
    first, rank = ranked(numbers)
    often: npt.NDArray[np.bool_] = (np.bincount(rank, minlength=len(first)) > 1)[rank]
    return often


def digits_of(text: Any, length: int) -> Any:
    """Text of this many digits as an integer; null for any other."""
    number = text.cast(pl.Int64, strict=False)
    fits = (text.str.len_bytes() == length) & ~text.str.starts_with("+") & ~text.str.starts_with("-")
    return pl.when(fits).then(number)


def _usable(number: pl.Expr, length: int) -> pl.Expr:
    """Null for placeholders (all digits alike, 123456789 …)."""
    counting = ("12345678901234"[:length], "01234567890123"[:length], "98765432109876"[:length])
    alike = (str(digit) * length for digit in range(10))
    placeholders = [int(n) for n in (*counting, *alike)]
    from_one = int("123456789") * 10 ** (length - 9)
    counted = number.is_between(from_one, from_one + 10 ** (length - 9) - 1)
    if length > 9:
        counted |= number.is_between(from_one // 10, from_one // 10 + 10 ** (length - 10) - 1)
    return pl.when(~number.is_in(placeholders) & (number % 1_000_000 != 0) & ~counted).then(number)


def digits(text: pl.Expr, length: int) -> pl.Expr:
    """A number of this many digits as an integer; null for other lengths and for placeholders (all digits alike, 123456789 …)."""
    return _usable(digits_of(text, length), length)


def without_crowded(rows: pl.DataFrame, table: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Sets aside the numbers that more than `NAMES_PER_NUMBER` different names carry; and these, as `Records.set_aside`."""
    carried = [pl.DataFrame(schema={"kind": pl.String, "number": pl.Int64, "card": pl.UInt32, "plain": pl.UInt64})]
    for kind in CROWDED:
        ascending = np.sort(rows[kind].drop_nulls().to_numpy())
        counts = np.unique(ascending[NAMES_PER_NUMBER:][ascending[NAMES_PER_NUMBER:] == ascending[:-NAMES_PER_NUMBER]])
        if not len(counts):
            continue
        often = rows.select(kind, "card", "name").filter(pl.col(kind).is_in(pl.Series(counts, dtype=rows[kind].dtype).implode()))
        plain = table.select(name=pl.int_range(pl.len(), dtype=pl.Int32), plain=pl.col("plain").hash())
        often = often.join(plain, on="name", how="left")
        named = often.drop_nulls("plain").group_by(kind).agg(pl.col("plain").n_unique())
        shared = named.filter(pl.col("plain") > NAMES_PER_NUMBER)[kind]
        if shared.len():
            carriers = often.filter(pl.col(kind).is_in(shared.implode())).sort(kind, "card", "name", nulls_last=True)
            carried.append(carriers.select(pl.lit(kind).alias("kind"), pl.col(kind).cast(pl.Int64).alias("number"), "card", "plain"))
            rows = rows.with_columns(pl.when(~pl.col(kind).is_in(shared.implode())).then(pl.col(kind)))
    return rows, pl.concat(carried)


def with_verified(rows: pl.DataFrame) -> pl.DataFrame:
    """Adds `verified`. Where hardly any number agrees with its card, numbers there have no such structure, and each is taken as it is."""
    rows = rows.with_columns(verified=looks_verified())
    checkable = rows.filter(pl.col("citizen").is_not_null() & pl.col("year").is_not_null())["verified"]
    if not structured(checkable.len(), int(checkable.sum())):
        return rows.with_columns(verified=pl.col("citizen").is_not_null())
    return rows


def structured(checkable: int, verified: int) -> bool:
    """Whether CCCDs agree with their cards often enough to have the structure of CCCDs."""
    return checkable < ENOUGH_TO_JUDGE or verified >= STRUCTURED * checkable


def looks_verified() -> pl.Expr:
    """The CCCD agrees with its own card: century and sex (4th digit) and year of birth (5th, 6th). Nothing is verified without a year."""
    part = pl.col("citizen") // 1_000_000 % 1_000
    century_and_sex, yy = part // 100, part % 100
    year, sex = pl.col("year"), pl.col("sex")
    return ((yy == year % 100) & (century_and_sex // 2 == year // 100 - 19) & (sex.is_null() | (century_and_sex % 2 == sex - 1))).fill_null(
        False
    )
