"""A backfill step by step: plan, run (stage, check, build), approve or cancel, for the command line and for Prefect.

What a run has done is what lies on disk (`warehouse.backfill`), so a run that was killed is continued by running it again. The checking,
linking, building and auditing are those of a night (`flows.night`), over an area that shows the live books and rows and the staged ones
as one.
"""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import polars as pl

from flows import night as steps
from flows.batches import batches
from flows.night import Night
from flows.processes import Readers, readers
from warehouse import backfill, manifests, packs, parts, planning, profiles, publish, staged
from warehouse.arrivals import Arrivals, arrivals, reading_code
from warehouse.backfill import OUTCOMES, Place, Plan, Planned, Scope, Stale
from warehouse.build import Build, Built
from warehouse.code_version import code_version
from warehouse.fingerprints import person_key
from warehouse.ingest import Outcome
from warehouse.landing import Landed
from warehouse.ledger import Entry, Ledger
from warehouse.lock import one_at_a_time
from warehouse.partitions import Locks, Partition
from warehouse.settings import Settings
from warehouse.storage import restricted_directory, scratch_directory

log = logging.getLogger("bhyt")


class NotReady(Exception):
    """A plan cannot be approved or run as it stands; the message says why and what to do."""


def profiles_of(settings: Settings) -> profiles.Profiles:
    return profiles.load([settings.profile_dir])


def plan(settings: Settings, scope: Scope, now: datetime | None = None, asked_by: str = "") -> Plan:
    """Make a plan and write it down. Raises planning.NothingPlanned, steps.NoLandingZone."""
    if not settings.landing_dir.is_dir():
        raise steps.NoLandingZone(f"the landing zone {settings.landing_dir} does not exist; set COVERAGE_LANDING or make the folder")
    moment = (now or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None)
    return planning.make(settings, scope, profiles_of(settings).fingerprint, moment, log.info, asked_by)


