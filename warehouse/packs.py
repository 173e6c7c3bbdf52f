"""Packs: where the rows of deliveries rest. Rows of the many small deliveries of a night lie together, those of a large one alone.

`restricted/loaded/<export>/<pack>.parquet` and `restricted/quarantine/<export>/<pack>.parquet`; the ledger says which pack has a delivery's
rows. A pack also holds deliveries that do not count (held, superseded), so whoever reads one asks for deliveries, never for a file.
The rows of a delivery are in one pack only: what is refused after it was read is taken out again (`remove`), and packs that the ledger does
not name are what a killed night left (`sweep`).

DuckDB reads a few large files best; thousands of small wide ones Polars reads ten times faster (2,939 files of 55 columns: DuckDB 10 s,
Polars 1.2 s and 0.7 s to hand over).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from hashlib import sha256
from pathlib import Path

import duckdb
import polars as pl

from expectations.declare import Table
from expectations.exports import CLAIM_LINES, EXPORTS
from expectations.exports.claims import CLAIMS
from warehouse.settings import Settings
from warehouse.storage import replacing

LOADED, QUARANTINE = "loaded", "quarantine"
VERDICTS = (LOADED, QUARANTINE)
SMALL_BYTES = 4 << 20
GROUP_BYTES = 32 << 20  # of small files that are in memory together, where they are some twenty times as large


class RowsMissing(Exception):
    """The ledger says that a delivery was loaded, and its rows are not there; the message names the file."""


def name_of(delivery_ids: Iterable[str]) -> str:
    """The pack of deliveries: the same for the same deliveries, in whatever order; a single one's own id."""
    ids = sorted(delivery_ids)
    return ids[0] if len(ids) == 1 else sha256("\0".join(ids).encode()).hexdigest()[:16]


def path(settings: Settings, verdict: str, table: str, pack: str) -> Path:
    return settings.rows_dir(verdict, table) / f"{pack}.parquet"


def files(settings: Settings, verdict: str, table: Table, deliveries: pl.DataFrame) -> list[Path]:
    """The files that hold rows of `deliveries` (delivery_id, pack, records_loaded), each once, in their order.

    Raises RowsMissing where the ledger knows of loaded rows. (A claim may have no lines, and bad rows are no delivery's all.)
    """
    expected = verdict == LOADED and table is not CLAIM_LINES
    found: dict[Path, bool] = {}
    for pack, records in deliveries.select("pack", "records_loaded").iter_rows():
        file = path(settings, verdict, table.name, pack)
        if file not in found:
            found[file] = file.exists()
        if expected and records and not found[file]:
            raise RowsMissing(f"{file} is gone: {records} records of a loaded delivery; restore it from the backup (docs/operate.md)")
    return [file for file, there in found.items() if there]


def scan(paths: Sequence[Path], deliveries: pl.DataFrame) -> pl.LazyFrame:
    """All columns of the rows of `deliveries` (delivery_id) in these packs (at least one)."""
    return pl.scan_parquet(list(paths)).join(deliveries.lazy().select("delivery_id"), on="delivery_id", how="semi", maintain_order="left")


def insert(
    connection: duckdb.DuckDBPyConnection, table: str, paths: Sequence[Path], deliveries: pl.DataFrame, columns: Sequence[str]
) -> None:
    """Append `columns` of the rows of `deliveries` (delivery_id) in packs to `table`, a qualified name from the declarations."""
    names = ", ".join(columns)
    large = [f for f in paths if f.stat().st_size > SMALL_BYTES]
    if large:
        connection.register("deliveries_asked_for", deliveries.select("delivery_id").to_arrow())
        connection.execute("SET VARIABLE files = ?", [[str(f) for f in large]])
        connection.execute(
            f"INSERT INTO {table} ({names}) SELECT {names} FROM read_parquet(getvariable('files'))"
            " WHERE delivery_id IN (SELECT delivery_id FROM deliveries_asked_for)"
        )
        connection.unregister("deliveries_asked_for")
    for group in _groups([f for f in paths if f.stat().st_size <= SMALL_BYTES]):
        rows = scan(group, deliveries).select(columns).collect().rechunk()
        connection.register("rows_of_packs", rows.to_arrow())
        connection.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM rows_of_packs")
        connection.unregister("rows_of_packs")


def _groups(paths: Sequence[Path]) -> list[list[Path]]:
    groups: list[list[Path]] = []
    size = 0
    for file in paths:
        if not groups or size > GROUP_BYTES:
            groups.append([])
            size = 0
        groups[-1].append(file)
        size += file.stat().st_size
    return groups


def tables_of(export: str) -> tuple[str, ...]:
    """The tables that an export's deliveries fill."""
    return (CLAIMS.name, CLAIM_LINES.name) if export == CLAIMS.name else (export,)


def remove(settings: Settings, export: str, pack: str, delivery_ids: Collection[str]) -> None:
    """Take deliveries out of a pack: they were read, and then refused for what the others of their archive lack."""
    for file in (path(settings, v, t, pack) for v in VERDICTS for t in tables_of(export)):
        if not file.exists():
            continue
        rows = pl.read_parquet(file)
        rest = rows.filter(~pl.col("delivery_id").is_in(list(delivery_ids)))
        if rest.is_empty():
            file.unlink()
        elif rest.height < rows.height:
            with replacing(file) as temporary:
                rest.write_parquet(temporary, compression="zstd", compression_level=1)


def sweep(settings: Settings, named: Collection[str]) -> None:
    """Remove the packs that are not `named` by the ledger: rows that a killed night had read and nobody counts."""
    for folder in (settings.rows_dir(v, t) for v in VERDICTS for export in EXPORTS for t in tables_of(export.name)):
        if folder.exists():
            for file in folder.glob("*.parquet"):
                if file.stem not in named:
                    file.unlink(missing_ok=True)
