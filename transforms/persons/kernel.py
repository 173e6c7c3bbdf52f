"""The levels of `compare`, for tens of millions of pairs: one pass over records of fixed width, compiled by numba.

Same results as `compare`, which is the reference (tests/property/test_kernel.py). Numbers stand in binary-coded decimal, so that one digit
apart is one half-byte apart. Only names that differ in the ways that need text are left to polars-ds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.persons.candidates import RULES
from transforms.persons.compare import LEVELS, NAME_IDS, RARE_LEVELS, RARITIES, Chances
from transforms.persons.standardise import Records

Array = npt.NDArray[Any]

RECORD = np.dtype(
    [
        ("citizen", "u8"), ("insured", "u8"), ("insured_too", "u8"), ("short_citizen", "u8"),  # BCD; 0: unknown
        ("card", "i4"), ("name", "i4"), ("born", "u4"),  # BCD yyyymmdd, or yyyy0000
        ("plain", "u4"), ("surname", "u4"), ("given", "u4"), ("ordered", "u4"),
        ("commune", "u4"), ("household", "u4"), ("address", "u4"), ("province", "u2"), ("old_province", "u2"),
        ("cut", "u2"),  # rules of which a block of this record was cut, as bits
        ("sex", "u1"), ("verified", "u1"), ("middles", "u1"),
        *((f"{column}_bits", "i1") for column in ("whole", "ends", "commune", "province", "year")),
    ],
    align=True,
)  # fmt: skip
NAME = np.dtype(
    [(c, "u4") for c in ("plain", "joined", "ordered", "surname", "given", "middle", "given_accented", "letters")]
    + [(flag, "u1") for flag in ("accented", "bare_given", "borne", "given_length", "length", "middles")],
    align=True,
)
BY_TEXT = 255  # the level of a pair of names that only their text can tell


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiled at its first call; the result is kept on disk where numba finds a directory that may be written (NUMBA_CACHE_DIR)."""
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


def encoded(records: Records, chances: Chances, names: Array) -> Array:
    """`RECORD`, row by row of `records.rows`; `cut` is left 0."""
    rows = records.rows
    made = np.zeros(rows.height, RECORD)
    for column in ("citizen", "insured", "insured_too", "short_citizen"):
        made[column] = decimal(rows[column].fill_null(0).to_numpy().astype(np.uint64))
    month_day = rows["day_month"].fill_null(0).to_numpy().astype(np.uint64)
    made["born"] = decimal(rows["year"].fill_null(0).to_numpy().astype(np.uint64) * np.uint64(10_000) + month_day)
    made["card"] = rows["card"].to_numpy()
    made["name"] = rows["name"].fill_null(records.names.height).to_numpy()
    for column in ("plain", "surname", "given", "ordered", "middles"):
        made[column] = names[column][made["name"]]
    for column in ("commune", "province", "old_province"):
        made[column] = (rows[column] + 1).fill_null(0).to_numpy()
    for column in ("household", "address", "sex"):
        made[column] = rows[column].fill_null(0).to_numpy()
    for column in chances.rows.columns:
        made[f"{column}_bits"] = chances.rows[column].to_numpy()
    made["verified"] = rows["verified"].to_numpy()
    return made


def decimal(number: Array) -> Array:
    """Whole numbers in binary-coded decimal: the twelfth digit in the twelfth half-byte. 0 stays 0."""
    return _decimal(np.ascontiguousarray(number))  # type: ignore[no-any-return]


@_compiled
def _decimal(number: Array) -> Array:  # pragma: no cover
    out = np.zeros(len(number), np.uint64)
    for i in range(len(number)):
        rest = number[i]
        place = np.uint64(0)
        while rest > np.uint64(0):
            out[i] |= (rest % np.uint64(10)) << place
            rest = rest // np.uint64(10)
            place += np.uint64(4)
    return out


