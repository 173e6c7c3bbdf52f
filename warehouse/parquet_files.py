"""Many Parquet files into one DuckDB table. DuckDB reads a few large files best; thousands of small wide ones Polars reads ten times faster
(2,939 files of 55 columns: DuckDB 10 s, Polars 1.2 s and 0.7 s to hand over)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import polars as pl

SMALL_BYTES = 4 << 20
GROUP_BYTES = 256 << 20  # of small files that are in memory together


class RowsMissing(Exception):
    """The ledger says that a delivery was loaded, and its rows are not there; the message names the file."""


def of_deliveries(folder: Path, deliveries: pl.DataFrame) -> list[Path]:
    """The files in `folder` of `deliveries` (delivery_id, records_loaded) that have rows, in their order. Raises RowsMissing."""
    files = []
    for delivery_id, records in deliveries.select("delivery_id", "records_loaded").iter_rows():
        file = folder / f"{delivery_id}.parquet"
        if file.exists():
            files.append(file)
        elif records:
            raise RowsMissing(f"{file} is gone: {records} records of a loaded delivery; restore it from the backup (docs/operate.md)")
    return files


def existing(files: Sequence[Path]) -> list[Path]:
    """Those of `files` that are there: a delivery without rows has none."""
    return [f for f in files if f.exists()]


def insert(connection: duckdb.DuckDBPyConnection, table: str, files: Sequence[Path], columns: Sequence[str]) -> None:
    """Append `columns` of Parquet files of one schema to `table`, a qualified name from the declarations."""
    names = ", ".join(columns)
    large = [f for f in files if f.stat().st_size > SMALL_BYTES]
    if large:
        connection.execute("SET VARIABLE files = ?", [[str(f) for f in large]])
        connection.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM read_parquet(getvariable('files'))")
    for group in _groups([f for f in files if f.stat().st_size <= SMALL_BYTES]):
        rows = pl.scan_parquet(group).select(columns).collect().rechunk()
        connection.register("rows_of_files", rows.to_arrow())
        connection.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM rows_of_files")
        connection.unregister("rows_of_files")


def _groups(files: Sequence[Path]) -> list[list[Path]]:
    groups: list[list[Path]] = []
    size = 0
    for file in files:
        if not groups or size > GROUP_BYTES:
            groups.append([])
            size = 0
        groups[-1].append(file)
        size += file.stat().st_size
    return groups
