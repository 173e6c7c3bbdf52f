"""Which column of a delivered table is which declared field.

Headers are compared without regard to case, accents, spaces, underscores and punctuation (contract, "A file").
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest

from expectations.declare import Table
from transforms.encodings import Font, converted_text

Cells = Sequence[str | None]

# How far down a header may stand: title blocks of the portal's lists take up to some twenty rows.
HEADER_WITHIN = 50

_REMARK = re.compile(r"[(\[][^)\]]*[)\]]")
_OTHER_UNIT = re.compile(r"nghin|ngan|trieu|^ty|000|usd")

_COLUMN_NUMBER = re.compile(r"[(\[]?\s*(?:(\d{1,2})|([A-Za-z]))\s*(?:=[\d+\-x*/=() ]*)?[)\]]?")


@dataclass(frozen=True)
class Header:
    """A header row that was found.

    `columns` maps field names to column numbers (from 0), `row` is the header's place among the rows looked at (from 0), `records_from`
    that of the first row that may be a record, `font` the font encoding that the heading is in.
    """

    row: int
    records_from: int
    cells: tuple[str, ...]
    columns: Mapping[str, int]
    font: Font | None = None
    missing: tuple[str, ...] = field(default=())  # element names of required columns that are not there


def folded(text: str) -> str:
    """Letters and digits of a heading, without accents and case: `Số thẻ BHYT (*)` becomes `sothebhyt`."""
    plain = unicodedata.normalize("NFKD", text.casefold()).replace("đ", "d")
    return "".join(c for c in plain if c.isalnum())


def _names_unit(cell: str) -> bool:
    """Whether a remark in brackets names thousands, millions, billions or another currency."""
    return any(_OTHER_UNIT.search(folded(remark)) for remark in _REMARK.findall(cell))


@dataclass(frozen=True)
class Headings:
    """The headings that a table's fields may have, folded, in the order in which they are tried: (heading, field name)."""

    tried: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, table: Table, aliases: Mapping[str, str] | None = None) -> Headings:
        """`aliases` (heading → element name, from a profile) come first, then element names, then labels that one field alone claims, then
        labels that several claim, each for the first field that no other heading names."""
        by_element = {f.element: f.name for f in table.delivered}
        labels = [(h, f.name) for f in table.delivered for h in dict.fromkeys(folded(h) for h in f.headers[1:])]
        claims = Counter(heading for heading, _ in labels)
        return cls(
            (
                *((folded(heading), by_element[element]) for heading, element in (aliases or {}).items() if element in by_element),
                *((folded(f.element or ""), f.name) for f in table.delivered),
                *(label for label in labels if claims[label[0]] == 1),
                *(label for label in labels if claims[label[0]] > 1),
            )
        )

    def columns_of(self, cells: Cells) -> dict[str, int]:
        """Field name → column number for a row of headings. Of repeated headings the first counts; a column is one field's.

        A heading also counts without its remarks in brackets: `Số thẻ BHYT (15 ký tự)`. A remark that may name another unit
        is kept, so that `Dân số (nghìn người)` is no count of persons.
        """
        places: dict[str, int] = {}
        remarked: dict[str, int] = {}
        for number, cell in enumerate(cells):
            if cell and (heading := folded(cell)):
                places.setdefault(heading, number)
                if (bare := folded(_REMARK.sub(" ", cell))) != heading and not _names_unit(cell):
                    remarked.setdefault(bare, number)
        for heading, number in remarked.items():
            places.setdefault(heading, number)
        found: dict[str, int] = {}
        for heading, name in self.tried:
            number = places.get(heading, -1)
            if number >= 0 and name not in found and number not in found.values():
                found[name] = number
        return found


def missing_from(columns: Mapping[str, int], table: Table) -> tuple[str, ...]:
    """Element names of the required columns that `columns` lacks; of `one_of` as `A or B`."""
    missing = [f.element or f.name for f in table.delivered if f.required and f.name not in columns]
    if table.one_of and not any(name in columns for name in table.one_of):
        missing.append(" or ".join(table.field_named(name).element or name for name in table.one_of))
    return tuple(missing)


