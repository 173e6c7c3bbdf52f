"""Making the plan of a backfill: from the ledger and the landing zone, changing neither."""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import polars as pl

from expectations.exports import BY_NAME, EXPORTS
from warehouse import backfill, landing, packs, reference
from warehouse.arrivals import arrivals, reading_code
from warehouse.backfill import Plan, Planned, Scope
from warehouse.ledger import Ledger
from warehouse.partitions import NATION, Partition
from warehouse.peek import partition_of
from warehouse.settings import Settings
from warehouse.sql_files import queries
from warehouse.storage import restricted_directory

MONTHLY = ("cards", "claims")  # exports that every province owes every month
Cells = dict[str, dict[str, dict[str, Counter[str]]]]


class NothingPlanned(Exception):
    """The stretch that was asked for cannot be planned; the message says why."""


def make(
    settings: Settings, scope: Scope, profiles: str, now: datetime, progress: Callable[[str], None] = lambda _: None, asked_by: str = ""
) -> Plan:
    """Plan and write a backfill of `scope`. `profiles`: fingerprint of the profiles.

    Reads each file of the exports asked for that the ledger does not know once, to the end (its SHA-256 is its name), and looks into claim
    files for their province and month (`warehouse.peek`). Deliveries that fail for what they are (an unknown folder, no province) are left
    to the night, which refuses them with its reason. An archive is planned whole when any of its members is of the stretch.
    """
    unknown = sorted(set(scope.exports) - BY_NAME.keys())
    if unknown:
        raise NothingPlanned(f"no export is called {', '.join(unknown)}; there are {', '.join(t.name for t in EXPORTS)}")
    if scope.last < scope.first:
        raise NothingPlanned(f"the stretch ends ({scope.last:%Y-%m}) before it begins ({scope.first:%Y-%m})")
    ledger = Ledger(settings.ledger_dir)
    received = ledger.deliveries()
    known = ledger.known_files(profiles)
    older = older_readings(received, scope, profiles) if scope.reread else received.clear()
    again = set(older["delivery_id"])
    for file in older["file"].unique():
        known.pop(file, None)
    lying = [x for x in landing.scan(settings.landing_dir, known) if x.export in scope.exports]
    found = arrivals(lying, received, profiles)
    wanted = {x.delivery_id for x in found.to_read} | {x.delivery_id for x, _ in found.repeats}
    wanted |= {x.delivery_id for twins in found.twins.values() for x in twins}
    candidates: list[Planned] = []
    unplaced: list[Planned] = []
    spool = settings.restricted_dir / "backfills" / ".spool"  # not the nights' own, which they empty
    settings.home_dir.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(spool, ignore_errors=True)
    restricted_directory(spool)
    for number, item in enumerate(lying, start=1):
        why = "new" if item.delivery_id in wanted else "again" if item.delivery_id in again else ""
        if not why:
            continue
        if number % 500 == 0:
            progress(f"looked into {number} of {len(lying)} deliveries")
        partition = partition_of(item, spool)
        placed = not (item.refusal or landing.missing_context(item) or (partition.export == "claims" and partition.month is None))
        (candidates if placed else unplaced).append(Planned(item, partition, why))
    shutil.rmtree(spool, ignore_errors=True)
    files = {p.item.file for p in candidates if scope.holds(p.partition)}
    planned = [p for p in (*candidates, *unplaced) if p.item.file in files]
    total = sum({p.item.file: p.item.size for p in planned}.values())
    rate, source = backfill.measured_rate(settings)
    plan = Plan(
        plan_id=backfill.next_id(settings, now), made_at=now, scope=scope, profiles=profiles, read_by=reading_code(),
        deliveries=len(planned), bytes=total, seconds=round(total / rate, 1), rate=source,
        cells=_plain(cells(settings, scope, received, planned)), tables=touched({p.partition.export for p in planned}),
        unplaced=sum(p.item.file not in files for p in unplaced), asked_by=asked_by,
    )  # fmt: skip
    backfill.write(settings, plan, planned)
    return plan


