"""The steps of a night as Prefect tasks: names, retries, caching, progress."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from prefect import task
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.context import TaskRunContext

from flows import night as steps
from flows.night import Night
from flows.processes import Readers
from warehouse import packs
from warehouse.arrivals import Arrivals
from warehouse.build import sha256
from warehouse.code_version import code_version
from warehouse.ingest import Outcome
from warehouse.landing import Landed


def _content_key(_: TaskRunContext, parameters: dict[str, Any]) -> str:
    """Same bytes, same path, same manifests, same profiles, same code, same work area: the work is done already."""
    night: Night = parameters["night"]
    items = sorted((x.delivery_id, x.context) for x in parameters["batch"])
    return sha256(code_version(), str(night.settings.restricted_dir), night.profiles.fingerprint, repr(items))


@task(
    name="read-deliveries",
    retries=2,
    retry_delay_seconds=[1, 10],
    cache_key_fn=_content_key,
    persist_result=True,
    cache_expiration=timedelta(days=7),
)
def read_deliveries(night: Night, batch: list[Landed], readers: Readers) -> list[Outcome]:
    return readers.read(night, batch)


# These change the ledger or the disk: never answered from a cache.
look = task(name="look", cache_policy=NO_CACHE)(steps.look)
settle = task(name="settle", cache_policy=NO_CACHE)(steps.settle)
validate = task(name="validate-with-great-expectations", cache_policy=NO_CACHE)(steps.validate)
record = task(name="record-in-ledger", cache_policy=NO_CACHE)(steps.record)
link_persons = task(name="link-persons", cache_policy=NO_CACHE)(steps.link_persons)
build = task(name="build-marts", cache_policy=NO_CACHE)(steps.build)
audit = task(name="audit-marts", cache_policy=NO_CACHE)(steps.audit)
put_in_place = task(name="publish", cache_policy=NO_CACHE)(steps.put_in_place)


def stale(night: Night, outcomes: Sequence[Outcome], found: Arrivals) -> list[Landed]:
    """Deliveries that a cached task says are read, but whose rows are no longer there: with them all others of their packs."""
    export_of = {x.delivery_id: x.export or "" for x in found.to_read}
    wanted = {
        (verdict, export_of[o.delivery_id], o.pack)
        for o in outcomes
        for verdict, rows in ((packs.LOADED, o.records_loaded), (packs.QUARANTINE, o.records_quarantined))
        if rows
    }
    gone = {(export, pack) for verdict, export, pack in wanted if not packs.path(night.settings, verdict, export, pack).exists()}
    again = {o.delivery_id for o in outcomes if (export_of[o.delivery_id], o.pack) in gone}
    return [x for x in found.to_read if x.delivery_id in again]


class Progress:
    """Bytes read so far: as a Prefect progress artifact, and in words with the time left."""

    EVERY_SECONDS = 2.0

    def __init__(self, total: int) -> None:
        self.total, self.done = max(total, 1), 0
        self.artifact = create_progress_artifact(progress=0.0, key="night-progress", description="Deliveries read, by bytes")
        self._started = self._said = time.monotonic()

    def add(self, size: int) -> None:
        self.done += size
        now = time.monotonic()
        if now - self._said < self.EVERY_SECONDS and self.done < self.total:
            return
        self._said = now
        update_progress_artifact(self.artifact, progress=min(100.0, 100.0 * self.done / self.total))  # type: ignore[arg-type]
        speed = self.done / max(now - self._started, 1e-9)
        steps.log.info(
            "read %.0f of %.0f MB, %.1f MB/s, about %.0f s left",
            self.done / 1e6,
            self.total / 1e6,
            speed / 1e6,
            (self.total - self.done) / speed,
        )
