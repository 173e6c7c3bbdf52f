"""Reading in processes of its own: taking XML apart holds Python's lock, so two threads read no faster than one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from threading import Lock

from flows.night import Night
from warehouse import reference
from warehouse.ingest import Outcome, ingest, refused
from warehouse.landing import Landed
from warehouse.profiles import Profiles
from warehouse.refusal import Refusal
from warehouse.settings import Settings

WORTH_IT_BYTES = 48 << 20  # a process needs a second or two to start; less than this is read sooner without


class Readers:
    """Where batches are read: in this process, or in `settings.workers` others.

    A process that dies (the system took it for its memory, a library crashed) takes the others with it. Their batches are then read one at
    a time in processes of their own, and cut in two until the delivery is alone that kills its reader: it is refused, the rest goes on.
    """

    def __init__(self, pool: ProcessPoolExecutor | None) -> None:
        self._pool = pool
        self._alone = Lock()

    def read(self, night: Night, batch: Sequence[Landed]) -> list[Outcome]:
        if self._pool is None:
            return ingest(batch, night.settings, night.places, night.profiles)
        try:
            return self._pool.submit(_read, list(batch), night.settings, night.profiles).result()
        except BrokenProcessPool:
            with self._alone:
                return _read_alone(list(batch), night)


def _read_alone(batch: list[Landed], night: Night) -> list[Outcome]:
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            return pool.submit(_read, batch, night.settings, night.profiles).result()
    except BrokenProcessPool:
        if len(batch) == 1:
            return [
                refused(
                    batch[0],
                    Refusal("reader_died", "the process that read it died, perhaps for want of memory; deliver it again, or in parts"),
                )
            ]
        half = len(batch) // 2
        return _read_alone(batch[:half], night) + _read_alone(batch[half:], night)


@contextmanager
def readers(settings: Settings, total_bytes: int) -> Iterator[Readers]:
    """Readers for a night with so many bytes to read; their processes end with the block."""
    if settings.workers < 2 or total_bytes < WORTH_IT_BYTES:
        yield Readers(None)
        return
    threads = str(max(1, (os.cpu_count() or 1) // settings.workers))
    former = os.environ.get("POLARS_MAX_THREADS")
    os.environ["POLARS_MAX_THREADS"] = threads  # read by Polars when a new process imports it
    try:
        with ProcessPoolExecutor(settings.workers, mp_context=get_context("spawn")) as pool:
            yield Readers(pool)
    finally:
        if former is None:
            os.environ.pop("POLARS_MAX_THREADS", None)
        else:
            os.environ["POLARS_MAX_THREADS"] = former


def _read(batch: list[Landed], settings: Settings, profiles: Profiles) -> list[Outcome]:
    return ingest(batch, settings, reference.places(), profiles)