def older_readings(received: pl.DataFrame, scope: Scope, profiles: str) -> pl.DataFrame:
    """Deliveries whose rows other code, other reference tables or other profiles have made than would now (`read_by`, `profiles`)."""
    made = pl.col("export").is_in(list(scope.exports)) & pl.col("status").is_in(["loaded", "held", "superseded"])
    return received.filter(made & ((pl.col("read_by") != reading_code()) | (pl.col("profiles") != profiles)))


def touched(exports: set[str]) -> list[str]:
    """Tables of the warehouse that read these exports, directly or through others."""
    reached = {f"typed.{e}" for e in exports} | ({"typed.claim_lines"} if "claims" in exports else set())
    reached |= {"persons.card_persons"} if "cards" in exports else set()
    reached |= {"persons.claim_persons"} if exports & {"cards", "claims"} else set()
    for name, query in queries().items():  # each after those that it reads
        if query.reads & reached:
            reached.add(name)
    return sorted(n for n in reached if n.split(".")[0] in ("dims", "facts", "marts"))


def cells(settings: Settings, scope: Scope, received: pl.DataFrame, planned: list[Planned]) -> Cells:
    """Counts by export, province, month and state: what is there (loaded, superseded, held, refused), what is to come (new, again)."""
    found: Cells = defaultdict(lambda: defaultdict(lambda: defaultdict(Counter)))
    for p in planned:
        found[p.partition.export][p.partition.province][_month(p.partition.month)][p.why] += 1
    for export in scope.exports:
        of_export = received.filter((pl.col("export") == export) & (pl.col("status") != "repeated"))
        if export == "claims":
            _claims_there(settings, of_export, found[export], scope)
            continue
        for province, month, status in of_export.select("province_code", "period", "status").iter_rows():
            if scope.holds(Partition(export, province or NATION, month)):
                found[export][province or NATION][_month(month)][status] += 1
    for export in scope.exports:
        if export in MONTHLY:
            _missing(found[export], scope)
    return found


def _claims_there(settings: Settings, received: pl.DataFrame, found: dict[str, dict[str, Counter[str]]], scope: Scope) -> None:
    """Count claim deliveries by what is in their rows: one delivery may be of several provinces and months."""
    files = packs.files(settings, packs.LOADED, BY_NAME["claims"], received.filter(pl.col("records_loaded") > 0))
    if not files:
        return
    of = packs.scan(files, received).select(
        "delivery_id", province=pl.col("facility_code").str.head(2), month=pl.date("settlement_year", "settlement_month", 1)
    )
    rows = of.unique().collect().join(received.select("delivery_id", "status"), on="delivery_id").drop_nulls()
    for _, province, month, status in rows.iter_rows():
        if scope.holds(Partition("claims", province, month)):
            found[province][_month(month)][status] += 1


def _missing(found: dict[str, dict[str, Counter[str]]], scope: Scope) -> None:
    """Add `missing` where a province of the export has nothing in a month in which its code was in force."""
    units = reference.frame("province_units").select("code", "valid_from", "valid_to").rows()
    for province in scope.provinces or [p for p in found if p != NATION]:
        spans = [(f or date.min, t or date.max) for code, f, t in units if code == province]
        for month in months(scope.first, scope.last):
            in_force = any(f <= month <= t for f, t in spans)
            if in_force and not found[province][_month(month)]:
                found[province][_month(month)]["missing"] = 1


def months(first: date, last: date) -> list[date]:
    """First days of the months from `first` to `last`, both included."""
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [date(first.year + (first.month - 1 + n) // 12, (first.month - 1 + n) % 12 + 1, 1) for n in range(count)]


def _month(month: date | None) -> str:
    return f"{month:%Y-%m}" if month else "undated"


def _plain(found: Cells) -> dict[str, dict[str, dict[str, dict[str, int]]]]:
    return {
        e: {p: {m: dict(sorted(c.items())) for m, c in sorted(ms.items()) if c} for p, ms in sorted(ps.items())}
        for e, ps in sorted(found.items())
    }


def changed_since(planned: Planned) -> str:
    """Why a delivery can no longer be read as planned; empty when its file is as it was."""
    file: Path = planned.item.file
    try:
        stat = file.stat()
    except OSError:
        return f"{planned.item.path} is gone"
    same = (stat.st_size, stat.st_mtime_ns) == (planned.item.size, planned.item.modified_ns)
    return "" if same else f"{planned.item.path} has changed"