@dataclass
class StagedNight(Night):
    """A night over a staged area. What it receives counts as received by the run that would have seen it first."""

    plan_id: str = ""
    seen_by: list[tuple[datetime, int]] = field(default_factory=list)

    def sequence_of(self, item: Landed) -> int:
        """The first run that looked after the file's modification time; this one when none has.

        So history comes into the order in which it was sent, whatever the order in which it is loaded.
        """
        modified = datetime.fromtimestamp(item.modified_ns // 1_000_000_000, UTC).replace(tzinfo=None)
        return next((number for at, number in self.seen_by if at >= modified), self.sequence)

    @cached_property
    def report_dir(self) -> Path:
        path = self.settings.backfills_dir / self.plan_id / "report"
        path.mkdir(parents=True, exist_ok=True)
        return path


@contextmanager
def holding(settings: Settings, chosen: Plan, planned: Sequence[Planned], wait_seconds: float = 0) -> Iterator[None]:
    """The locks of a plan's partitions. Raises PartitionHeld."""
    with Locks(settings.locks_dir, f"backfill {chosen.plan_id}") as locks:
        locks.take_all((p.partition for p in planned), wait_seconds)
        yield


def run(settings: Settings, plan_id: str, wait_seconds: float = 0) -> Plan:
    """Stage a plan beside the live warehouse, up to an audited version that waits for approval. Continues what was begun.

    `wait_seconds`: for a night, or another backfill, that has one of its partitions.
    Raises NotReady (approved or cancelled), Stale (the code, the profiles or a file have changed since), PartitionHeld, AuditFailed.
    """
    chosen = backfill.read(settings, plan_id)
    planned = backfill.deliveries(settings, chosen)
    _open_or_refused(settings, chosen)
    place = Place(settings, chosen.plan_id)
    with holding(settings, chosen, planned, wait_seconds):
        _as_planned(settings, chosen, planned)
        stage(settings, chosen, planned)
        state = backfill.state(settings, chosen)
        if not place.area.exists() or state.behind:
            assemble(settings, chosen, planned)
        if not place.version.exists():
            build(settings, chosen)
    return chosen


def _open_or_refused(settings: Settings, chosen: Plan) -> None:
    word = backfill.state(settings, chosen).word
    if word in ("approved", "cancelled"):
        raise NotReady(f"plan {chosen.plan_id} is {word}; make a new one")
    if word == "approving":
        raise NotReady(f"plan {chosen.plan_id} is approved and was interrupted; run `bhyt backfill approve {chosen.plan_id}` again")


def _as_planned(settings: Settings, chosen: Plan, planned: Sequence[Planned]) -> None:
    """Raise Stale when what would be read is no longer what was planned."""
    if (chosen.read_by, chosen.profiles) != (reading_code(), profiles_of(settings).fingerprint):
        raise Stale(f"the reading code or the profiles have changed since plan {chosen.plan_id} was made; cancel it and plan again")
    changed = [c for c in map(planning.changed_since, planned) if c]
    if changed:
        raise Stale(f"{'; '.join(changed[:5])}{' …' if len(changed) > 5 else ''}; cancel plan {chosen.plan_id} and plan again")


@dataclass
class Reading:
    """What of a plan is to be read now, given what the live ledger knows. `turned`: repeats that came before what they repeat."""

    found: Arrivals
    turned: dict[str, Landed]

    @classmethod
    def of(cls, chosen: Plan, planned: Sequence[Planned], ledger: Ledger, night: StagedNight) -> Reading:
        received = ledger.deliveries()
        known = {r["delivery_id"]: r for r in received.iter_rows(named=True)}
        found = arrivals((p.item for p in planned), received, chosen.profiles)
        found.to_read += [p.item for p in planned if p.again and known.get(p.item.delivery_id, {}).get("read_by") != chosen.read_by]
        turned, repeats = {}, []
        for item, original in found.repeats:
            r = known[original]
            if (night.sequence_of(item), *_order(item)) < (r["received_seq"], r["modified_ns"], r["sha256"], r["path"]):
                turned[original] = item
                found.to_read.append(item)
            else:
                repeats.append((item, original))
        found.repeats = repeats
        return cls(found, turned)


def _order(item: Landed) -> tuple[int, str, str]:
    return item.modified_ns, item.sha256, item.path


def _staged_night(settings: Settings, chosen: Plan, area: Path) -> StagedNight:
    night = StagedNight(staged.settings_of(settings, area), chosen.made_at, plan_id=chosen.plan_id)
    night.seen_by = Ledger(settings.ledger_dir).seen_by()
    return night


def stage(settings: Settings, chosen: Plan, planned: Sequence[Planned]) -> None:
    """Read each partition that is not yet there to a folder of its own, several at once (`COVERAGE_WORKERS`)."""
    place = Place(settings, chosen.plan_id)
    live = Ledger(settings.ledger_dir)
    night = _staged_night(settings, chosen, settings.restricted_dir)
    wanted = {x.delivery_id for x in Reading.of(chosen, planned, live, night).found.to_read}
    todo: dict[Partition, list[Landed]] = {}
    for p in planned:
        if not (place.of_partition(p.partition) / OUTCOMES).exists():
            items = todo.setdefault(p.partition, [])
            items += [p.item] if p.item.delivery_id in wanted else []
    total = sum(x.size for items in todo.values() for x in items)
    progress = Progress(total, len(todo))
    shared = profiles_of(settings)
    with readers(settings, total) as reading, ThreadPoolExecutor(settings.workers) as pool:
        futures = {
            pool.submit(_stage_partition, settings, chosen, shared, reading, partition, items): partition
            for partition, items in sorted(todo.items())
        }
        for future in as_completed(futures):
            future.result()
            progress.add(futures[future], sum(x.size for x in todo[futures[future]]))


def _stage_partition(
    settings: Settings, chosen: Plan, shared: profiles.Profiles, reading: Readers, partition: Partition, items: Sequence[Landed]
) -> None:
    folder = Place(settings, chosen.plan_id).of_partition(partition)
    making = staged.fresh(folder)
    night = Night(staged.settings_of(settings, making), chosen.made_at)
    night.profiles = shared
    start = time.perf_counter()
    outcomes = [o for batch in batches(items) for o in reading.read(night, batch)]
    shutil.rmtree(making / "spool", ignore_errors=True)
    told = {"bytes": sum(x.size for x in items), "seconds": time.perf_counter() - start, "outcomes": [asdict(o) for o in outcomes]}
    backfill.write_json(making / OUTCOMES, told)
    staged.settle(making, folder)


def _outcomes(place: Place, partitions: Iterable[Partition]) -> list[Outcome]:
    found = []
    for partition in sorted(set(partitions)):
        path = place.of_partition(partition) / OUTCOMES
        found += [Outcome(**o) for o in json.loads(path.read_text(encoding="utf-8"))["outcomes"]]
    return found


def assemble(settings: Settings, chosen: Plan, planned: Sequence[Planned]) -> None:
    """Put live and staged rows together in the plan's area, check the staged ones, and write the entries that would record them."""
    place = Place(settings, chosen.plan_id)
    shutil.rmtree(place.version, ignore_errors=True)  # it was built from what was there before
    making = staged.fresh(place.area)
    partitions = {p.partition for p in planned}
    renewed = {o.pack for o in _outcomes(place, partitions)}
    staged.mirror(settings, making, (place.of_partition(p) for p in sorted(partitions)), renewed)
    night = _staged_night(settings, chosen, making)
    reading = Reading.of(chosen, planned, night.ledger, night)
    wanted = {x.delivery_id for x in reading.found.to_read}
    outcomes = [o for o in _outcomes(place, partitions) if o.delivery_id in wanted]
    unread = wanted - {o.delivery_id for o in outcomes}
    outcomes += steps.read(night, [x for x in reading.found.to_read if x.delivery_id in unread])
    items, outcomes = steps.settle(night, reading.found, outcomes)
    results = steps.validate(night, items, outcomes)
    sound = {o.delivery_id: o for o in outcomes if o.status != "refused"}
    turned = [_turned(night, former, sound[x.delivery_id]) for former, x in reading.turned.items() if x.delivery_id in sound]
    steps.record(night, reading.found, items, outcomes, results, turned)
    shutil.rmtree(making / "spool", ignore_errors=True)
    staged.settle(making, place.area)


def _turned(night: Night, former: str, original: Outcome) -> Entry:
    """The entry of a delivery that counted until the same bytes were found to have come before, under another path."""
    (r,) = night.ledger.deliveries().filter(pl.col("delivery_id") == former).select(Entry.__dataclass_fields__.keys()).to_dicts()
    told = {
        "status": "repeated", "code": "same_bytes",
        "reason": f"the same bytes as delivery {original.delivery_id}, which came before it; nothing of this one is loaded",
        "records_loaded": 0, "records_quarantined": 0, "records_repeated": r["records_read"],
    }  # fmt: skip
    return Entry(**{**r, **told})


def own_run(place: Place) -> str:
    """The run under which the plan's entries are recorded in its area; empty when there is nothing to record."""
    own = [p.stem for p in (place.area / "ledger" / "deliveries").glob("*.parquet") if not p.is_symlink()]
    return max(own, default="")


def build(settings: Settings, chosen: Plan) -> None:
    """Link persons and build and audit a version from the plan's area. Raises AuditFailed."""
    place = Place(settings, chosen.plan_id)
    night = _staged_night(settings, chosen, place.area)
    night.run_id = own_run(place) or night.run_id
    steps.link_persons(night)
    steps.attach_claims(night)
    publish.make_folders(settings)
    restricted_directory(place.version.parent)
    making = staged.fresh(place.version)
    area = night.settings
    night.note_timings()
    with night.timed("build"), scratch_directory(area.spool_dir) as scratch:
        built = Built(night.run_id, making, steps.wanted(area, night.ledger))
        previous = manifests.of_version(publish.current(settings))
        maker = Build(area, night.ledger, scratch, previous, person_key(area))
        built = maker.run(built, chosen.made_at, code_version())
    steps.audit(night, built)
    shutil.rmtree(area.spool_dir, ignore_errors=True)
    staged.settle(making, place.version)


def approve(settings: Settings, plan_id: str, by: str, why: str, wait_seconds: float = 0) -> Path | None:
    """Move what is staged into the live books and publish its version; returns the version, None when the next night must build one.

    A night that has published meanwhile makes the plan stale: it is rebased when nothing overlaps, else refused. An approval that was
    killed goes on where it was. Raises NotReady, Stale, AlreadyRunning, PartitionHeld, AuditFailed.
    """
    chosen = backfill.read(settings, plan_id)
    place = Place(settings, chosen.plan_id)
    with one_at_a_time(settings.lock_file, wait_seconds):
        state = backfill.state(settings, chosen)
        if state.word != "approving":
            _decide(settings, chosen, by, why)
        run_id = staged.carry_out(settings, place)
        published = None
        if place.version.exists() and run_id == max(Ledger(settings.ledger_dir).runs(), default=run_id):
            staged.date_version(place.version, datetime.now(UTC).replace(tzinfo=None))
            published = publish.publish(settings, place.version, run_id)
            manifests.keep(settings)
            parts.remove_orphans(settings, manifests.named_files(settings))
        staged.close(place)
    return published


def _decide(settings: Settings, chosen: Plan, by: str, why: str) -> None:
    """Bring the staged area up to date, if it can be, and write the journal: from then on the plan is approved."""
    _open_or_refused(settings, chosen)
    place = Place(settings, chosen.plan_id)
    state = backfill.state(settings, chosen)
    if state.word != "waiting":
        raise NotReady(
            f"plan {chosen.plan_id} is {state.word} ({state.staged} of {state.partitions} partitions): `bhyt backfill run` it first"
        )
    planned = backfill.deliveries(settings, chosen)
    if state.behind:
        if overlapping := backfill.overlap(settings, place, planned):
            raise Stale(
                f"since plan {chosen.plan_id} was staged, its own partitions were received: {', '.join(overlapping[:5])};"
                f" `bhyt backfill run {chosen.plan_id}` again leaves out what is there now, then compare and approve"
            )
        with holding(settings, chosen, planned):
            log.info("%d runs since the plan was staged, none of its partitions: building it anew on top of them", len(state.behind))
            assemble(settings, chosen, planned)
            build(settings, chosen)
    run_id = own_run(place)
    if not run_id:
        raise NotReady(f"plan {chosen.plan_id} has nothing that is not there already; cancel it")
    now = datetime.now(UTC).replace(tzinfo=None)
    decision = {"delivery_id": chosen.plan_id, "decision": "backfill", "decided_by": by, "why": why, "decided_at": now}
    Ledger(place.area / "ledger").write(run_id, "decisions", [decision])
    replaced = [
        (table, o.pack)
        for partition in {p.partition for p in planned}
        for o in _outcomes(place, [partition])
        if o.pack
        for table in packs.tables_of(partition.export)
    ]
    read = [json.loads((place.of_partition(p) / OUTCOMES).read_text()) for p in {p.partition for p in planned}]
    measured = {"bytes": sum(r["bytes"] for r in read), "seconds": sum(r["seconds"] for r in read)}
    staged.journal(settings, place, run_id, replaced, {"by": by, "why": why, "at": now, **measured})


def cancel(settings: Settings, plan_id: str, by: str, why: str) -> Plan:
    """Remove what a plan has staged; its record stays. Raises NotReady for one that is decided, PartitionHeld for one that runs."""
    chosen = backfill.read(settings, plan_id)
    _open_or_refused(settings, chosen)
    with holding(settings, chosen, backfill.deliveries(settings, chosen)):
        backfill.cancel(settings, chosen, by, why, datetime.now(UTC).replace(tzinfo=None))
    return chosen


class Progress:
    """Bytes staged so far, in words with the time left."""

    EVERY_SECONDS = 2.0

    def __init__(self, total: int, partitions: int) -> None:
        self.total, self.partitions = max(total, 1), partitions
        self.done = self.staged = 0
        self._started = self._said = time.monotonic()

    def add(self, partition: Partition, size: int) -> None:
        self.done += size
        self.staged += 1
        now = time.monotonic()
        if now - self._said < self.EVERY_SECONDS and self.staged < self.partitions:
            return
        self._said = now
        speed = max(self.done, 1) / max(now - self._started, 1e-9)
        log.info(
            "staged %s: %d of %d partitions, %.0f of %.0f MB, %.1f MB/s, about %.0f s left",
            partition, self.staged, self.partitions, self.done / 1e6, self.total / 1e6, speed / 1e6, (self.total - self.done) / speed,
        )  # fmt: skip
