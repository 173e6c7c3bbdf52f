"""Writing to disk so that nothing half-written is ever visible, and nothing personal is readable by others."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

RESTRICTED_DIR_MODE = 0o700
RESTRICTED_FILE_MODE = 0o600


def restricted_directory(path: Path) -> Path:
    """Make `path` and its missing parents, closed to others."""
    missing = [p for p in (path, *path.parents) if not p.exists()]
    for p in reversed(missing):
        p.mkdir(mode=RESTRICTED_DIR_MODE, exist_ok=True)
    return path


def sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_all() -> None:
    """Wait until everything written so far is on disk: once for a night's thousands of files, not once for each."""
    os.sync()


def sync_file(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def replacing(path: Path, mode: int = RESTRICTED_FILE_MODE) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place, whole, when the block ends well; otherwise it is removed."""
    restricted_directory(path.parent)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(mode)
        sync_file(temporary)
        temporary.replace(path)
        sync_directory(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _repeating(frame: pl.DataFrame) -> list[str]:
    """The columns worth a dictionary, told by the head of the first rows: filling one with values that do not repeat, to give it up when it
    is full, costs as much as writing the column does."""
    head = frame.head(4_096).select(pl.selectors.exclude(pl.selectors.nested()))
    if head.is_empty():
        return []
    distinct = head.select(pl.all().n_unique()).row(0, named=True)
    return [name for name, count in distinct.items() if 2 * count <= head.height]


class ParquetSink:
    """One Parquet file written batch by batch in `spool`; `close` puts it in place, leaving the block early removes it.

    What a killed night has half written thus lies in the spool, which the next one sweeps, and never among the rows.

    A sink that was given no rows leaves no file (and removes one of an earlier try). It does not wait for the disk: the rows of a
    delivery count only once the ledger says so, and `sync_all` comes before that.
    """

    def __init__(self, path: Path, schema: dict[str, pl.DataType], spool: Path) -> None:
        self.path = path
        self._spool = spool
        self.rows = 0
        self._schema = pl.Schema(schema)
        self._writer: pq.ParquetWriter | None = None
        self._temporary: Path | None = None

    def write(self, frame: pl.DataFrame) -> None:
        if frame.is_empty():
            return
        if frame.schema != self._schema:
            frame = frame.select(pl.col(n).cast(t) for n, t in self._schema.items())
        table: pa.Table = frame.to_arrow()
        if self._writer is None:
            restricted_directory(self.path.parent)
            handle, name = tempfile.mkstemp(prefix=f"{self.path.name}.", dir=restricted_directory(self._spool))
            os.close(handle)
            self._temporary = Path(name)
            self._writer = pq.ParquetWriter(
                self._temporary, table.schema, compression="zstd", compression_level=1, use_dictionary=_repeating(frame)
            )
        self._writer.write_table(table)
        self.rows += frame.height

    def close(self) -> None:
        if self._writer is None or self._temporary is None:
            self.path.unlink(missing_ok=True)
            return
        self._writer.close()
        self._writer = None
        self._temporary.chmod(RESTRICTED_FILE_MODE)
        self._temporary.replace(self.path)
        self._temporary = None

    def __enter__(self) -> ParquetSink:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._writer is not None:
            self._writer.close()
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)


@contextmanager
def scratch_directory(parent: Path) -> Iterator[Path]:
    """A restricted directory that is gone when the block ends."""
    restricted_directory(parent)
    path = Path(tempfile.mkdtemp(prefix="work-", dir=parent))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def sweep(directory: Path) -> None:
    """Remove what a killed night left: everything in the spool. Safe only under the night's lock."""
    if directory.exists():
        for entry in directory.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)


def sweep_temporaries(directory: Path) -> None:
    """Remove what a killed night had not yet put in place with `replacing`: the hidden files of one directory. Under the lock too."""
    for entry in directory.glob(".*"):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
