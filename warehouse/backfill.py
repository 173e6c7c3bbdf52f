"""A backfill: what is planned, and what the disk says of it.

    backfills/<plan>/plan.json, deliveries.parquet   what is to be read, and why (paths, hashes, counts; nothing personal)
    backfills/<plan>/approved.json, cancelled.json   what a person decided
    restricted/backfills/<plan>/partitions/<export>/<province>_<month>/   rows of a partition that has been read, whole or not there
    restricted/backfills/<plan>/area/                the books and rows as they would be: what is live as links, what is new as files
    restricted/backfills/<plan>/moves.json           there while an approval is carried out (`warehouse.staged`)
    warehouse/staged/<plan>/                         the version built from the area, audited

There is no status field. Each of these is written under a hidden name and renamed, so what exists is whole, and the state follows from it.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from warehouse.landing import Landed
from warehouse.ledger import Ledger
from warehouse.partitions import Partition
from warehouse.refusal import Refusal
from warehouse.settings import Settings
from warehouse.storage import replacing, restricted_directory

PLAN, DELIVERIES, APPROVED, CANCELLED, MOVES = "plan.json", "deliveries.parquet", "approved.json", "cancelled.json", "moves.json"
OUTCOMES = "outcomes.json"
BASE = ".base.json"  # in an area: `standing_files` when it was made
APART = ("backfills", "spool", "superseded", "night.lock")  # of the live restricted area, what is no book and no row
GROWING = ("loaded", "quarantine", "ledger", "parts", "manifests")  # to these files are only added
DEFAULT_RATE = 10e6  # bytes of file a second and worker, up to a published version; cautious: reading alone does several times that


class NoSuchPlan(Exception):
    """No plan has that id; the message names the ones that there are."""


class Stale(Exception):
    """What was planned is no longer so; the message says what has changed and what to do."""


@dataclass(frozen=True)
class Scope:
    """What a backfill is asked for. `first`, `last`: first days of months, both included; `provinces` as delivered, none: all."""

    exports: tuple[str, ...]
    first: date
    last: date
    provinces: tuple[str, ...] = ()
    reread: bool = False

    def holds(self, partition: Partition) -> bool:
        """Lists of no month belong to every stretch; where provinces are named, what is of none of them does not."""
        return (
            partition.export in self.exports
            and (partition.month is None or self.first <= partition.month <= self.last)
            and (not self.provinces or partition.province in self.provinces)
        )


@dataclass(frozen=True)
class Plan:
    """A plan as `plan.json` holds it. `cells`: export → province → month → counts by state; `seconds` is a rough time for all of it."""

    plan_id: str
    made_at: datetime
    scope: Scope
    profiles: str
    read_by: str
    deliveries: int
    bytes: int
    seconds: float
    rate: str
    cells: dict[str, dict[str, dict[str, dict[str, int]]]]
    tables: list[str]
    unplaced: int = 0
    asked_by: str = ""


@dataclass(frozen=True)
class Planned:
    """One delivery of a plan: what lies in the landing zone, its partition, and whether it is `new` or read `again`."""

    item: Landed
    partition: Partition
    why: str

    @property
    def again(self) -> bool:
        return self.why == "again"


@dataclass(frozen=True)
class Place:
    """Where a plan's things lie."""

    settings: Settings
    plan_id: str

    @property
    def public(self) -> Path:
        return self.settings.backfills_dir / self.plan_id

    @property
    def restricted(self) -> Path:
        return self.settings.restricted_dir / "backfills" / self.plan_id

    @property
    def area(self) -> Path:
        return self.restricted / "area"

    @property
    def moves(self) -> Path:
        return self.restricted / MOVES

    @property
    def version(self) -> Path:
        return self.settings.staged_versions_dir / self.plan_id

    def of_partition(self, partition: Partition) -> Path:
        return self.restricted / "partitions" / partition.export / partition.name


@dataclass(frozen=True)
class State:
    """What the disk says of a plan: partitions staged of those planned, live runs since the area was made, and one word for it."""

    word: str  # planned, staging, staged, waiting, approving, approved, cancelled
    staged: int = 0
    partitions: int = 0
    behind: tuple[str, ...] = field(default=())

    @property
    def is_open(self) -> bool:
        return self.word not in ("approved", "cancelled")


def plans(settings: Settings) -> list[str]:
    """Ids of all plans, oldest first."""
    return sorted(p.parent.name for p in settings.backfills_dir.glob(f"*/{PLAN}"))


def next_id(settings: Settings, now: datetime) -> str:
    number = 1 + max((int(p.name.split("-")[0]) for p in settings.backfills_dir.glob("[0-9]*")), default=0)
    return f"{number:04d}-{now:%Y%m%dT%H%M%S}"