_CITIZEN, _SHORT, _INSURED, _NAME_BIRTH, _GIVEN_BIRTH, _BIRTH_COMMUNE = range(6)
_NAME_YEAR, _NAME_DAY, _ENDS_COMMUNE, _WORDS, _HOUSEHOLD, _LISTED = range(6, len(RULES))
_STRIDES = np.cumprod([1, *[len(LEVELS[f]) + 1 for f in reversed(LEVELS)]])[::-1]
_NAME_AT, _BIRTH_AT, _SEX_AT, _CITIZEN_AT, _INSURED_AT, _PLACE_AT = (int(n) for n in _STRIDES[1:])
_SAME, _UNACCENTED, _OTHER_ACCENTS, _REARRANGED, _PART, _MISSPELT, _GIVEN_SLIP, _GIVEN_CLOSE = range(1, 9)
_OTHER_MIDDLE, _SAME_GIVEN, _SAME_SURNAME, _OTHER_NAME = range(9, len(LEVELS["name"]) + 1)
RARITY_AT = int(_STRIDES[0])
_WHOLE, _ENDS, _SHORTER = 1, 2, 3
_KINDS = {"whole": _WHOLE, "ends": _ENDS, "shorter": _SHORTER}
_RARE = np.array([0, *(_KINDS[RARE_LEVELS[level]] if level in RARE_LEVELS else 0 for level in LEVELS["name"])])


@_compiled
def _letters(bounds: Array, data: Array) -> Array:  # pragma: no cover
    out = np.zeros(len(bounds) - 1, np.uint32)
    for i in range(len(out)):
        for byte in data[bounds[i] : bounds[i + 1]]:
            if 97 <= byte <= 122:
                out[i] |= np.uint32(1) << np.uint32(byte - 97)
    return out


@_compiled
def _one_digit(a: np.uint64, b: np.uint64) -> Any:  # pragma: no cover
    """Two BCD numbers differ in exactly one digit."""
    x = a ^ b
    x = (x | x >> np.uint64(1) | x >> np.uint64(2) | x >> np.uint64(3)) & np.uint64(0x1111111111111111)
    return x != np.uint64(0) and x & (x - np.uint64(1)) == np.uint64(0)


@_compiled
def _makes(rule: int, a: Any, b: Any) -> Any:  # pragma: no cover
    """The two records share the key of the rule."""
    if rule == _CITIZEN:
        return a.citizen != 0 and a.citizen == b.citizen
    if rule == _SHORT:
        return a.short_citizen != 0 and a.short_citizen == b.short_citizen
    if rule == _INSURED:
        return a.insured != 0 and a.insured == b.insured
    if rule in (_NAME_BIRTH, _GIVEN_BIRTH, _BIRTH_COMMUNE):
        if a.born != b.born or a.born & 0xFFFF == 0 or a.born & 0xFFFF == 0x101:
            return False
        if rule == _BIRTH_COMMUNE:
            return a.commune != 0 and a.commune == b.commune
        if a.given == 0 or a.given != b.given:
            return False
        if rule == _NAME_BIRTH:
            return a.surname != 0 and a.surname == b.surname
        return a.province != 0 and a.province == b.province
    if rule == _HOUSEHOLD:
        return a.household != 0 and a.household == b.household and a.given != 0 and a.given == b.given
    if rule == _WORDS:
        if a.ordered == 0 or a.ordered != b.ordered or a.born >> 16 == 0 or a.born >> 16 != b.born >> 16:
            return False
        d, e = a.born & 0xFFFF, b.born & 0xFFFF
        return d != 0 and (d == e or ((d >> 8) == (e & 0xFF) and (d & 0xFF) == (e >> 8)))
    if rule == _ENDS_COMMUNE:
        if a.commune == 0 or a.commune != b.commune or a.born >> 16 == 0 or a.born >> 16 != b.born >> 16:
            return False
        return a.surname != 0 and a.surname == b.surname and a.given != 0 and a.given == b.given
    if a.plain == 0 or a.plain != b.plain:
        return False
    if a.province == 0 or a.province != b.province:
        return False
    if rule == _NAME_YEAR:
        return a.born >> 16 != 0 and a.born >> 16 == b.born >> 16
    day = a.born & 0xFFFF
    return day != 0 and day != 0x101 and day == b.born & 0xFFFF


@_compiled
def _meets(a: Any, b: Any) -> Any:  # pragma: no cover
    """One of the two social insurance numbers of one record is one of the other's."""
    return (a.insured != 0 and (a.insured == b.insured or a.insured == b.insured_too)) or (
        a.insured_too != 0 and (a.insured_too == b.insured or a.insured_too == b.insured_too)
    )


