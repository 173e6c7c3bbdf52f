"""The levels of `compare`, for tens of millions of pairs: one pass over records of fixed width (`encode`), compiled by numba.

Same results as `compare`, which is the reference (tests/property/test_kernel.py). Only names that differ in the ways that need text are
left to polars-ds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from transforms.persons.candidates import RULES
from transforms.persons.compare import LEVELS, RARE_LEVELS, RARITIES
from transforms.persons.encode import compiled

Array = npt.NDArray[Any]

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
_RARE = np.array([0, *(_KINDS[RARE_LEVELS[level]] if level in RARE_LEVELS else 0 for level in LEVELS["name"])])


@compiled
def _one_digit(a: np.uint64, b: np.uint64) -> Any:  # pragma: no cover
    """Two BCD numbers differ in exactly one digit."""
    x = a ^ b
    x = (x | x >> np.uint64(1) | x >> np.uint64(2) | x >> np.uint64(3)) & np.uint64(0x1111111111111111)
    return x != np.uint64(0) and x & (x - np.uint64(1)) == np.uint64(0)


@compiled
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


@compiled
def _meets(a: Any, b: Any) -> Any:  # pragma: no cover
    """One of the two social insurance numbers of one record is one of the other's."""
    return (a.insured != 0 and (a.insured == b.insured or a.insured == b.insured_too)) or (
        a.insured_too != 0 and (a.insured_too == b.insured or a.insured_too == b.insured_too)
    )


@compiled
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


@compiled
def name_codes(level: Array, left: Array, right: Array, records: Array) -> Array:  # pragma: no cover
    """What the level of the name and its rarity add to the code of each pair."""
    out = np.zeros(len(left), np.int32)
    for i in range(len(left)):
        out[i] = level[i] * _NAME_AT + _rarity(records[left[i]], records[right[i]], level[i]) * RARITY_AT
    return out


@compiled
def _pattern(a: Any, b: Any, names: Array) -> tuple[int, bool]:  # pragma: no cover
    """`compare.pattern_code` of two records, and whether their names have to be read: then the code still lacks the name and its rarity."""
    code = _birth(a.born, b.born) * _BIRTH_AT + _citizen(a, b) * _CITIZEN_AT + _insured(a, b) * _INSURED_AT + _place(a, b) * _PLACE_AT
    if a.sex != 0 and b.sex != 0:
        code += (1 if a.sex == b.sex else 2) * _SEX_AT
    nameless = len(names) - 1
    if a.name != nameless and b.name != nameless:
        level = _SAME
        if a.name != b.name:
            level = _name(names[a.name], names[b.name])
        if level == BY_TEXT:
            return code, True
        code += level * _NAME_AT + _rarity(a, b, level) * RARITY_AT
    return code, False


@compiled
def patterns(left: Array, right: Array, records: Array, names: Array) -> tuple[Array, Array]:  # pragma: no cover
    """`_pattern` of each pair: codes, and which of them are not complete."""
    codes, unread = np.empty(len(left), np.int32), np.empty(len(left), np.bool_)
    for i in range(len(left)):
        codes[i], unread[i] = _pattern(records[left[i]], records[right[i]], names)
    return codes, unread


@compiled
def whole_patterns(
    rule: int, rows: Array, starts: Array, sizes: Array, records: Array, names: Array, worth: Array, counts: Array
) -> tuple[int, Array, Array, Array, Array, Array, Array]:  # pragma: no cover
    """The pairs of these blocks, none of them cut, of which `first_made` says that they count for `rule`, compared while they are at hand.

    Most pairs are worth nothing (`worth`: by pattern, 1 says so) and are only counted (`counts`: by pattern, in place). Out: how many pairs
    there are; left and right rows and code of the others, counted too; the same of those whose names have to be read, not counted.
    """
    most = (sizes.astype(np.int64) * (sizes - 1) // 2).sum()
    left, right, codes = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most, np.int32)
    made, kept, unread = 0, 0, most  # those to be read fill the arrays from behind
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
                if before:
                    continue
                made += 1
                code, by_text = _pattern(a, b, names)
                if by_text:
                    unread -= 1
                    left[unread], right[unread], codes[unread] = rows[i], rows[j], code
                    continue
                counts[code] += 1
                if worth[code] != 1:
                    left[kept], right[kept], codes[kept] = rows[i], rows[j], code
                    kept += 1
    return (
        made, left[:kept].copy(), right[:kept].copy(), codes[:kept].copy(),
        left[unread:].copy(), right[unread:].copy(), codes[unread:].copy(),
    )  # fmt: skip
