"""`bhyt status`: what is published, how fresh each province and export is, what waits for a person, last runs, disk.

It reads the published version, and of the work area only names, sizes and the ledger; so it works while a night runs.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from flows.report import figures, queries
from flows.report.grades import Delivered
from flows.report.numbers import Style
from flows.summary import screen
from warehouse import publish
from warehouse.settings import Settings

RUNS_SHOWN = 5
LISTED = 20
STYLE = Style("vi")  # dates and numbers as in the report and in the night's summary
_COLOUR = {"A": "blue", "B": "cyan", "C": "yellow", "D": "red"}
_FOLDERS = ("restricted/loaded", "restricted/quarantine", "restricted/ledger", "warehouse/versions", "reports", "prefect")

EXPORTS = """
SELECT coalesce(export, 'unknown folder') AS export, count(*) FILTER (status = 'loaded') AS loaded,
       count(*) FILTER (status = 'held') AS held,
       count(*) FILTER (status = 'refused') AS refused, max(period) AS latest_month, max(received_at) AS received_at,
       coalesce(sum(records_loaded) FILTER (status = 'loaded'), 0)::BIGINT AS records
FROM quality.deliveries GROUP BY ALL ORDER BY 1
"""
SNAPSHOT = "SELECT run_id, published_at, code_version, months_from, months_to FROM meta.snapshot"


@dataclass(frozen=True)
class Standing:
    """What `--json` prints, key for key; dates as ISO 8601, sizes in bytes, percent as numbers."""

    published: dict[str, Any] | None
    nation: dict[str, Any] | None = None
    exports: list[dict[str, Any]] = field(default_factory=list)
    provinces: list[dict[str, Any]] = field(default_factory=list)
    waiting: list[dict[str, Any]] = field(default_factory=list)
    plans: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    disk: dict[str, Any] = field(default_factory=dict)


def show(settings: Settings, *, json: bool = False) -> int:
    """Print the standing. Exit status 0, or 1 when nothing is published."""
    try:
        standing = find(settings)
    except publish.NotPublished as error:
        sys.stderr.write(f"bhyt: {error}\n")
        return 1
    if json:
        sys.stdout.write(f"{as_json(standing)}\n")
    else:
        _print(standing, settings, screen())
    return 0 if standing.published else 1


def find(settings: Settings) -> Standing:
    """Look. Raises NotPublished where `current` is no link."""
    version = publish.current(settings)
    runs, disk, plans = list(_runs(settings)), _disk(settings), list(_plans(settings))
    if version is None:
        return Standing(None, plans=plans, runs=runs, disk=disk)
    with duckdb.connect(str(version / "coverage.duckdb"), read_only=True) as c:
        snapshot = c.execute(SNAPSHOT).pl().to_dicts()
        nation = c.execute(queries.MONTHS, [1]).fetchone()
        exports = c.execute(EXPORTS).pl().to_dicts()
        delivered = [Delivered(*r) for r in c.execute(queries.DELIVERED).fetchall()]
        waiting = [asdict(figures.Waiting(*r)) for r in c.execute(queries.WAITING).fetchall()]
    published = {"directory": str(version), "versions": [v.name for v in publish.versions(settings)], **(snapshot[0] if snapshot else {})}
    provinces = [{**asdict(d), "accepted_pct": d.accepted_pct, "quarantined_pct": d.quarantined_pct, "grade": d.grade} for d in delivered]
    month = figures.Month(*nation) if nation else None
    return Standing(published, asdict(month) if month else None, exports, provinces, waiting, plans, runs, disk)


def as_json(standing: Standing) -> str:
    """One line; keys in a fixed order."""
    return json.dumps(asdict(standing), ensure_ascii=False, default=_iso)


def _iso(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def _runs(settings: Settings) -> Iterator[dict[str, Any]]:
    """The last runs that recorded deliveries, newest first, with what became of these."""
    book = settings.ledger_dir / "deliveries"
    try:
        files = sorted(p for p in book.glob("[0-9]*.parquet"))[-RUNS_SHOWN:]
    except OSError:  # not ours to look into
        return
    kept = {v.name for v in publish.versions(settings)}
    for file in reversed(files):
        if not os.access(file, os.R_OK):
            continue
        counts = dict(pl.read_parquet(file, columns=["status"])["status"].value_counts().sort("status").iter_rows())
        yield {"run_id": file.stem, "version_kept": file.stem in kept, "deliveries": sum(counts.values()), "statuses": counts}


def _plans(settings: Settings) -> Iterator[dict[str, Any]]:
    """Backfills that are planned and neither approved nor cancelled; one whose version is built waits for a person."""
    for plan in sorted((settings.home_dir / "backfills").glob("*/plan.json")):
        if not any(plan.with_name(f"{decided}.json").exists() for decided in ("approved", "cancelled")):
            built = (settings.versions_dir.with_name("staged") / plan.parent.name).is_dir()
            yield {"plan": plan.parent.name, "state": "waiting" if built else "planned"}


def _disk(settings: Settings) -> dict[str, Any]:
    home = settings.home_dir
    if not home.exists():
        return {}
    usage = shutil.disk_usage(home)
    return {"free": usage.free, "total": usage.total, "folders": {f: _size(home / f) for f in _FOLDERS if (home / f).exists()}}


def _size(folder: Path) -> int:
    """Bytes below a folder; what may not be read counts nothing."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(root, name)).st_size
            except OSError:
                continue
    return total