def is_column_numbers(cells: Cells) -> bool:
    """Whether a row only numbers the columns, as forms do right below the header: `(1) (2) (3)`, `A B 1 2`."""
    filled = [c.strip() for c in cells if c and c.strip()]
    numbers: list[int] = []
    letters: list[str] = []
    for cell in filled:
        match = _COLUMN_NUMBER.fullmatch(cell)
        if not match:
            return False
        if match[1]:
            numbers.append(int(match[1]))
        else:
            letters.append(match[2].upper())
    steps = all(b == a + 1 for a, b in pairwise(numbers))
    return len(filled) >= 2 and steps and letters == sorted(set(letters)) and (not numbers or numbers[0] <= 1 or bool(letters))


def _joined(upper: Sequence[str], lower: Sequence[str]) -> list[str]:
    """One heading a column of two rows, cells of the upper one reaching over several columns: `Giá trị sử dụng` over `Từ ngày`."""
    joined, over = [], ""
    for above, below in zip_longest(upper, lower, fillvalue=""):
        over = above or over
        joined.append(f"{over} {below}" if below else above)
    return joined


def of_two_rows(upper: Sequence[str], lower: Sequence[str], headings: Headings) -> dict[str, int]:
    """Field name → column number for a heading of two rows with merged cells; empty where the lower row is no heading.

    A column is named by its upper cell where the lower one is empty, else by both together, else by the lower one. Cells of a heading's
    lower row hold words and no digits, and some stand below nothing: a record is neither.
    """
    if any(any(c.isdigit() for c in cell) for cell in lower) or all(lower):
        return {}
    found: dict[str, int] = {}
    alone = [above if not below else "" for above, below in zip_longest(upper, lower, fillvalue="")]
    both = [name if below else "" for name, below in zip_longest(_joined(upper, lower), lower, fillvalue="")]
    for cells in (alone, both, lower):
        for name, number in headings.columns_of(cells).items():
            if name not in found and number not in found.values():
                found[name] = number
    return found if headings.columns_of(alone) else {}


def find(rows: Sequence[Cells], table: Table, aliases: Mapping[str, str] | None = None) -> Header | None:
    """The header among the first rows of a table: the row that names most fields, in whichever font encoding names most.

    Of rows that name equally many the first counts (lists made for printing repeat their heading). That row is also
    tried together with the one below or above it, for merged cells. None when no row names two fields,
    or one field in a row of at most three cells. Below the header, blank rows, column numbers and further lines of headings (labels above
    codes) are passed over.
    """
    headings = Headings.of(table, aliases)
    best: tuple[int, Font | None, dict[str, int]] | None = None
    for font in (None, *Font):
        for number, cells in enumerate(rows[:HEADER_WITHIN]):
            if font and all(c is None or c.isascii() for c in cells):
                continue
            columns = headings.columns_of([c and converted_text(c, font) for c in cells])
            filled = sum(bool(c and c.strip()) for c in cells)
            if len(columns) < 2 and not (columns and filled <= 3):
                continue
            if best is None or len(columns) > len(best[2]):
                best = (number, font, columns)
    if best is None:
        return None
    row, font, columns = best
    for lower_row in (row + 1, row):
        if not 0 < lower_row < len(rows):
            continue
        upper, lower = ([converted_text(c, font).strip() if c else "" for c in cells] for cells in rows[lower_row - 1 : lower_row + 1])
        both = of_two_rows(upper, lower, headings)
        if len(both) > len(columns) and set(missing_from(both, table)) <= set(missing_from(columns, table)):
            row, columns = lower_row, both
            rows = [*rows[:lower_row], _joined(upper, lower), *rows[lower_row + 1 :]]
            break
    start = row + 1
    texts = tuple(converted_text(c, font).strip() if c else "" for c in rows[row])
    while start < len(rows):
        below = rows[start]
        is_heading = len(headings.columns_of([c and converted_text(c, font) for c in below])) >= 2
        if not (is_heading or is_column_numbers(below) or not any(c and c.strip() for c in below)):
            break
        start += 1
    return Header(row, start, texts, columns, font, missing_from(columns, table))
