"""What a staged version would change: table by table against the published one."""

from __future__ import annotations

from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table as Grid

from flows.summary import grouped
from warehouse import publish
from warehouse.backfill import Place, Plan
from warehouse.settings import Settings


def print_comparison(settings: Settings, made: Plan) -> None:
    """Rows of each table before and after, and which are made of something else than before. No values."""
    place = Place(settings, made.plan_id)
    if not place.version.exists():
        Console().print(f"Plan {made.plan_id} has no staged version; run it first.")
        return
    live = publish.current(settings)
    before = _tables(live) if live else {}
    after = _tables(place.version)
    grid = Grid("table", title=f"Plan {made.plan_id} against what is published", title_justify="left")
    for column in ("rows now", "rows then"):
        grid.add_column(column, justify="right")
    grid.add_column("")
    same = 0
    for name in sorted(before.keys() | after.keys()):
        (mark, rows), (new_mark, new_rows) = before.get(name, ("", 0)), after.get(name, ("", 0))
        if mark == new_mark and rows == new_rows:
            same += 1
            continue
        grid.add_row(name, grouped(rows), grouped(new_rows), "" if mark != new_mark else "same sources")
    console = Console() if Console().is_terminal else Console(width=200)
    console.print(grid)
    console.print(f"{same} tables stay as they are.")


def _tables(version: Path) -> dict[str, tuple[str, int]]:
    with duckdb.connect(str(version / "coverage.duckdb"), read_only=True) as connection:
        found = connection.execute("SELECT table_name, fingerprint, rows FROM meta.build").fetchall()
    return {name: (mark, rows) for name, mark, rows in found}