def write(settings: Settings, plan: Plan, planned: Sequence[Planned]) -> None:
    """Put a plan on disk: its deliveries first, `plan.json` last."""
    place = Place(settings, plan.plan_id)
    settings.home_dir.mkdir(parents=True, exist_ok=True)
    restricted_directory(place.public)
    with replacing(place.public / DELIVERIES) as temporary:
        _frame(settings, planned).write_parquet(temporary, compression="zstd")
    write_json(place.public / PLAN, asdict(plan))


def read(settings: Settings, plan_id: str) -> Plan:
    """The plan with this id, or the only one whose id begins or ends so. Raises NoSuchPlan."""
    known = plans(settings)
    found = [p for p in known if p == plan_id] or [p for p in known if p.startswith(plan_id) or p.split("-")[0].lstrip("0") == plan_id]
    if len(found) != 1:
        raise NoSuchPlan(f"no plan is called {plan_id}; there are {', '.join(known) or 'none'} (bhyt backfill status)")
    raw = json.loads((settings.backfills_dir / found[0] / PLAN).read_text(encoding="utf-8"))
    scope = raw.pop("scope")
    months = {k: date.fromisoformat(scope[k]) for k in ("first", "last")}
    scope |= months | {k: tuple(scope[k]) for k in ("exports", "provinces")}
    return Plan(**{**raw, "made_at": datetime.fromisoformat(raw["made_at"]), "scope": Scope(**scope)})


def deliveries(settings: Settings, plan: Plan) -> list[Planned]:
    """The deliveries of a plan, in the order in which they were received."""
    frame = pl.read_parquet(settings.backfills_dir / plan.plan_id / DELIVERIES)
    found = []
    for r in frame.iter_rows(named=True):
        partition = Partition(r["export"], r.pop("in_province"), r.pop("in_month"))
        why, code, reason, position = (r.pop(k) for k in ("why", "code", "reason", "position"))
        r |= {"file": settings.landing_dir / r["file"], "members": tuple(r["members"])}
        r.pop("delivery_id")
        found.append(Planned(Landed(**r, refusal=Refusal(code, reason, position) if code else None), partition, why))
    return found


def _frame(settings: Settings, planned: Iterable[Planned]) -> pl.DataFrame:
    rows = []
    for p in sorted(planned, key=lambda p: (p.item.modified_ns, p.item.sha256, p.item.path)):
        x = p.item
        rows.append(
            {"delivery_id": x.delivery_id, "path": x.path, "file": str(x.file.relative_to(settings.landing_dir)),
             "members": list(x.members),
             "export": x.export, "sha256": x.sha256, "size": x.size, "modified_ns": x.modified_ns, "province": x.province,
             "period": x.period, "rows_declared": x.rows_declared, "rows_declared_total": x.rows_declared_total, "context": x.context,
             "why": p.why, "in_province": p.partition.province, "in_month": p.partition.month,
             "code": x.refusal.code if x.refusal else None, "reason": x.refusal.reason if x.refusal else None,
             "position": x.refusal.position if x.refusal else None}
        )  # fmt: skip
    schema = {"members": pl.List(pl.String()), "period": pl.Date(), "in_month": pl.Date(), "rows_declared": pl.Int64(),
              "rows_declared_total": pl.Int64(), "province": pl.String(), "code": pl.String(), "reason": pl.String(),
              "position": pl.String()}  # fmt: skip
    return pl.DataFrame(rows, schema_overrides=schema, infer_schema_length=None)


def state(settings: Settings, plan: Plan) -> State:
    """What exists on disk, as one word."""
    place = Place(settings, plan.plan_id)
    wanted = pl.read_parquet(place.public / DELIVERIES, columns=["export", "in_province", "in_month"]).unique() if plan.deliveries else None
    partitions = [Partition(*r) for r in wanted.iter_rows()] if wanted is not None else []
    staged = sum((place.of_partition(p) / OUTCOMES).exists() for p in partitions)
    behind = tuple(behind_of(settings, place)) if place.area.exists() else ()
    if place.moves.exists():
        word = "approving"
    elif (place.public / APPROVED).exists():
        word = "approved"
    elif (place.public / CANCELLED).exists():
        word = "cancelled"
    elif not (place.restricted / "partitions").exists() and partitions:
        word = "planned"
    elif staged < len(partitions):
        word = "staging"
    else:
        word = "waiting" if place.version.exists() and place.area.exists() else "staged"
    return State(word, staged, len(partitions), behind)


