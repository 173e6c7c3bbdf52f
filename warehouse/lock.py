"""One night at a time, also across processes: a lock that the operating system drops when its holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from warehouse.storage import restricted_directory


class AlreadyRunning(Exception):
    """Another night holds the lock; the message says which process and what to do."""


@contextmanager
def one_at_a_time(path: Path, wait_seconds: float = 0) -> Iterator[None]:
    """Hold the lock `path` for the length of the block. Waits up to `wait_seconds`, then raises AlreadyRunning.

    The file stays; it is the kernel's lock on it that counts, so a killed night leaves no lock behind.
    """
    path.parent.parent.mkdir(parents=True, exist_ok=True)  # the work area itself stays open: who reads the warehouse passes through it
    restricted_directory(path.parent)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + wait_seconds
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    holder = os.pread(handle, 40, 0).decode(errors="replace").strip() or "unknown"
                    raise AlreadyRunning(
                        f"another night is running (process {holder}); wait until it has ended, or start with --wait SECONDS"
                    ) from None
                time.sleep(0.2)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)
