"""Records as arrays of fixed width, for compiled code: whole numbers in binary-coded decimal, so that one digit apart is one half-byte
apart, and names by what `compare` looks at."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from importlib.resources import files
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.persons.compare import NAME_IDS, Chances
from transforms.persons.standardise import Records

Array = npt.NDArray[Any]

RARER = ("whole", "ends", "commune", "province", "year")  # as in `Chances`
RECORD = np.dtype(
    [
        ("citizen", "u8"), ("insured", "u8"), ("insured_too", "u8"), ("short_citizen", "u8"),  # BCD; 0: unknown
        ("card", "i4"), ("name", "i4"), ("born", "u4"),  # BCD yyyymmdd, or yyyy0000
        ("commune", "u4"), ("household", "u4"), ("address", "u4"), ("province", "u2"), ("old_province", "u2"),
        ("cut", "u2"),  # rules of which a block of this record was cut, as bits
        ("sex", "u1"), ("verified", "u1"),
        *((f"{column}_bits", "i1") for column in RARER),
    ],
    align=True,
)  # fmt: skip
NAME = np.dtype(
    [(c, "u4") for c in ("plain", "joined", "ordered", "surname", "given", "middle", "given_accented", "letters")]
    + [(flag, "u1") for flag in ("accented", "bare_given", "borne", "given_length", "length", "middles")],
    align=True,
)
AT_A_TIME = 1 << 17  # records written together: as many as the processor has at hand


# numba keeps compiled code as long as its own module stays the same; these are the others whose figures stand in it.
_FIGURES = blake2b(
    b"".join(files("transforms.persons").joinpath(f"{name}.py").read_bytes() for name in ("candidates", "compare", "numbers")),
    digest_size=4,
).hexdigest()


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiled at its first call; the result is kept on disk where numba finds a directory that may be written (NUMBA_CACHE_DIR)."""
    function.__qualname__ += f"_{_FIGURES}"
    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # an installation that may only be read, and no home
        return numba.njit(nogil=True)(function)


def encoded_names(records: Records) -> Array:
    """`NAME`, row by row of `records.names`, and a last one for records without a name."""
    names = records.names
    made = np.zeros(names.height + 1, NAME)
    for column in NAME_IDS:
        made[column][:-1] = names[f"{column}_id"].fill_null(0).to_numpy()
    made["letters"][:-1] = letters(names["plain"])
    made["accented"][:-1] = names["accented"].to_numpy()
    made["bare_given"][:-1] = (names["given"] == names["given_accented"]).to_numpy()
    made["borne"][:-1] = names["borne"].to_numpy()
    made["length"][:-1] = names["plain"].str.len_chars().clip(0, 255).to_numpy()
    made["middles"][:-1] = (names["middle"].str.count_matches(" ", literal=True).cast(pl.Int64) - 1).clip(0, 255).to_numpy()
    made["given_length"][:-1] = names["given"].str.len_bytes().clip(0, 255).to_numpy()
    return made


def letters(plain: pl.Series) -> Array:
    """Which letters a to z a text holds, as bits; nothing else counts."""
    text = plain.to_arrow()
    _, offsets, data = text.buffers()
    bounds = np.frombuffer(offsets, np.int64 if str(text.type) == "large_string" else np.int32)[text.offset : text.offset + len(text) + 1]
    return _letters(bounds.astype(np.int64), np.frombuffer(data or b"", np.uint8))  # type: ignore[no-any-return]


def encoded(records: Records, chances: Chances) -> Array:
    """`RECORD`, row by row of `records.rows`; `cut` is left 0. `name` is the row of `encoded_names`."""
    made = np.empty(records.rows.height, RECORD)

    def fill(start: int) -> None:
        some = slice(start, start + AT_A_TIME)
        _encode(records.rows[some], chances.rows[some], records.names.height, made[some])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(fill, range(0, len(made), AT_A_TIME)))
    return made


def _encode(rows: pl.DataFrame, rare: pl.DataFrame, nameless: int, made: Array) -> None:
    """Fills `made` with rows and their chances; `nameless`: the name of who has none."""
    of_rows = rows.select(
        pl.col("citizen", "insured", "insured_too", "short_citizen", "year", "day_month").fill_null(0),
        "card",
        pl.col("name").fill_null(nameless),
        (pl.col("commune", "province", "old_province") + 1).fill_null(0),
        pl.col("household", "address", "sex").fill_null(0),
        pl.col("verified").cast(pl.UInt8),
    )
    # In one piece each: arrays that Polars lends are of another kind, to numba, than those that it has to put together.
    _fill(made, *(column.to_numpy() for column in (*of_rows.rechunk(), *rare.select(RARER).rechunk())))


# Numbers of four digits in binary-coded decimal.
_FOUR_DIGITS = sum((np.arange(10_000) // 10**place % 10 << 4 * place for place in range(4)), np.zeros(10_000, np.int64)).astype(np.uint64)


@compiled
def decimal(number: np.uint64) -> Any:  # pragma: no cover
    """A whole number of up to twelve digits in binary-coded decimal: the twelfth digit in the twelfth half-byte. 0 stays 0."""
    high, low = divmod(number, np.uint64(100_000_000))
    first, second = divmod(low, np.uint64(10_000))
    return _FOUR_DIGITS[high] << np.uint64(32) | _FOUR_DIGITS[first] << np.uint64(16) | _FOUR_DIGITS[second]


@compiled
def _fill(
    made: Array,
    citizen: Array, insured: Array, insured_too: Array, short_citizen: Array, year: Array, day_month: Array, card: Array, name: Array,
    commune: Array, province: Array, old_province: Array, household: Array, address: Array, sex: Array, verified: Array,
    whole: Array, ends: Array, of_commune: Array, of_province: Array, of_year: Array,
) -> None:  # fmt: skip  # pragma: no cover
    for i in range(len(made)):
        of = made[i]
        of.citizen, of.insured = decimal(np.uint64(citizen[i])), decimal(np.uint64(insured[i]))
        of.insured_too, of.short_citizen = decimal(np.uint64(insured_too[i])), decimal(np.uint64(short_citizen[i]))
        of.born = np.uint32(_FOUR_DIGITS[year[i]] << np.uint64(16) | _FOUR_DIGITS[day_month[i]])
        of.card, of.name = card[i], name[i]
        of.commune, of.province, of.old_province = commune[i], province[i], old_province[i]
        of.household, of.address, of.sex, of.verified, of.cut = household[i], address[i], sex[i], verified[i], 0
        of.whole_bits, of.ends_bits = whole[i], ends[i]
        of.commune_bits, of.province_bits, of.year_bits = of_commune[i], of_province[i], of_year[i]


@compiled
def _letters(bounds: Array, data: Array) -> Array:  # pragma: no cover
    out = np.zeros(len(bounds) - 1, np.uint32)
    for i in range(len(out)):
        for byte in data[bounds[i] : bounds[i + 1]]:
            if 97 <= byte <= 122:
                out[i] |= np.uint32(1) << np.uint32(byte - 97)
    return out