def _print(standing: Standing, settings: Settings, console: Console) -> None:
    published = standing.published
    if published is None:
        console.print(f"Nothing is published at {settings.published_file}. Put exports into {settings.landing_dir} and run `bhyt nightly`.")
    else:
        built = published.get("published_at")
        console.print(
            f"[bold]Published[/bold] {published['directory']}, built {STYLE.moment(built)} by {published.get('code_version', '?')}"
        )
        months = f"{STYLE.month(published.get('months_from'))} to {STYLE.month(published.get('months_to'))}"
        console.print(f"Coverage months {months}; {len(published['versions'])} versions are kept (`bhyt rollback` goes one back).")
        if standing.nation:
            _nation(standing.nation, console)
        console.print(_exports(standing.exports))
        console.print(_provinces(standing.provinces))
        console.print(_waiting(standing.waiting))
    for plan in standing.plans:
        what = "is built and waits to be approved" if plan["state"] == "waiting" else "is planned"
        console.print(Text(f"Backfill {plan['plan']} {what}: `bhyt backfill status` says what to do.", style="yellow"))
    if standing.runs:
        console.print(_run_grid(standing.runs))
    if standing.disk:
        folders = ", ".join(f"{name} {_bytes(size)}" for name, size in standing.disk["folders"].items())
        scarce = standing.disk["free"] < 0.1 * standing.disk["total"]
        console.print(
            Text(f"Disk: {_bytes(standing.disk['free'])} free of {_bytes(standing.disk['total'])}", style="red" if scarce else "")
        )
        console.print(f"  {folders}", highlight=False)


def _nation(nation: dict[str, Any], console: Console) -> None:
    text = Text(
        f"{STYLE.month(nation['month'])}: {STYLE.number(nation['insured'])} insured persons, coverage {STYLE.percent(nation['coverage'])}"
    )
    if nation["gap"] is not None:
        reached = nation["gap"] >= 0
        text.append(
            f", target {STYLE.percent(nation['target'])}: {STYLE.signed(nation['gap'], 2)} points",
            style="blue" if reached else "bright_red",
        )
    console.print(text)


def _exports(rows: list[dict[str, Any]]) -> Grid:
    grid = Grid("export", title="\nExports", title_justify="left")
    for column in ("loaded", "held", "refused", "latest month", "last received", "records"):
        grid.add_column(column, justify="right")
    for r in rows:
        grid.add_row(
            r["export"], STYLE.number(r["loaded"]), _count(r["held"]), _count(r["refused"]), STYLE.month(r["latest_month"]),
            STYLE.moment(r["received_at"]), STYLE.number(r["records"]),
        )  # fmt: skip
    return grid


def _count(number: int) -> Text:
    return Text(STYLE.number(number), style="yellow" if number else "dim")


def _provinces(rows: list[dict[str, Any]]) -> Grid:
    heard = [r for r in rows if r["grade"]]
    grid = Grid("province", title="\nProvinces (grade: docs/how-to/reports.md)", title_justify="left")
    for column in ("grade", "card register", "files accepted", "in quarantine"):
        grid.add_column(column, justify="right")
    for r in sorted(heard, key=lambda r: (-ord(r["grade"]), r["province_code"])):
        late = f" ({r['months_behind']} months late)" if r["months_behind"] else ""
        grid.add_row(
            f"{r['province_code']} {r['province_name']}",
            Text(r["grade"], style=_COLOUR[r["grade"]]),
            STYLE.month(r["register_month"]) + late,
            f"{STYLE.number(r['accepted'])}/{STYLE.number(r['deliveries'])}",
            STYLE.percent(r["quarantined_pct"]),
        )
    if len(heard) < len(rows):
        grid.caption = f"{len(rows) - len(heard)} provinces have delivered nothing yet"
    return grid


def _waiting(rows: list[dict[str, Any]]) -> Grid | Text:
    if not rows:
        return Text("\nNothing waits for a person.", style="blue")
    grid = Grid("status", "delivery", "path", "why, and what to do", title="\nWaits for a person, or for its sender", title_justify="left")
    for r in sorted(rows, key=lambda r: (r["status"], r["path"]))[:LISTED]:
        grid.add_row(Text(r["status"], style="yellow" if r["status"] == "held" else "red"), r["delivery_id"], r["path"], r["reason"] or "")
    if len(rows) > LISTED:
        grid.caption = f"and {STYLE.number(len(rows) - LISTED)} more in quality.deliveries"
    return grid


def _run_grid(rows: list[dict[str, Any]]) -> Grid:
    grid = Grid("run", title="\nLast runs that received something", title_justify="left")
    grid.add_column("deliveries", justify="right")
    grid.add_column("what became of them")
    grid.add_column("version")
    for r in rows:
        told = ", ".join(f"{STYLE.number(n)} {status}" for status, n in r["statuses"].items())
        grid.add_row(r["run_id"], STYLE.number(r["deliveries"]), told, "kept" if r["version_kept"] else "not kept")
    return grid


def _bytes(size: int) -> str:
    amount, unit = float(size), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if amount < 1000 or unit == "TB":
            break
        amount /= 1000
    return f"{STYLE.number(amount, 0 if unit == 'B' else 1)} {unit}"