@_compiled
def first_made(rule: int, left: Array, right: Array, records: Array) -> Array:  # pragma: no cover
    """Which pairs of blocks that were cut, or of the listed numbers, count for `rule`: of two cards, with its key in common, and in no
    whole block of any other rule. What is left may hold a pair twice.
    """
    out = np.zeros(len(left), np.bool_)
    for i in range(len(left)):
        a, b = records[left[i]], records[right[i]]
        if a.card == b.card:
            continue
        if rule != _LISTED and not _makes(rule, a, b):
            continue
        before = False
        for q in range(_LISTED):
            if (a.cut >> q) & 1 == 0 and _makes(q, a, b):
                before = True
                break
        out[i] = not before
    return out


@_compiled
def whole_pairs(rule: int, rows: Array, starts: Array, sizes: Array, records: Array) -> tuple[Array, Array]:  # pragma: no cover
    """The pairs of these blocks, none of them cut, of which `first_made` says that they count for `rule`: left and right rows."""
    total = (sizes.astype(np.int64) * (sizes - 1) // 2).sum()
    left, right = np.empty(total, np.int32), np.empty(total, np.int32)
    made = 0
    for block in range(len(starts)):
        end = starts[block] + sizes[block]
        for i in range(starts[block], end - 1):
            a = records[rows[i]]
            for j in range(i + 1, end):
                b = records[rows[j]]
                if a.card == b.card or not _makes(rule, a, b):
                    continue
                before = False
                for q in range(rule):
                    if (a.cut >> q) & 1 == 0 and _makes(q, a, b):
                        before = True
                        break
                if not before:
                    left[made], right[made] = rows[i], rows[j]
                    made += 1
    return left[:made].copy(), right[:made].copy()


@_compiled
def tally(codes: Array, counts: Array) -> None:  # pragma: no cover
    """Counts patterns, in place."""
    for code in codes:
        counts[code] += 1


@_compiled
def _birth(a: np.uint32, b: np.uint32) -> int:  # pragma: no cover
    if a >> 16 == 0 or b >> 16 == 0:
        return 0
    d, e = a & 0xFFFF, b & 0xFFFF
    vague = d == 0 or d == 0x101 or e == 0 or e == 0x101
    same_year = a >> 16 == b >> 16
    if vague and same_year:
        return 4
    if a == b and d != 0:
        return 1
    if same_year and d >> 8 == e & 0xFF and d & 0xFF == e >> 8:
        return 2
    if not vague and _one_digit(np.uint64(a), np.uint64(b)):
        return 3
    return 5 if same_year else 6


@_compiled
def _citizen(a: Any, b: Any) -> int:  # pragma: no cover
    both = a.citizen != 0 and b.citizen != 0
    both_short = a.short_citizen != 0 and b.short_citizen != 0
    same = both and a.citizen == b.citizen
    verified = a.verified != 0 and b.verified != 0
    if same and verified:
        return 1
    if same or (both_short and a.short_citizen == b.short_citizen):
        return 2
    if (both and _one_digit(a.citizen, b.citizen)) or (both_short and _one_digit(a.short_citizen, b.short_citizen)):
        return 3
    if verified and both:
        return 4
    return 5 if both_short else 0


@_compiled
def _insured(a: Any, b: Any) -> int:  # pragma: no cover
    if _meets(a, b):
        return 1
    if a.insured == 0 or b.insured == 0:
        return 0
    return 2 if _one_digit(a.insured, b.insured) else 3


@_compiled
def _place(a: Any, b: Any) -> int:  # pragma: no cover
    if a.household != 0 and a.household == b.household:
        return 1
    if a.commune != 0 and a.commune == b.commune:
        if a.address != 0 and a.address == b.address:
            return 2
        other_home = (a.household != 0 and b.household != 0) or (a.address != 0 and b.address != 0)
        return 4 if other_home else 3
    if a.province == 0 or b.province == 0:
        return 0
    if a.province != b.province:
        return 7
    return 5 if a.old_province != 0 and a.old_province == b.old_province else 6


@_compiled
def _letters_apart(a: np.uint32, b: np.uint32) -> int:  # pragma: no cover
    x = np.int64(a ^ b)
    count = 0
    while x:
        x &= x - 1
        count += 1
    return count


@_compiled
def _name(a: Any, b: Any) -> int:  # pragma: no cover
    """Level of two different names; `BY_TEXT` where ids do not tell."""
    ends = a.surname != 0 and a.surname == b.surname
    given = a.given != 0 and a.given == b.given
    if a.plain == b.plain:
        if a.accented == 0 or b.accented == 0:
            return _UNACCENTED
        if a.given_accented == b.given_accented or a.bare_given != 0 or b.bare_given != 0:
            return _OTHER_ACCENTS
        return _GIVEN_CLOSE if a.borne != 0 and b.borne != 0 else _GIVEN_SLIP
    if a.joined == b.joined or (a.ordered == b.ordered and (given or not ends)):
        return _REARRANGED
    middle = a.middle == b.middle
    if given:
        if ends and (a.middles == 0 or b.middles == 0):
            return _PART
        # Who has dropped a word has lost letters only; two slips change four letters and the length by two at most.
        within = ends and a.middles != b.middles and (a.letters & b.letters == a.letters or a.letters & b.letters == b.letters)
        longer = max(a.length, b.length) - min(a.length, b.length)
        if within or (longer <= 2 and _letters_apart(a.letters, b.letters) <= 4):
            return BY_TEXT
        return _OTHER_MIDDLE if ends else _SAME_GIVEN
    if ends:
        long_given = min(a.given_length, b.given_length) >= 2 and max(a.given_length, b.given_length) >= 3
        if middle and long_given and _letters_apart(a.letters, b.letters) <= 2:
            return BY_TEXT
        return _SAME_SURNAME
    return _OTHER_NAME


@_compiled
def _rarity(a: Any, b: Any, level: int) -> Any:  # pragma: no cover
    """How rare the name, the commune and the year are that two records have in common, in half bits; 0 where that does not count."""
    kind = _RARE[level]
    if kind == 0:
        return 0
    if kind == _ENDS:
        bits = min(a.ends_bits, b.ends_bits)
    elif kind == _SHORTER and a.middles != b.middles:
        bits = a.whole_bits if a.middles < b.middles else b.whole_bits
    else:
        bits = min(a.whole_bits, b.whole_bits)
    if a.commune != 0 and a.commune == b.commune:
        bits += a.commune_bits
    elif a.province != 0 and a.province == b.province:
        bits += a.province_bits
    if a.born >> 16 != 0 and a.born >> 16 == b.born >> 16:
        bits += a.year_bits
    return max(0, min(RARITIES - 1, bits))


@_compiled
def name_codes(level: Array, left: Array, right: Array, records: Array) -> Array:  # pragma: no cover
    """What the level of the name and its rarity add to the code of each pair."""
    out = np.zeros(len(left), np.int32)
    for i in range(len(left)):
        out[i] = level[i] * _NAME_AT + _rarity(records[left[i]], records[right[i]], level[i]) * RARITY_AT
    return out


@_compiled
def patterns(left: Array, right: Array, records: Array, names: Array) -> tuple[Array, Array]:  # pragma: no cover
    """`compare.pattern_code` of each pair, and the pairs whose names have to be read: their code still lacks the name and its rarity."""
    codes = np.zeros(len(left), np.int32)
    unread = np.zeros(len(left), np.bool_)
    nameless = len(names) - 1
    for i in range(len(left)):
        a, b = records[left[i]], records[right[i]]
        code = _birth(a.born, b.born) * _BIRTH_AT + _citizen(a, b) * _CITIZEN_AT + _insured(a, b) * _INSURED_AT + _place(a, b) * _PLACE_AT
        if a.sex != 0 and b.sex != 0:
            code += (1 if a.sex == b.sex else 2) * _SEX_AT
        if a.name != nameless and b.name != nameless:
            n, m = names[a.name], names[b.name]
            level = _SAME
            if a.name != b.name:
                level = _name(n, m)
            if level == BY_TEXT:
                unread[i] = True
            else:
                code += level * _NAME_AT + _rarity(a, b, level) * RARITY_AT
        codes[i] = code
    return codes, unread
