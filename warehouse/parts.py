"""Parts: what a table of the warehouse is kept as, one immutable Parquet file per month (or quarter), named after its content.

`restricted/parts/<schema.table>/<part>/<hash>.parquet` holds the rows in the total order that their query gives, so the same rows are
the same bytes and have the same name: two versions of the warehouse that agree about a month share its file, and a comparison need not
open it. A table without a month has one part, `all`.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path

import polars as pl

from expectations.declare import Table
from warehouse.settings import Settings
from warehouse.storage import RESTRICTED_FILE_MODE, restricted_directory

PART_COLUMNS = ("month", "service_month", "quarter")  # the first that a table has divides it
WHOLE = "all"
ROW_GROUP = 122_880  # DuckDB's own: what it reads in one piece
SECONDS_A_DAY = 86_400


class PartMissing(Exception):
    """A manifest names a file that is not there; the message names it."""


@dataclass(frozen=True)
class Part:
    """One part of one table: its file below `restricted/parts`, its rows, and the fingerprint of what it was made from."""

    table_name: str
    part: str
    file: str
    rows: int
    fingerprint: str


def part_column(table: Table) -> str | None:
    """The column whose values divide a table into parts; None when it has one part."""
    names = {f.name for f in table.fields}
    return next((c for c in PART_COLUMNS if c in names), None)


def part_name(value: date | str) -> str:
    """2024-06 of a month (its first day), 2024-Q2 of a quarter."""
    return value if isinstance(value, str) else f"{value:%Y-%m}"


def part_value(part: str, column: str) -> date | str:
    """What the part's column holds: the inverse of `part_name`."""
    return part if column == "quarter" else date.fromisoformat(f"{part}-01")


def write(settings: Settings, table_name: str, part: str, rows: pl.DataFrame, fingerprint: str) -> Part:
    """Keep the rows of one part, in their order. Does not wait for the disk: `storage.sync_all` comes before a manifest names them."""
    folder = restricted_directory(settings.parts_dir / table_name / part)
    handle, name = tempfile.mkstemp(dir=restricted_directory(settings.spool_dir), suffix=".parquet")
    os.close(handle)
    temporary = Path(name)
    try:
        rows.write_parquet(temporary, compression="zstd", compression_level=1, row_group_size=ROW_GROUP, statistics=True)
        with temporary.open("rb") as written:
            digest = sha256()
            while block := written.read(1 << 20):
                digest.update(block)
        path = folder / f"{digest.hexdigest()[:32]}.parquet"
        if path.exists():
            os.utime(path)  # it is wanted again: its age, which the removal of orphans asks for, begins anew
        else:
            temporary.chmod(RESTRICTED_FILE_MODE)
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return Part(table_name, part, str(path.relative_to(settings.parts_dir)), rows.height, fingerprint)


def paths(settings: Settings, parts: Iterable[Part]) -> list[Path]:
    """Files of parts, in their order. Raises PartMissing."""
    found = []
    for part in parts:
        path = settings.parts_dir / part.file
        if not path.exists():
            raise PartMissing(f"{path} is gone: the rows of {part.table_name}, {part.part}; restore it from the backup (docs/operate.md)")
        found.append(path)
    return found


def all_there(settings: Settings, parts: Iterable[Part]) -> bool:
    return all((settings.parts_dir / p.file).exists() for p in parts)


def remove_orphans(settings: Settings, named: set[str], now: float | None = None) -> int:
    """Remove parts that no manifest names (`named`: their files) and that are older than `keep_orphan_days`; returns how many.

    An orphan is what a night built and did not publish: its audit failed, it was killed, or a backfill was cancelled. What only served
    builds (`warehouse.memory`) goes after a day: without it the next build is slower, and nothing else is lost.
    """
    today = time.time() if now is None else now
    removed = 0
    for path in settings.parts_dir.glob("*/*/*.parquet"):
        relative = path.relative_to(settings.parts_dir)
        days = min(1.0, settings.keep_orphan_days) if relative.parts[0].startswith("remembered.") else settings.keep_orphan_days
        if str(relative) not in named and path.stat().st_mtime < today - days * SECONDS_A_DAY:
            path.unlink()
            removed += 1
    return removed
