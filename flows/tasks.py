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
from flows.batches import weights
from flows.night import Night
from flows.processes import Readers
from warehouse import packs
from warehouse.arrivals import Arrivals
from warehouse.code_version import code_version
from warehouse.fingerprints import sha256
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
attach_claims = task(name="attach-claims", cache_policy=NO_CACHE)(steps.attach_claims)
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
    """What was read so far: as a Prefect progress artifact, and in words with the time left."""

    EVERY_SECONDS = 2.0

    def __init__(self, to_read: Sequence[Landed]) -> None:
        self._weight = weights(to_read)
        self.total, self.done = max(sum(self._weight.values()), 1), 0
        self.files, self.all_files, self.records = 0, len(to_read), 0
        self.artifact = create_progress_artifact(progress=0.0, key="night-progress", description="Deliveries read, by bytes")
        self._started = self._said = time.monotonic()

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """A batch has been read."""
        self.done += sum(self._weight[o.delivery_id] for o in outcomes)
        self.files += len(outcomes)
        self.records += sum(o.records_read for o in outcomes)
        now = time.monotonic()
        if now - self._said < self.EVERY_SECONDS and self.files < self.all_files:
            return
        self._said = now
        update_progress_artifact(self.artifact, progress=min(100.0, 100.0 * self.done / self.total))  # type: ignore[arg-type]
        steps.log.info("%s", self.words(now - self._started))

    def words(self, seconds: float) -> str:
        speed = max(self.done, 1) / max(seconds, 1e-9)
        return (
            f"read {self.files} of {self.all_files} files, {self.records} records, {self.done / 1e6:.0f} of {self.total / 1e6:.0f} MB,"
            f" {speed / 1e6:.1f} MB/s, about {max(self.total - self.done, 0) / speed:.0f} s left"
        )
