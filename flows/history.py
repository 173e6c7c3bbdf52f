"""`bhyt asof` and `bhyt diff`: versions of the past, and what changed between two of them; as text, as a page, as Parquet."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from flows.summary import grouped, screen
from warehouse import snapshots
from warehouse.differences import Differences, between
from warehouse.settings import Settings
from warehouse.storage import replacing

SHOWN_TEXT, SHOWN_PAGE = 15, 500  # keys of a table; the Parquet has all
PAGE_MODE = 0o644


def assemble_as_of(settings: Settings, moment: str, out: Path | None) -> int:
    """Assemble the warehouse as it was known on a day, and say where. Returns the exit status."""
    when = snapshots.moment_of(moment)
    if when is None:
        Console(stderr=True).print(f"bhyt: {escape(moment)} is no day: write it as 2025-03-15, or with a time (UTC) as 2025-03-15T18:30")
        return 2
    manifest, directory = snapshots.as_known_on(settings, when, out)
    console = screen()
    console.print(f"As known on {moment}: run {manifest.run_id}, published {manifest.published_at:%Y-%m-%d %H:%M} UTC.", highlight=False)
    console.print(f"{directory / 'coverage.duckdb'}\n{directory / 'analyst.duckdb'}", soft_wrap=True, highlight=False)
    return 0


def compare(settings: Settings, old: str, new: str, form: str, out: Path | None) -> int:
    """Compare two snapshots and show or write what changed. Returns the exit status."""
    differences = between(settings, snapshots.find(settings, old), snapshots.find(settings, new))
    console = screen()
    if form == "text" and out is None:
        print_differences(differences, console)
        return 0
    if out is None:
        Console(stderr=True).print(f"bhyt: --format {form} needs --out FILE")
        return 2
    write_differences(differences, form, out)
    console.print(f"Wrote {out}", soft_wrap=True, highlight=False)
    return 0


def write_differences(differences: Differences, form: str, out: Path) -> None:
    """One file: `text`, `html` (a page without scripts), or `parquet` (one row per key and measure that differ)."""
    with replacing(out.absolute(), PAGE_MODE) as temporary:
        if form == "parquet":
            differences.changes.write_parquet(temporary, compression="zstd")
        elif form == "html":
            temporary.write_text(page(differences), encoding="utf-8")
        else:
            with temporary.open("w", encoding="utf-8") as file:
                print_differences(differences, Console(file=file, width=160))


def print_differences(differences: Differences, console: Console) -> None:
    console.print(
        f"old: {differences.old.name} ({differences.old.label})\nnew: {differences.new.name} ({differences.new.label})", highlight=False
    )
    changed = differences.tables.filter(pl.col("state") != "same")
    if changed.is_empty():
        console.print("The same rows in every table.")
        return
    grid = Grid(title=f"Tables that differ ({differences.tables.height - changed.height} are the same)", title_justify="left")
    grid.add_column("table")
    grid.add_column("state")
    for column in ("rows old", "rows new", "parts changed", "keys added", "removed", "changed"):
        grid.add_column(column, justify="right")
    grid.add_column("columns")
    for r in changed.iter_rows(named=True):
        columns = [f"+{c}" for c in r["columns_added"]] + [f"-{c}" for c in r["columns_removed"]]
        parts = "" if r["parts_changed"] is None else f"{r['parts_changed']} of {r['parts']}"
        grid.add_row(r["table_name"], r["state"], grouped(r["rows_old"]), grouped(r["rows_new"]), parts, grouped(r["keys_added"]),
                     grouped(r["keys_removed"]), grouped(r["keys_changed"]), " ".join(columns))  # fmt: skip
    console.print(grid)
    for table_name, rows in _by_table(differences, SHOWN_TEXT):
        keys = rows["key"].n_unique()
        title = f"{table_name}: the {keys} keys that changed most, by share of the measure" if keys else table_name
        detail = Grid("key", "", "measure", title=title, title_justify="left")
        for column in ("old", "new", "difference"):
            detail.add_column(column, justify="right")
        last = None
        for r in rows.iter_rows(named=True):
            detail.add_row(
                "" if r["key"] == last else escape(r["key"]), r["change"], r["measure"],
                escape(_shown(r["old"])), escape(_shown(r["new"])), _signed(r["difference"]),
            )  # fmt: skip
            last = r["key"]
        console.print(detail)


def page(differences: Differences) -> str:
    """The comparison as one page of HTML: no script, nothing fetched."""
    from flows.report.template import TEMPLATES

    tables = differences.tables.to_dicts()
    details = [
        (name, [r | {"signed": _signed(r["difference"])} for r in rows.to_dicts()]) for name, rows in _by_table(differences, SHOWN_PAGE)
    ]
    return TEMPLATES.get_template("diff.html").render(differences=differences, tables=tables, details=details, grouped=grouped)


def _by_table(differences: Differences, keys: int) -> list[tuple[str, pl.DataFrame]]:
    """The changes of each table, cut down to its first keys."""
    found = []
    for name in differences.tables["table_name"]:
        rows = differences.changes.filter(pl.col("table_name") == name)
        told = (pl.col("change") == "changed") | (pl.col("difference").fill_null(0) != 0)  # of a new key its name is no news
        rows = rows.filter(told | ~told.any().over("key"))
        if not rows.is_empty():
            first = rows["key"].unique(maintain_order=True).head(keys)
            found.append((name, rows.filter(pl.col("key").is_in(first.implode()))))
    return found


def _shown(value: str | None) -> str:
    return "–" if value is None else value


def _signed(difference: float | None) -> str:
    if difference is None:
        return ""
    digits = 0 if difference == int(difference) else 4
    return f"{'+' if difference > 0 else ''}{grouped(difference, digits)}"