def behind_of(settings: Settings, place: Place) -> list[str]:
    """What the staged area does not know: live runs since it was made, and other files (the person index) that have changed."""
    known = {p.stem for p in (place.area / "ledger").glob("*/*.parquet") if p.is_symlink()}
    base = place.area / BASE
    was = json.loads(base.read_text(encoding="utf-8")) if base.exists() else {}
    now = standing_files(settings)
    changed = sorted(name for name in was.keys() | now.keys() if was.get(name) != now.get(name))
    return [r for r in Ledger(settings.ledger_dir).runs() if r not in known] + changed


def standing_files(settings: Settings) -> dict[str, list[int]]:
    """Files of the live restricted area that are changed in place of being added to: name → size and modification time."""
    root = settings.restricted_dir
    if not root.exists():
        return {}
    tops = [p for p in root.iterdir() if p.name not in APART and p.name not in GROWING and not p.name.startswith(".")]
    files = [p for top in tops for p in (top.rglob("*") if top.is_dir() else [top]) if p.is_file() and not p.name.startswith(".")]
    return {str(p.relative_to(root)): [p.stat().st_size, p.stat().st_mtime_ns] for p in sorted(files)}


def kept_back(settings: Settings) -> dict[str, str]:
    """Deliveries that nights leave alone because they are staged whole and wait for a person: delivery_id → plan id.

    A plan whose run has died halfway keeps nothing back (its locks went with it): the night takes what it finds, and the plan, run again,
    leaves out what is then received.
    """
    kept: dict[str, str] = {}
    for plan_id in plans(settings):
        place = Place(settings, plan_id)
        if (place.restricted / "partitions").exists() and state(settings, read(settings, plan_id)).word in ("staged", "waiting"):
            kept |= dict.fromkeys(pl.read_parquet(place.public / DELIVERIES, columns=["delivery_id"])["delivery_id"], plan_id)
    return kept


def overlap(settings: Settings, place: Place, planned: Sequence[Planned]) -> list[str]:
    """What live runs since the staged area have received of the plan's own deliveries or partitions; empty when nothing overlaps."""
    behind = behind_of(settings, place)
    since = Ledger(settings.ledger_dir).book("deliveries").filter(pl.col("run_id").is_in(behind))
    ids = {p.item.delivery_id for p in planned}
    partitions = {(p.partition.export, p.partition.province, p.partition.month) for p in planned}
    return [
        f"{r['path']} (run {r['run_id']})"
        for r in since.iter_rows(named=True)
        if r["delivery_id"] in ids or (r["export"], r["province_code"], r["period"]) in partitions
    ]


def cancel(settings: Settings, plan: Plan, by: str, why: str, at: datetime) -> None:
    """Remove all that a plan has made; its record stays: what was planned, and who cancelled it, when and why."""
    place = Place(settings, plan.plan_id)
    write_json(place.public / CANCELLED, {"by": by, "why": why, "at": at})
    clear(place)


def sweep(settings: Settings) -> None:
    """Remove what a killed replay has staged without a plan. Under the night's lock."""
    for folder in (settings.restricted_dir / "backfills").glob("[0-9]*"):
        if not (settings.backfills_dir / folder.name / PLAN).exists():
            shutil.rmtree(folder, ignore_errors=True)


def clear(place: Place) -> None:
    """Remove what a plan has staged; `plan.json`, the list of its deliveries and the decision stay."""
    shutil.rmtree(place.version, ignore_errors=True)
    shutil.rmtree(place.restricted, ignore_errors=True)


def measured_rate(settings: Settings) -> tuple[float, str]:
    """Bytes a second of earlier backfills on this machine (the latest that was approved), or a cautious default; and where it is from."""
    for plan_id in reversed(plans(settings)):
        path = settings.backfills_dir / plan_id / APPROVED
        told = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        if told.get("seconds"):
            return told["bytes"] / told["seconds"], f"measured by plan {plan_id}"
    return DEFAULT_RATE * settings.workers, f"assumed: {DEFAULT_RATE / 1e6:g} MB/s a worker; nothing has been measured here yet"


DEFAULT_RATE = (
    10e6  # bytes a second and worker, to a published version: reading, checking, building; base64 XML on one core reads at 50 and more
)


def write_json(path: Path, value: Any) -> None:
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value, ensure_ascii=False, indent=1, default=_told) + "\n", encoding="utf-8")


def _told(value: object) -> str:
    if isinstance(value, date):  # datetime too
        return value.isoformat()
    raise TypeError(type(value).__name__)


def counted(planned: Iterable[Planned]) -> dict[Partition, Counter[str]]:
    """Deliveries of each partition by why they are read."""
    found: dict[Partition, Counter[str]] = {}
    for p in planned:
        found.setdefault(p.partition, Counter())[p.why] += 1
    return found
