"""Excel workbooks (XLSX, XLSB, old XLS) as frames of text, one a sheet."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import fastexcel
import polars as pl

from warehouse.containers import DAMAGE
from warehouse.refusal import Refusal

# A sheet lies in memory as the rectangle around all its filled cells, so one stray cell in the last corner (XFD1048576) is 17 billion
# empty ones, and the process dies of it. A hundred million (a full sheet of 95 columns) take some 3 GB.
MOST_CELLS = 100_000_000
_SHEET = re.compile(r"/?xl/worksheets/[^/]+\.xml", re.IGNORECASE)
_DIMENSION = re.compile(rb"""<(?:\w+:)?dimension\s+ref=["']([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})["']""")
ERROR = "#ERROR"
_ERROR_CELL = re.compile(rb"""\st=["']e["']""")
_CHUNK = 1 << 20
_DIMENSION_WITHIN = 64 << 10


def sheets(path: Path) -> Iterator[tuple[str, pl.DataFrame]]:
    """Name and cells of each sheet in order: `row_number` (Int64, the row in the sheet from 1), `row_flaw` (String, null) and `c0` …
    (String).

    Cells are as calamine writes them: dates `2024-08-29 00:00:00`, integers without `.0`, no exponents, `true`/`false`. An error
    (`#N/A`, `#REF!` …) is `#ERROR`: a failed formula for the last day of a card is no open end. A sheet is held in memory whole (a
    workbook has at most 1,048,576 rows). Raises `Refusal`: unreadable_workbook, vast_workbook.
    """
    _refuse_vast(path)
    failing = _may_hold_errors(path)
    try:
        book = fastexcel.read_excel(path)
        names = book.sheet_names
    except fastexcel.FastExcelError as error:
        raise _damaged() from error
    for name in names:
        try:
            sheet = book.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
            cells = sheet.to_polars() if sheet.width and sheet.total_height else pl.DataFrame()
            if failing and cells.width:
                cells = _with_errors(cells, sheet)
        except fastexcel.FastExcelError as error:
            raise _damaged() from error
        if cells.width == 0:
            continue
        cells = cells.rename(dict(zip(cells.columns, [f"c{n}" for n in range(cells.width)], strict=True)))
        yield (
            name,
            cells.select(
                pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("row_number"),
                pl.lit(None, pl.String).alias("row_flaw"),
                pl.all().cast(pl.String),
            ),
        )


def _refuse_vast(path: Path) -> None:
    """Look up how large the sheets say they are, before anything makes room for that. XLSX only; an old XLS cannot be vast."""
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as book:
            for name in filter(_SHEET.fullmatch, book.namelist()):
                with book.open(name) as sheet:
                    said = _DIMENSION.search(sheet.read(_DIMENSION_WITHIN))
                if said and (cells := _cells(*said.groups())) > MOST_CELLS:
                    ends = b"".join((*said.groups()[:2], b" to ", *said.groups()[2:])).decode()
                    raise Refusal(
                        "vast_workbook",
                        f"a sheet reaches from {ends}, {cells:,} cells, most of them empty; delete the rows and columns behind the data"
                        " (Ctrl+End shows where Excel sees the end), or save it as CSV",
                        name.rsplit("/", 1)[-1],
                    )
    except DAMAGE as error:
        raise _damaged() from error


def _may_hold_errors(path: Path) -> bool:
    """Whether a cell of some sheet holds an error, so that asking for their places is worth a second look. Not XLSX: yes."""
    if not zipfile.is_zipfile(path):
        return True
    try:
        with zipfile.ZipFile(path) as book:
            names = [n for n in book.namelist() if _SHEET.fullmatch(n)]
            for name in names:
                before = b""
                with book.open(name) as sheet:
                    while chunk := sheet.read(_CHUNK):
                        if _ERROR_CELL.search(before + chunk):
                            return True
                        before = chunk[-16:]
    except DAMAGE as error:
        raise _damaged() from error
    return not names


def _with_errors(cells: pl.DataFrame, sheet: fastexcel.ExcelSheet) -> pl.DataFrame:
    """`cells` with `#ERROR` where the sheet has an error."""
    _, found = sheet.to_arrow_with_errors()
    places: dict[int, list[int]] = {}
    for error in found.errors if found else ():
        row, column = error.offset_position
        places.setdefault(column, []).append(row)
    columns = cells.get_columns()
    return cells.with_columns(columns[column].cast(pl.String).scatter(sorted(rows), ERROR) for column, rows in places.items())


def _cells(first_column: bytes, first_row: bytes, last_column: bytes, last_row: bytes) -> int:
    return (_number(last_column) - _number(first_column) + 1) * (int(last_row) - int(first_row) + 1)


def _number(letters: bytes) -> int:
    """Place of a column: A is 1, XFD 16,384."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _damaged() -> Refusal:
    # The words of the library may quote a cell, so they are left out.
    return Refusal("unreadable_workbook", "the workbook cannot be opened: it is damaged or cut off; save it again as XLSX")
