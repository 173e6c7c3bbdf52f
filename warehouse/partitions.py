"""Partitions of the landing zone's exports (export, province, month), and the locks that keep two writers off one of them.

The locks are `flock`s on files below `<home>/locks`: the kernel drops them when their holder dies, so none is ever left behind; the files
stay and mean nothing by themselves. There are two sizes, as in a database: `<export>/all.lock` for an export and
`<export>/<province>_<month>.lock` for a partition. Whoever writes single partitions holds the export's lock shared and theirs alone; a
night that finds nobody there takes the export alone and need not know which partitions its files are of (for claims: a look into each).
"""

from __future__ import annotations

import fcntl
import os
import resource
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import IO

from warehouse.storage import restricted_directory

NATION = "00"  # the province of what is of none, or of one that is not known before reading


class PartitionHeld(Exception):
    """Somebody else writes a partition; the message says which, who, and what to do."""


@dataclass(frozen=True)
class Partition:
    """One export, one province (two digits as delivered, `NATION` for none), one month (first day, None for lists of no month)."""

    export: str
    province: str
    month: date | None

    @property
    def name(self) -> str:
        """Its folder and the stem of its lock: `22_2025-03`, `00_undated`."""
        return f"{self.province}_{self.month:%Y-%m}" if self.month else f"{self.province}_undated"

    def __str__(self) -> str:
        return f"{self.export} {self.name.replace('_', ' ')}"

    def __lt__(self, other: Partition) -> bool:
        return (self.export, self.month or date.min, self.province) < (other.export, other.month or date.min, other.province)


class Locks:
    """Locks of one holder; all of them end with `close`, with the block, or with the process. `holder` is told to those who must wait."""

    def __init__(self, directory: Path, holder: str) -> None:
        self.directory = directory
        self.holder = holder
        self._files: dict[Path, IO[str]] = {}

    def whole(self, export: str) -> bool:
        """Take an export alone; False when somebody writes in it."""
        return self._lock(self._of_export(export), fcntl.LOCK_EX)

    def share(self, export: str) -> bool:
        """Take an export together with others who write single partitions; False when somebody has it alone."""
        return self._lock(self._of_export(export), fcntl.LOCK_SH)

    def take(self, partition: Partition) -> bool:
        """Take a partition; False when somebody else has it. Needs a share in its export."""
        return self._lock(self._of_partition(partition), fcntl.LOCK_EX)

    def take_all(self, partitions: Iterable[Partition], wait_seconds: float = 0) -> None:
        """Take partitions of one or more exports. Raises PartitionHeld, with none of them kept, when after so long somebody has one."""
        wanted = sorted(set(partitions))
        _allow_files(len(wanted))
        deadline = time.monotonic() + wait_seconds
        while True:
            try:
                self._take_now(wanted)
                return
            except PartitionHeld:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(0.2)

    def _take_now(self, wanted: list[Partition]) -> None:
        try:
            for export in sorted({p.export for p in wanted}):
                if not self.share(export):
                    raise self._held(export, self._of_export(export))
            for partition in wanted:
                if not self.take(partition):
                    raise self._held(str(partition), self._of_partition(partition))
        except PartitionHeld:
            self.close()
            raise

    def close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()

    def __enter__(self) -> Locks:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _of_export(self, export: str) -> Path:
        return self.directory / export / "all.lock"

    def _of_partition(self, partition: Partition) -> Path:
        return self.directory / partition.export / f"{partition.name}.lock"

    def _lock(self, path: Path, kind: int) -> bool:
        if path in self._files:
            return True
        restricted_directory(path.parent)
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8")
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        file.truncate(0)
        file.write(f"{self.holder} (process {os.getpid()})\n")
        file.flush()
        self._files[path] = file
        return True

    def _held(self, what: str, path: Path) -> PartitionHeld:
        holder = path.read_text(encoding="utf-8").strip() or "somebody"
        return PartitionHeld(f"{what} is being written by {holder}; run this again when it has ended")


def _allow_files(count: int) -> None:
    """Raise the soft limit of open files to what so many locks need; the hard limit is the administrator's."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + 1024
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
