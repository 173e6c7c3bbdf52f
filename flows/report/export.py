"""`bhyt export`: tables of the published version as Parquet, CSV or XLSX."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import duckdb
import polars as pl
import xlsxwriter

from expectations.declare import Table
from expectations.marts import ANALYST_TABLES, BI_TABLES, META
from flows.report.public import NotPublic, PublicTables
from warehouse.storage import replacing

Format = Literal["parquet", "csv", "xlsx"]
SHEET_ROWS = 1_048_575  # Excel's limit, less the header


class NotForExport(Exception):
    """A table that does not exist, or may not leave; the message says which and what to do."""


def write(out: Path, version: Path, marts: Sequence[str], form: Format, *, public: bool = False) -> Iterator[str]:
    """Write each table to `<out>/<schema>.<name>.<form>` (public: `….public.<form>`); yields a line about each when it is written.

    Nothing is written when one of the names is wrong or may not leave. Raises NotForExport.
    """
    if not marts:
        raise NotForExport(
            "say which tables: for example `bhyt export coverage_province_month --out exports`; `meta.dictionary` lists them"
        )
    tables = [_table(name, public) for name in dict.fromkeys(marts)]
    with duckdb.connect(str(version / "coverage.duckdb"), read_only=True) as connection:
        protected = PublicTables(connection)
        try:
            frames = [protected.table(t.name) if public and t.schema == "marts" else _rows(connection, t) for t in tables]
        except NotPublic as error:
            raise NotForExport(str(error)) from None
    too_long = [t.qualified_name for t, f in zip(tables, frames, strict=True) if form == "xlsx" and f.height > SHEET_ROWS]
    if too_long:
        raise NotForExport(f"{', '.join(too_long)} has more than {SHEET_ROWS:,} rows, too many for a sheet; use --format parquet or csv")
    out.mkdir(parents=True, exist_ok=True)
    for table, frame in zip(tables, frames, strict=True):
        path = out / f"{table.qualified_name}{'.public' if public else ''}.{form}"
        with replacing(path) as temporary:
            _save(frame, temporary, form, table)
        path.chmod(0o644)
        yield f"Wrote {path}: {frame.height:,} rows" + (
            ", small counts hidden, others rounded to 5." if public and table.schema == "marts" else "."
        )


def _table(name: str, public: bool) -> Table:
    plain = name.removeprefix("marts.")
    for table in (*BI_TABLES, *META):
        if name == table.qualified_name or (table.schema == "marts" and plain == table.name):
            if public and table.schema not in ("marts", "dims"):
                raise NotForExport(
                    f"{table.qualified_name} is not for the public: it tells of deliveries and of the software, not of coverage"
                )
            return table
    if any(name in (t.qualified_name, t.name) for t in ANALYST_TABLES):
        raise NotForExport(
            f"{name} has a row per claim, which by law is still personal data: it is never exported. Query analyst.duckdb where it lies"
        )
    raise NotForExport(
        f"there is no table {name} in the BI file; `meta.dictionary` and docs/dictionary list them, as coverage_province_month"
    )


def _rows(connection: duckdb.DuckDBPyConnection, table: Table) -> pl.DataFrame:
    return connection.table(table.qualified_name).pl().sort(table.key, nulls_last=True)


def _save(frame: pl.DataFrame, path: Path, form: Format, table: Table) -> None:
    if form == "parquet":
        frame.write_parquet(path, compression="zstd")
    elif form == "csv":
        frame.write_csv(path, include_bom=True)
    else:
        with xlsxwriter.Workbook(str(path)) as book:
            meaning = {f.name: f.meaning for f in table.fields}
            sheet = book.add_worksheet(table.name[:31])
            frame.write_excel(
                book, sheet.name, autofit=True, freeze_panes=(1, 0), include_header=True, dtype_formats={pl.Date: "yyyy-mm-dd"},
                header_format={"bold": True, "bottom": 1}, autofilter=False,
            )  # fmt: skip
            for column, name in enumerate(frame.columns):
                sheet.write_comment(0, column, meaning.get(name, ""))
