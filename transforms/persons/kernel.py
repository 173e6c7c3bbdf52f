"""The levels of `compare`, for tens of millions of pairs: one pass over records of fixed width (`encode`), compiled by numba.

Same results as `compare`, which is the reference (tests/property/test_kernel.py). Only names that differ in the ways that need text are
left to polars-ds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from transforms.persons.candidates import RULES, Blocks
from transforms.persons.compare import LEVELS, NEAR, RARE_LEVELS, RARITIES
from transforms.persons.encode import NAME, RECORD, compiled
from transforms.persons.numbers import GIVEN_OUT_IN

Array = npt.NDArray[Any]

ROWS_AT_HAND = 2048  # records and names that stay in a core's own cache
BY_TEXT = 255  # the level of a pair of names that only their text can tell


_CITIZEN, _SHORT, _INSURED, _NAME_BIRTH, _GIVEN_BIRTH, _BIRTH_COMMUNE = range(6)
_NAME_YEAR, _NAME_DAY, _ENDS_COMMUNE, _WORDS, _HOUSEHOLD, _LISTED = range(6, len(RULES))
_STRIDES = np.cumprod([1, *[len(LEVELS[f]) + 1 for f in reversed(LEVELS)]])[::-1]
_NAME_AT, _BIRTH_AT, _SEX_AT, _CITIZEN_AT, _INSURED_AT, _PLACE_AT = (int(n) for n in _STRIDES[1:])
_SAME, _UNACCENTED, _OTHER_ACCENTS, _REARRANGED, _PART, _MISSPELT, _GIVEN_SLIP, _GIVEN_CLOSE = range(1, 9)
_OTHER_MIDDLE, _SAME_GIVEN, _SAME_SURNAME, _OTHER_NAME = range(9, len(LEVELS["name"]) + 1)
RARITY_AT = int(_STRIDES[0])
_WHOLE, _ENDS, _SHORTER = 1, 2, 3
_KINDS = {"whole": _WHOLE, "ends": _ENDS, "shorter": _SHORTER}
# By what a number begins with, in binary-coded decimal: the province as in `RECORD`; 0: no number.
_GIVEN_OUT_IN = np.zeros(1 << 12, np.uint16)
_GIVEN_OUT_IN[[int(str(code), 16) for code in range(1_000)]] = np.where(GIVEN_OUT_IN > 0, GIVEN_OUT_IN + 1, 0)
_TO_TWO, _TO_THREE = (
    np.uint64(32),
    np.uint64(36),
)  # bits behind the first two digits of a social insurance number, the first three of a CCCD
_RARE = np.array([0, *(_KINDS[RARE_LEVELS[level]] if level in RARE_LEVELS else 0 for level in LEVELS["name"])])


@compiled
def _one_digit(a: np.uint64, b: np.uint64) -> Any:  # pragma: no cover
    """Two BCD numbers differ in exactly one digit."""
    x = a ^ b
    x = (x | x >> np.uint64(1) | x >> np.uint64(2) | x >> np.uint64(3)) & np.uint64(0x1111111111111111)
    return x != np.uint64(0) and x & (x - np.uint64(1)) == np.uint64(0)


@compiled
def _made(a: Any, b: Any, n: Any, m: Any) -> int:  # pragma: no cover
    """The rules whose key two records (`n`, `m`: their names) share, as bits, the listed numbers left aside."""
    day = a.born & 0xFFFF
    same_day = day != 0 and day != 0x101 and day == b.born & 0xFFFF
    same_year = a.born >> 16 != 0 and a.born >> 16 == b.born >> 16
    birth = same_day and a.born == b.born
    given = n.given != 0 and n.given == m.given
    province = a.province != 0 and a.province == b.province
    commune = a.commune != 0 and a.commune == b.commune
    made = (a.citizen != 0 and a.citizen == b.citizen) << _CITIZEN
    made |= (a.short_citizen != 0 and a.short_citizen == b.short_citizen) << _SHORT
    made |= (a.insured != 0 and a.insured == b.insured) << _INSURED
    ends = given and n.surname != 0 and n.surname == m.surname
    made |= (birth and ends) << _NAME_BIRTH
    made |= (same_year and ends and commune) << _ENDS_COMMUNE
    made |= (birth and given and province) << _GIVEN_BIRTH
    made |= (birth and commune) << _BIRTH_COMMUNE
    made |= (given and a.household != 0 and a.household == b.household) << _HOUSEHOLD
    if n.plain != 0 and n.plain == m.plain:
        made |= (same_year and province) << _NAME_YEAR
        made |= (same_day and province) << _NAME_DAY
    if same_year and day != 0 and n.ordered != 0 and n.ordered == m.ordered:
        other = b.born & 0xFFFF
        made |= (day == other or (day >> 8 == other & 0xFF and day & 0xFF == other >> 8)) << _WORDS
    return made  # type: ignore[no-any-return]


@compiled
def _meets(a: Any, b: Any) -> Any:  # pragma: no cover
    """One of the two social insurance numbers of one record is one of the other's."""
    return (a.insured != 0 and (a.insured == b.insured or a.insured == b.insured_too)) or (
        a.insured_too != 0 and (a.insured_too == b.insured or a.insured_too == b.insured_too)
    )


