"""The night: from what arrived in the landing zone to a published coverage warehouse."""

from __future__ import annotations

from datetime import datetime
from itertools import chain

from prefect import flow, unmapped
from prefect.futures import as_completed
from prefect.task_runners import ThreadPoolTaskRunner

from flows import tasks
from flows.artifacts import show
from flows.batches import batches, weights
from flows.night import Night, begin, leave_alone, up_to_date
from flows.processes import readers
from flows.summary import Summary, summarise
from warehouse.arrivals import Arrivals
from warehouse.ingest import Outcome
from warehouse.lock import one_at_a_time
from warehouse.partitions import Locks
from warehouse.settings import Settings


@flow(name="nightly", task_runner=ThreadPoolTaskRunner(max_workers=Settings().workers))  # type: ignore[arg-type]
def nightly(wait_seconds: float = 0, received_at: datetime | None = None) -> Summary:
    """Ingest what is new, validate it, link persons, build the marts, publish them.

    `received_at`: the moment that counts as "first seen" for tonight's deliveries (default now).
    Raises AlreadyRunning, or whatever made the night fail; then the old warehouse still stands.
    """
    settings = Settings()
    with one_at_a_time(settings.lock_file, wait_seconds), Locks(settings.locks_dir, "the night") as locks:
        night = begin(settings, received_at)
        found = leave_alone(night, tasks.look(night), locks)
        if not found.anything and up_to_date(settings, night.ledger):
            return summarise(night, found)
        if found.anything:
            items, outcomes = tasks.settle(night, found, read_all(night, found))
            results = tasks.validate(night, items, outcomes)
            tasks.record(night, found, items, outcomes, results)
        linkage = tasks.link_persons(night)
        tasks.attach_claims(night)
        built = tasks.build(night)
        audited = tasks.audit(night, built)
        published = tasks.put_in_place(night, built)
        night.note_timings()
        summary = summarise(night, found, built, audited, published, linkage)
        show(night, summary, linkage)
        return summary


def read_all(night: Night, found: Arrivals) -> list[Outcome]:
    """Read new deliveries, several at a time; what a cached run left no rows of is read again."""
    size = sum(weights(found.to_read).values())
    night.profiles, night.places, night.run_id  # noqa: B018 - once, before threads share them
    with night.timed("read") as step, readers(night.settings, size) as reading:
        progress = tasks.Progress(found.to_read)
        futures = tasks.read_deliveries.map(unmapped(night), batches(found.to_read), unmapped(reading))
        for future in as_completed(list(futures)):
            if isinstance(read := future.result(raise_on_failure=False), list):  # what failed is told below
                progress.add(read)
        outcomes = list(chain.from_iterable(f.result() for f in futures))
        gone = {x.delivery_id for x in tasks.stale(night, outcomes, found)}
        again = batches([x for x in found.to_read if x.delivery_id in gone])
        renewed = [o for b in again for o in tasks.read_deliveries.with_options(refresh_cache=True)(night, b, reading)]
        outcomes = [o for o in outcomes if o.delivery_id not in gone] + renewed
        step.files, step.records, step.megabytes = len(outcomes), sum(o.records_read for o in outcomes), size / 1e6
        return outcomes
