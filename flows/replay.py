"""`bhyt replay`: quarantined rows run again after a rule, a profile or a reference table was corrected; counted first, then loaded."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl
from rich.console import Console
from rich.table import Table as Grid

from expectations.exports import BY_NAME
from flows import backfill as steps
from flows import night as night_steps
from flows.deliveries import find
from flows.summary import grouped, screen
from warehouse import backfill, packs, reference, staged
from warehouse.arrivals import Arrivals
from warehouse.backfill import Place, Plan, Planned, Scope
from warehouse.ingest import Outcome
from warehouse.landing import Landed
from warehouse.ledger import Entry, Ledger
from warehouse.lock import one_at_a_time
from warehouse.partitions import NATION, Locks, Partition
from warehouse.profiles import Profiles
from warehouse.replay import Replayed, replay, write
from warehouse.settings import Settings


class NothingToReplay(Exception):
    """Neither a rule nor a delivery with quarantined rows has that name; the message says so."""


@dataclass(frozen=True)
class Result:
    """A replay that was counted: deliveries with their new outcomes, in order of their paths."""

    deliveries: list[tuple[Replayed, Outcome]]

    @property
    def passing(self) -> list[tuple[Replayed, Outcome]]:
        """Those of which any row now passes: what an applied replay changes."""
        return [(r, o) for r, o in self.deliveries if r.good.height]


def chosen(ledger: Ledger, what: str) -> list[Entry]:
    """The deliveries with quarantined rows that break the rule `what`, or the delivery with that id or path. Raises NothingToReplay."""
    entries = ledger.deliveries().filter((pl.col("records_quarantined") > 0) & pl.col("status").is_in(["loaded", "held", "superseded"]))
    if what in {r.name for table in BY_NAME.values() for r in table.rules}:
        ids = ledger.quarantine().filter(pl.col("rule") == what)["delivery_id"].unique()
        entries = entries.filter(pl.col("delivery_id").is_in(ids.implode()))
    elif (one := find(ledger, what)) is not None:
        entries = entries.filter(pl.col("delivery_id") == one["delivery_id"])
    else:
        raise NothingToReplay(f"{what} is neither a rule nor a delivery; quality.quarantine lists the rules that rows break")
    if entries.is_empty():
        raise NothingToReplay(f"no quarantined row belongs to {what}")
    return [Entry(**r) for r in entries.sort("path").select(Entry.__dataclass_fields__.keys()).iter_rows(named=True)]


def count(settings: Settings, what: str) -> Result:
    """Run the rows again and count; writes nothing. Raises NothingToReplay."""
    profiles = steps.profiles_of(settings)
    found = [replay(settings, e, reference.places(), profiles) for e in chosen(Ledger(settings.ledger_dir), what)]
    return Result([(r, r.outcome(_limit(settings, profiles, r.entry))) for r in found])


def _limit(settings: Settings, profiles: Profiles, entry: Entry) -> float:
    profile = profiles.for_(entry.export or "", entry.province_code)
    own = profile.bad_rows_limit_pct if profile else None
    return settings.bad_rows_limit_pct if own is None else own


def apply(settings: Settings, what: str, by: str, why: str, wait_seconds: float = 0) -> Result:
    """Load what now passes, each row under the delivery that it came in. The next night builds from it.

    Staged, journaled and moved as an approved backfill is (`warehouse.staged`), so a killed replay has either not happened or is finished
    by the next night. Raises NothingToReplay, AlreadyRunning, PartitionHeld.
    """
    with one_at_a_time(settings.lock_file, wait_seconds):
        staged.finish_approvals(settings)
        backfill.sweep(settings)
        result = count(settings, what)
        if not result.passing:
            return result
        planned = [Planned(_landed(settings, r.entry), _partition(r.entry), "replay") for r, _ in result.passing]
        with Locks(settings.locks_dir, f"replay of {what}") as locks:
            locks.take_all(p.partition for p in planned)
            _load(settings, what, planned, result.passing, {"by": by, "why": why})
    return result


def _load(
    settings: Settings, what: str, planned: Sequence[Planned], passing: Sequence[tuple[Replayed, Outcome]], decision: dict[str, str]
) -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    plan_id = backfill.next_id(settings, now)
    place = Place(settings, plan_id)
    folder = place.restricted / "partitions" / "replayed"
    writing = staged.settings_of(settings, folder)
    for replayed, _ in passing:
        write(settings, writing, replayed)
    shutil.rmtree(folder / "spool", ignore_errors=True)
    renewed = [o.pack for _, o in passing]
    making = staged.fresh(place.area)
    staged.mirror(settings, making, [folder], renewed)
    night = steps.StagedNight(staged.settings_of(settings, making), now, plan_id=plan_id)
    items, outcomes = [p.item for p in planned], [o for _, o in passing]
    results = night_steps.validate(night, items, outcomes)
    night_steps.record(night, Arrivals(), items, outcomes, results, keep_reading=True)
    told_by = {"decision": "replay", "decided_by": decision["by"], "why": decision["why"], "decided_at": now}
    night.ledger.write(night.run_id, "decisions", [{"delivery_id": x.delivery_id, **told_by} for x in items])
    shutil.rmtree(making / "spool", ignore_errors=True)
    staged.settle(making, place.area)
    days = [p.partition.month for p in planned if p.partition.month] or [now.date().replace(day=1)]
    scope = Scope(tuple(sorted({p.partition.export for p in planned})), min(days), max(days))
    told = Plan(plan_id, now, scope, "", "", len(planned), 0, 0.0, "", {}, [], asked_by=f"replay {what}")
    replaced = [(t, o.pack) for i, o in zip(items, outcomes, strict=True) for t in packs.tables_of(i.export or "")]
    run_id = steps.own_run(place)
    staged.journal(settings, place, run_id, replaced, {**decision, "at": now, "replay": what})
    backfill.write(settings, told, planned)
    staged.carry_out(settings, place)
    staged.close(place)


def _landed(settings: Settings, entry: Entry) -> Landed:
    """The delivery as it lay in the landing zone when it was read; its file may be gone."""
    return Landed(
        entry.path, settings.landing_dir / entry.file, (), entry.export, entry.sha256, 0, entry.modified_ns, entry.province_code,
        entry.period, context=entry.context,
    )  # fmt: skip


def _partition(entry: Entry) -> Partition:
    return Partition(entry.export or "", entry.province_code or NATION, entry.period)


def print_result(result: Result, applied: bool) -> None:
    """Counts of each delivery, for a terminal."""
    grid = Grid("delivery", "path", title="Replay", title_justify="left")
    for column in ("in quarantine", "now pass", "stay"):
        grid.add_column(column, justify="right")
    grid.add_column("status then")
    for r, o in result.deliveries:
        counts = (grouped(r.quarantined), grouped(r.good.height), grouped(r.bad.height))
        grid.add_row(r.entry.delivery_id, r.entry.path, *counts, o.status)
    screen().print(grid)
    rows = sum(r.good.height for r, _ in result.passing)
    if not rows:
        Console().print("No row passes that did not pass before; nothing to load.")
    elif applied:
        Console().print(f"Loaded {grouped(rows)} rows under their deliveries. The next `bhyt nightly` builds the marts with them.")
    else:
        Console().print(f"{grouped(rows)} rows would be loaded. Nothing was written; to load them: --apply --by NAME --why TEXT")