@compiled
def first_made(rule: int, left: Array, right: Array, records: Array, names: Array) -> Array:  # pragma: no cover
    """Which pairs of blocks that were cut, or of the listed numbers, count for `rule`: of two cards, with its key in common, and in no
    whole block of any other rule. What is left may hold a pair twice.
    """
    out = np.zeros(len(left), np.bool_)
    for i in range(len(left)):
        a, b = records[left[i]], records[right[i]]
        if a.card == b.card:
            continue
        found = _made(a, b, names[a.name], names[b.name])
        out[i] = (rule == _LISTED or found >> rule & 1) and found & ~np.int64(a.cut) == 0
    return out


@compiled
def tally(codes: Array, counts: Array) -> None:  # pragma: no cover
    """Counts patterns, in place."""
    for code in codes:
        counts[code] += 1


@compiled
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


@compiled
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


@compiled
def _insured(a: Any, b: Any) -> int:  # pragma: no cover
    if _meets(a, b):
        return 1
    if a.insured == 0 or b.insured == 0:
        return 0
    return 2 if _one_digit(a.insured, b.insured) else 3


@compiled
def _place(a: Any, b: Any, insured: int) -> int:  # pragma: no cover
    """`insured`: the level of the two in that."""
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
        if insured > 1 and (_GIVEN_OUT_IN[a.insured >> _TO_TWO] == b.province or _GIVEN_OUT_IN[b.insured >> _TO_TWO] == a.province):
            return 8
        one_citizen = (a.citizen == 0) != (b.citizen == 0)
        if one_citizen and (_GIVEN_OUT_IN[a.citizen >> _TO_THREE] == b.province or _GIVEN_OUT_IN[b.citizen >> _TO_THREE] == a.province):
            return 9
        return 10
    if a.commune != 0 and b.commune != 0 and max(a.commune, b.commune) - min(a.commune, b.commune) <= NEAR:
        return 5
    return 6 if a.old_province != 0 and a.old_province == b.old_province else 7


@compiled
def _letters_apart(a: np.uint32, b: np.uint32) -> int:  # pragma: no cover
    x = np.int64(a ^ b)
    count = 0
    while x:
        x &= x - 1
        count += 1
    return count


@compiled
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


@compiled
def _rarity(a: Any, b: Any, n: Any, m: Any, level: int) -> Any:  # pragma: no cover
    """How rare the name, the commune and the year are that two records (`n`, `m`: their names) have in common, in half bits; 0 where that
    does not count."""
    kind = _RARE[level]
    if kind == 0:
        return 0
    if kind == _ENDS:
        bits = min(a.ends_bits, b.ends_bits)
    elif kind == _SHORTER and n.middles != m.middles:
        bits = a.whole_bits if n.middles < m.middles else b.whole_bits
    else:
        bits = min(a.whole_bits, b.whole_bits)
    if a.commune != 0 and a.commune == b.commune:
        bits += a.commune_bits
    elif a.province != 0 and a.province == b.province:
        bits += a.province_bits
    if a.born >> 16 != 0 and a.born >> 16 == b.born >> 16:
        bits += a.year_bits
    return max(0, min(RARITIES - 1, bits))


@compiled
def name_codes(level: Array, left: Array, right: Array, records: Array, names: Array) -> Array:  # pragma: no cover
    """What the level of the name and its rarity add to the code of each pair."""
    out = np.zeros(len(left), np.int32)
    for i in range(len(left)):
        a, b = records[left[i]], records[right[i]]
        out[i] = level[i] * _NAME_AT + _rarity(a, b, names[a.name], names[b.name], level[i]) * RARITY_AT
    return out


