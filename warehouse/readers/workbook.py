"""Excel workbooks (XLSX, XLSB, old XLS) as frames of text, one a sheet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fastexcel
import polars as pl

from warehouse.refusal import Refusal


def sheets(path: Path) -> Iterator[tuple[str, pl.DataFrame]]:
    """Name and cells of each sheet in order: `row_number` (Int64, the row in the sheet from 1), `row_flaw` (String, null) and `c0` …
    (String).

    Cells are as calamine writes them: dates `2024-08-29 00:00:00`, integers without `.0`, no exponents, `true`/`false`; an error (`#N/A`)
    is null. A sheet is held in memory whole (a workbook has at most 1,048,576 rows). Raises `Refusal('unreadable_workbook')`.
    """
    try:
        book = fastexcel.read_excel(path)
        names = book.sheet_names
    except fastexcel.FastExcelError as error:
        raise _damaged() from error
    for name in names:
        try:
            sheet = book.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
            cells = sheet.to_polars() if sheet.width and sheet.total_height else pl.DataFrame()
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


def _damaged() -> Refusal:
    # The words of the library may quote a cell, so they are left out.
    return Refusal("unreadable_workbook", "the workbook cannot be opened: it is damaged or cut off; save it again as XLSX")
