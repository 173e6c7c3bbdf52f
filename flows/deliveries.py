"""`bhyt explain-delivery` and `bhyt release`: one delivery, seen by a person and decided by a person."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table as Grid

from expectations.exports import BY_NAME
from flows.summary import grouped
from warehouse import publish
from warehouse.ledger import Ledger
from warehouse.lock import AlreadyRunning, one_at_a_time
from warehouse.settings import Settings
from warehouse.superseded import former

ROWS_SHOWN = 20


def find(ledger: Ledger, delivery: str) -> dict[str, Any] | None:
    """The delivery with this id, else the latest whose path is this or ends in it."""
    deliveries = ledger.deliveries()
    path = delivery.removeprefix("./")
    for condition in (pl.col("delivery_id") == delivery, pl.col("path") == path, pl.col("path").str.ends_with(path)):
        found = deliveries.filter(condition)
        if not found.is_empty():
            return found.row(-1, named=True)
    return None


def explain(settings: Settings, delivery: str) -> int:
    """Print what became of a delivery. Returns the exit status."""
    ledger = Ledger(settings.ledger_dir)
    entry = find(ledger, delivery)
    if entry is None:
        return _unknown(delivery)
    console = Console()
    console.print(f"[bold]{entry['path']}[/bold]  ({entry['export']}, delivery {entry['delivery_id']})")
    console.print(f"status: [bold]{entry['status']}[/bold]" + (f" – {entry['reason']}" if entry["reason"] else ""))
    console.print(
        f"province {entry['province_code'] or '–'}, period {entry['period'] or '–'}, received {entry['received_at']:%Y-%m-%d %H:%M} UTC"
    )
    counts = {c: grouped(entry[f"records_{c}"]) for c in ("declared", "read", "loaded", "quarantined", "repeated")}
    console.print(
        f"records: {counts['read']} read = {counts['loaded']} loaded + {counts['quarantined']} quarantined + {counts['repeated']} repeated"
        f" (declared: {counts['declared']})"
    )
    _rules(console, ledger, entry)
    _quarantine(console, ledger, entry)
    _former(console, settings, ledger, entry)
    return 0


def _rules(console: Console, ledger: Ledger, entry: dict[str, Any]) -> None:
    results = ledger.results().filter((pl.col("delivery_id") == entry["delivery_id"]) & (pl.col("failed") > 0)).sort("severity", "rule")
    if results.is_empty():
        return
    rules = {r.name: r for r in BY_NAME[entry["export"]].rules}
    grid = Grid("rule", "severity", "rows", "what is wrong", "what to do", title="Rules that rows break", title_justify="left")
    for r in results.iter_rows(named=True):
        rule = rules.get(r["rule"])
        grid.add_row(r["rule"], r["severity"], grouped(r["failed"]), rule.reason if rule else "", rule.remedy if rule else "")
    console.print(grid)


def _quarantine(console: Console, ledger: Ledger, entry: dict[str, Any]) -> None:
    rows = ledger.quarantine().filter(pl.col("delivery_id") == entry["delivery_id"]).sort("row_number", "rule")
    if rows.is_empty():
        return
    columns = {r.name: r.column for r in BY_NAME[entry["export"]].rules}
    grid = Grid("row", "column", "rule", "reason", title="Quarantined rows", title_justify="left")
    for r in rows.head(ROWS_SHOWN).iter_rows(named=True):
        grid.add_row(str(r["row_number"]), columns.get(r["rule"], ""), r["rule"], r["reason"])
    if rows.height > ROWS_SHOWN:
        grid.caption = f"and {grouped(rows.height - ROWS_SHOWN)} more in quality.quarantine"
    console.print(grid)


def _former(console: Console, settings: Settings, ledger: Ledger, entry: dict[str, Any]) -> None:
    found = former(settings, ledger, entry["delivery_id"])
    if not found:
        return
    grid = Grid("run", "status", "loaded", "quarantined", "rows (restricted)", title="Former readings", title_justify="left")
    for f in found:
        where = str(f.rows.relative_to(settings.home_dir)) if f.rows else ""
        grid.add_row(f.run_id, f.status, grouped(f.loaded), grouped(f.quarantined), where)
    console.print(grid)


def let_go(settings: Settings, delivery: str, by: str, why: str) -> int:
    """Record a person's decision that a held delivery counts. Returns the exit status."""
    ledger = Ledger(settings.ledger_dir)
    entry = find(ledger, delivery)
    if entry is None:
        return _unknown(delivery)
    if entry["status"] != "held":
        _say(f"delivery {entry['delivery_id']} is {entry['status']}, not held; nothing to release")
        return 1
    now = datetime.now(UTC).replace(tzinfo=None)
    decision = {"delivery_id": entry["delivery_id"], "decision": "release", "decided_by": by, "why": why, "decided_at": now}
    try:
        with one_at_a_time(settings.lock_file):
            ledger.write(ledger.next_run_id(now, (v.name for v in publish.versions(settings))), "decisions", [decision])
    except AlreadyRunning as running:
        _say(str(running))
        return 1
    Console().print(f"Released {entry['path']} ({entry['delivery_id']}). It counts from the next `bhyt nightly` on.")
    return 0


def _unknown(delivery: str) -> int:
    _say(f"no delivery has the id or path {delivery}; quality.deliveries lists all of them")
    return 2


def _say(message: str) -> None:
    Console(stderr=True).print(f"bhyt: {message}", markup=False, highlight=False)