@compiled
def _pattern(a: Any, b: Any, n: Any, m: Any, nameless: int) -> tuple[int, bool]:  # pragma: no cover
    """`compare.pattern_code` of two records (`n`, `m`: their names; `nameless`: the number of none), and whether the names have to be
    read: then the code still lacks the name and its rarity."""
    insured = _insured(a, b)
    code = _birth(a.born, b.born) * _BIRTH_AT + _citizen(a, b) * _CITIZEN_AT + insured * _INSURED_AT + _place(a, b, insured) * _PLACE_AT
    if a.sex != 0 and b.sex != 0:
        code += (1 if a.sex == b.sex else 2) * _SEX_AT
    if a.name != nameless and b.name != nameless:
        level = _SAME
        if a.name != b.name:
            level = _name(n, m)
        if level == BY_TEXT:
            return code, True
        code += level * _NAME_AT + _rarity(a, b, n, m, level) * RARITY_AT
    return code, False


@compiled
def patterns(left: Array, right: Array, records: Array, names: Array) -> tuple[Array, Array]:  # pragma: no cover
    """`_pattern` of each pair: codes, and which of them are not complete."""
    codes, unread = np.empty(len(left), np.int32), np.empty(len(left), np.bool_)
    for i in range(len(left)):
        a, b = records[left[i]], records[right[i]]
        codes[i], unread[i] = _pattern(a, b, names[a.name], names[b.name], len(names) - 1)
    return codes, unread


class Desk:
    """What a worker has at hand: records and names of a few blocks, and how often he has met each pattern."""

    def __init__(self, largest: int) -> None:
        rows = max(ROWS_AT_HAND, largest)
        self.records, self.names = np.empty(rows, RECORD), np.empty(rows, NAME)
        self.counts = np.zeros(RARITY_AT * RARITIES, np.uint32)


def whole_patterns(
    rule: int, blocks: Blocks, some: Array, records: Array, names: Array, worth: Array, desk: Desk
) -> tuple[int, tuple[Array, Array, Array], tuple[Array, Array, Array]]:
    """The pairs of some blocks, none of them cut, of which `first_made` says that they count for `rule`, compared while they are at hand.

    Most pairs are worth nothing (`worth`: by pattern, 1 says so) and are only counted, in `desk.counts`. Out: how many pairs there are;
    left and right rows and code of the others, counted too; the same of those whose names have to be read, not counted.
    """
    starts, sizes = blocks.starts[some], blocks.sizes[some]
    made, kept, unread, *edges = _whole_patterns(
        rule, blocks.rows, starts, sizes, records, names, worth, desk.records, desk.names, desk.counts
    )
    one, two = (tuple(of[slice_].copy() for of in edges) for slice_ in (slice(kept), slice(unread, None)))
    return made, one, two


@compiled
def _whole_patterns(
    rule: int,
    rows: Array,
    starts: Array,
    sizes: Array,
    records: Array,
    names: Array,
    worth: Array,
    here: Array,
    named: Array,
    counts: Array,
) -> tuple[int, int, int, Array, Array, Array]:  # fmt: skip  # pragma: no cover
    most = (sizes.astype(np.int64) * (sizes - 1) // 2).sum()
    left, right, codes = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most, np.int32)
    made, kept, unread = 0, 0, most  # those to be read fill the arrays from behind
    nameless, before = len(names) - 1, (1 << rule) - 1
    first = 0
    while first < len(starts):
        # The records of a few blocks are fetched together: the processor then waits for many at a time.
        last, filled = first, 0
        while last < len(starts) and filled + sizes[last] <= len(here):
            for k in range(starts[last], starts[last] + sizes[last]):
                here[filled] = records[rows[k]]
                filled += 1
            last += 1
        for k in range(filled):
            named[k] = names[here[k].name]
        begin = 0
        for block in range(first, last):
            row = rows[starts[block] :]
            for i in range(sizes[block] - 1):
                a, n = here[begin + i], named[begin + i]
                for j in range(i + 1, sizes[block]):
                    b = here[begin + j]
                    if a.card == b.card:
                        continue
                    m = named[begin + j]
                    found = _made(a, b, n, m)
                    if found >> rule & 1 == 0 or found & before & ~np.int64(a.cut) != 0:
                        continue
                    made += 1
                    code, by_text = _pattern(a, b, n, m, nameless)
                    if by_text:
                        unread -= 1
                        left[unread], right[unread], codes[unread] = row[i], row[j], code
                        continue
                    counts[code] += 1
                    if worth[code] != 1:
                        left[kept], right[kept], codes[kept] = row[i], row[j], code
                        kept += 1
            begin += sizes[block]
        first = last
    return made, kept, unread, left, right, codes
