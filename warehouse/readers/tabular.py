"""Tables of text: CSV, XLSX and Parquet as raw batches (docs/architecture.md, "Raw rows")."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import polars as pl

from expectations.declare import TEXT, Table
from transforms import headers
from transforms.encodings import Font, converted, font_of
from transforms.headers import HEADER_WITHIN, Header
from warehouse.profiles import Profile
from warehouse.readers import columnar, delimited, text, workbook
from warehouse.readers.formats import Format, checked
from warehouse.refusal import Refusal

BATCH = 100_000
# Rows that are held back until the end of the table is known; signatures below a table take some ten.
TAIL = 60
_FONT_SAMPLE = 2_000
NEARLY = 0.5  # of the required columns: with fewer a sheet is another table


def read(path: Path, table: Table, profile: Profile | None = None) -> Iterator[pl.DataFrame]:
    """The records of a file, in raw batches of at most about 100,000 rows.

    `row_number` Int64, `row_flaw` String, and one String column (stripped, NFC, empty is null) under its English name for each declared
    field that the file has. Rows of several sheets are numbered on: the second sheet's row 1 follows the last row of the first.
    Titles, blank rows, column numbers, and totals and signatures below the data are no records. The memory needed does not grow with the
    file, but for a workbook. Raises `Refusal`: what `formats.checked` raises, missing_column, empty_file, unreadable_workbook,
    unreadable_parquet.
    """
    kind = checked(path, table)
    batches = _READERS[kind](path, table, profile)
    empty = True
    for batch in batches:
        for part in batch.iter_slices(BATCH):
            if part.height:
                empty = False
                yield _meant(part, table, profile)
    if empty:
        raise Refusal("empty_file", "the file holds a header and no records")


def _meant(rows: pl.DataFrame, table: Table, profile: Profile | None) -> pl.DataFrame:
    """Values as the contract writes them, where the profile says that the province writes others."""
    by_element = {f.element: f.name for f in table.delivered}
    changes = []
    for element, mapping in (profile.values if profile else {}).items():
        name = by_element[element]
        if name in rows.columns:
            old = [k.strip() or None for k in mapping]
            changes.append(pl.col(name).replace(old, [v.strip() or None for v in mapping.values()]))
    return rows.with_columns(changes)


def _delimited(path: Path, table: Table, profile: Profile | None) -> Iterator[pl.DataFrame]:
    encoding = text.encoding_of(path, profile.encoding if profile else None)
    delimiters = (profile.delimiter,) if profile and profile.delimiter else delimited.DELIMITERS
    found: list[tuple[int, int, Header | None, str, list[delimited.Record]]] = []
    for rank, delimiter in enumerate(delimiters):
        records = delimited.head(path, encoding, delimiter, HEADER_WITHIN * 4)
        header = headers.find([r.cells for r in records], table, profile.columns if profile else None)
        found.append((len(header.columns) if header else 0, -rank, header, delimiter, records))
    _, _, header, delimiter, records = max(found, key=lambda f: f[:2])
    header = _complete(header, table)
    width = delimited.width_of(len(header.cells), records[header.records_from :])
    frames = delimited.frames(path, encoding, delimiter, width, header.records_from)
    yield from _records(frames, header, table, encoding.font)


def _workbook(path: Path, table: Table, profile: Profile | None) -> Iterator[pl.DataFrame]:
    """Each sheet with the header; beside one, also a sheet of the same width without any (a list that ran over the end of a sheet goes on
    there), and one that lacks up to half of the required columns: the quarantine says of each of its rows what is missing."""
    offset, lacking = 0, None
    former: tuple[Header, int] | None = None
    for _, cells in workbook.sheets(path):
        grid = cells.select(pl.col(r"^c\d+$"))
        header = headers.find(grid.head(HEADER_WITHIN * 4).rows(), table, profile.columns if profile else None)
        if header is None and former and former[1] == grid.width:
            header = replace(former[0], row=-1, records_from=0)
        if header and header.missing and not (former and _named_share(header, table) >= NEARLY):
            lacking = lacking or header
        elif header:
            former = former if header.missing else (header, grid.width)
            body = cells.slice(header.records_from).with_columns(pl.col("row_number") + offset)
            yield from _records(body.iter_slices(BATCH), header, table, _font(body, profile))
        offset += cells.height
    if not former:
        _complete(lacking, table)


def _parquet(path: Path, table: Table, profile: Profile | None) -> Iterator[pl.DataFrame]:
    header = _complete(headers.find([columnar.names(path)], table, profile.columns if profile else None), table)
    frames = columnar.frames(path, sorted(header.columns.values()), BATCH)
    first = next(frames, None)
    if first is None:
        return
    font = _font(first, profile)
    for frame in chain((first,), frames):
        yield _named(_without_blanks(_clean(frame, font)), header, table)


class MissingColumns(Refusal):
    """`missing_column`: no heading, or one without all required columns. `named` is the share of these that it has."""

    def __init__(self, reason: str, named: float, position: str = "") -> None:
        super().__init__("missing_column", reason, position)
        self.named = named


_READERS = {Format.TEXT: _delimited, Format.WORKBOOK: _workbook, Format.PARQUET: _parquet}


def _font(rows: pl.DataFrame, profile: Profile | None) -> Font | None:
    if profile and profile.encoding:
        return Font(profile.encoding) if profile.encoding in tuple(Font) else None
    return font_of(v for column in rows.head(_FONT_SAMPLE).select(pl.col(pl.String)) for v in column.drop_nulls())


def _complete(header: Header | None, table: Table) -> Header:
    """The header, if it is there with all required columns. Names headings in the refusal, but never a row that may be data."""
    required = headers.missing_from({}, table)
    if header is None:
        raise MissingColumns(f"no header row is found in the first {HEADER_WITHIN} rows; it must hold {', '.join(required)}", 0.0)
    if header.missing:
        found = ", ".join(c[:40] for c in header.cells if c)[: 60 * 42] if len(header.columns) > 1 else "too few to tell them from data"
        reason = f"required columns are missing: {', '.join(header.missing)}; headers found: {found}"
        raise MissingColumns(reason, _named_share(header, table), f"header in row {header.row + 1}")
    return header


def _named_share(header: Header, table: Table) -> float:
    """The share of the required columns that a header has."""
    return 1 - len(header.missing) / len(headers.missing_from({}, table))


def _clean(rows: pl.DataFrame, font: Font | None) -> pl.DataFrame:
    """Cells converted from `font`, NFC, stripped; empty cells null."""
    cells = pl.col([c for c in rows.columns if c not in ("row_number", "row_flaw")])
    rows = converted(rows, font).with_columns(cells.str.strip_chars())
    blank = rows.select((cells.str.len_bytes() == 0).any()).row(0, named=True)
    return rows.with_columns(pl.when(pl.col(c) != "").then(pl.col(c)).alias(c) for c, is_blank in blank.items() if is_blank)


def _without_blanks(rows: pl.DataFrame) -> pl.DataFrame:
    filled = rows.select(pl.any_horizontal(pl.exclude("row_number").is_not_null())).to_series()
    return rows if filled.all() else rows.filter(filled)  # a frame without blank rows is not copied


def _named(rows: pl.DataFrame, header: Header, table: Table) -> pl.DataFrame:
    """Raw columns in declared order."""
    return rows.select(
        "row_number", "row_flaw", *(pl.col(f"c{header.columns[f.name]}").alias(f.name) for f in table.delivered if f.name in header.columns)
    )


def _records(frames: Iterable[pl.DataFrame], header: Header, table: Table, font: Font | None) -> Iterator[pl.DataFrame]:
    """Raw rows without blank rows and without what stands below the data. The last rows are held back until the end is known."""
    there = [f for f in table.delivered if f.required and f.name in header.columns]
    required, coded = [header.columns[f.name] for f in there], [header.columns[f.name] for f in there if f.kind != TEXT]
    held: pl.DataFrame | None = None
    for frame in frames:
        rows = _without_blanks(_clean(frame, font))
        if held is not None:
            rows = pl.concat([held, rows])
        held = rows.tail(TAIL)
        yield _named(rows.head(-TAIL), header, table)
    if held is not None:
        cells, damaged = held.select(pl.col(r"^c\d+$")).rows(), held["row_flaw"].is_in(["nul_byte", "undecodable"]).to_list()
        end = len(cells)
        while end and not damaged[end - 1] and is_footer(cells[end - 1], required, coded):
            end -= 1
        yield _named(held.head(end), header, table)


# `Tổng công ty …` is an employer and `Cộng Hòa` a street: bare words must stand alone, or before a figure.
_TOTAL = re.compile(r"(?:tổng cộng|tổng số)\b.*|(?:tổng|cộng)(?:\s*:.*|[\s\d.,]*(?:người|thẻ|đơn vị|dòng)?)", re.IGNORECASE | re.DOTALL)
_SIGNATURES = re.compile(
    r"người lập|người ký|thủ trưởng|giám đốc|kế toán|ngày\b.{0,12}\btháng\b.{0,12}\bnăm\b|ký tên|ký, |ghi rõ họ tên|nơi nhận|bằng chữ",
    re.IGNORECASE,
)
_TOTAL_FOLDED = frozenset(("tong", "cong", "tongcong", "tongso", "total", "sum", "grandtotal"))
_CODE = re.compile(r"(?=.*\d)[\w./-]+")
_DIGIT = re.compile(r"\d")


def is_footer(cells: Sequence[str | None], required: Sequence[int], coded: Sequence[int]) -> bool:
    """Whether a row right below the data is a total, a signature or a note, and no record. `required`: places of the required columns;
    `coded`: of those among them that hold no free text.

    A data row with an empty or broken key cell must stay a record (it goes to quarantine), so each sign is narrow: a cell that begins as
    totals do or, as the first filled one, is a total's word without accents (`Tong`; further on `CONG` is a public facility), beside an
    empty required cell or where a code or a number is required; the words of a signature, or at most three filled cells, with more
    than half of the required ones empty and none of these filled with a code or a number. Where just half of the required ones are empty
    (a table may have but two) no cell at all may hold a code or a number. A row without a single digit is no record of any export (each
    must name a year, a code or a number): it holds signatures, or the names below them, wherever these stand.
    """
    filled = [c for c in cells if c]
    needed = [cells[n] for n in required]
    signed = any(_SIGNATURES.search(c) for c in filled)
    if not any(_DIGIT.search(c) for c in filled):
        return signed or len(filled) <= 3
    lacking = sum(not c for c in needed)
    if _is_total(filled[0]) or any(_TOTAL.fullmatch(c) for c in filled):
        return bool(lacking) or any(_is_total(cells[n] or "") for n in coded)
    if not lacking:
        return False
    if lacking * 2 > len(needed):
        return signed or (len(filled) <= 3 and not any(_CODE.fullmatch(c) for c in needed if c))
    return lacking * 2 == len(needed) and (signed or len(filled) <= 3) and not any(_CODE.fullmatch(c) for c in filled)


def _is_total(cell: str) -> bool:
    return bool(_TOTAL.fullmatch(cell)) or (cell.isascii() and headers.folded(cell) in _TOTAL_FOLDED)
