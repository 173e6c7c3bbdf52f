"""What a night did, in words and numbers that a person can read. No personal values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from rich.console import Console, Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from expectations.validation import RuleResult
from flows.night import Night
from warehouse import publish
from warehouse.arrivals import Arrivals
from warehouse.build import Built
from warehouse.set_aside import SetAside

LISTED = 40  # deliveries and rules listed one by one; the rest is counted


@dataclass(frozen=True)
class Summary:
    """One night. `deliveries` are tonight's rows of `quality.deliveries`, `broken` tonight's failed rules."""

    run_id: str
    new: bool
    published: str | None
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    broken: list[dict[str, Any]] = field(default_factory=list)
    computed: list[str] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)
    mart_warnings: list[str] = field(default_factory=list)
    headline: list[dict[str, Any]] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)
    report: str = ""
    set_aside: list[SetAside] = field(default_factory=list)

    @property
    def statuses(self) -> Counter[str]:
        return Counter(d["status"] for d in self.deliveries)

    def records(self, column: str) -> int:
        return sum(d[column] or 0 for d in self.deliveries)


def summarise(
    night: Night,
    found: Arrivals,
    built: Built | None = None,
    audited: list[RuleResult] | None = None,
    published: Path | None = None,
    linkage: Mapping[str, Any] | None = None,
) -> Summary:
    """Gather what tonight's ledger entries and the published version say."""
    if built is None or published is None:
        standing = publish.current(night.settings)
        waiting = list(night.set_aside)
        return Summary(night.run_id, False, str(standing) if standing else None, timings=dict(night.timings), set_aside=waiting)
    tonight = {x.delivery_id for x in found.seen}
    deliveries = night.ledger.deliveries().filter(pl.col("delivery_id").is_in(sorted(tonight)))
    entries = night.ledger.book("deliveries").filter(pl.col("run_id") == night.run_id)["delivery_id"]
    deliveries = deliveries.filter(pl.col("delivery_id").is_in(entries.implode()))
    broken = (
        night.ledger.results()
        .filter(pl.col("delivery_id").is_in(deliveries["delivery_id"].implode()) & (pl.col("failed") > 0))
        .group_by("rule", "severity")
        .agg(failed=pl.col("failed").sum(), checked=pl.col("checked").sum(), deliveries=pl.len())
        .sort("severity", "failed", "rule", descending=[False, True, False])
    )
    shown = deliveries.select(
        "delivery_id", "export", "path", "status", "reason", "records_read", "records_loaded", "records_quarantined", "records_repeated"
    )
    return Summary(
        run_id=night.run_id,
        new=True,
        published=str(published),
        deliveries=shown.to_dicts(),
        broken=broken.to_dicts(),
        computed=built.computed,
        copied=built.copied,
        mart_warnings=[f"{r.table}: {r.rule} ({r.failed} rows)" for r in audited or [] if r.failed],
        headline=headline(published / "coverage.duckdb"),
        timings=dict(night.timings),
        report=str(night.report_dir),
        set_aside=list(night.set_aside),
    )


def headline(coverage_file: Path) -> list[dict[str, Any]]:
    """The nation's last months: month, insured_persons, coverage_pct, target_pct, duplicate_cards, visits, fund_paid (đồng)."""
    with duckdb.connect(str(coverage_file), read_only=True) as connection:
        return (
            connection.sql(
                """
                SELECT n.month, n.insured_persons, n.coverage_pct, n.target_pct, n.duplicate_cards, n.provinces_reporting,
                       c.visits, c.fund_paid
                FROM marts.coverage_nation_month n
                LEFT JOIN (SELECT month, sum(visits) AS visits, sum(fund_paid) AS fund_paid FROM marts.facility_month GROUP BY month) c
                  USING (month)
                ORDER BY n.month DESC LIMIT 6
                """
            )
            .pl()
            .to_dicts()
        )


def grouped(number: object, digits: int = 0) -> str:
    """A number the Vietnamese way: 1.234.567,89; a dash for nothing."""
    if number is None:
        return "–"
    text = f"{number:,.{digits}f}"
    return text.translate(str.maketrans(",.", ".,"))


def text_of(summary: Summary) -> RenderableType:
    """The summary for a terminal."""
    if not summary.new:
        nothing = Text(f"Nothing new: no delivery, no decision, no change of code. Published stays {summary.published}.")
        return Group(nothing, _set_aside(summary.set_aside)) if summary.set_aside else nothing
    parts: list[RenderableType] = [Text(f"Run {summary.run_id}", style="bold"), _counts(summary)]
    trouble = [d for d in summary.deliveries if d["status"] != "loaded" or d["reason"]]
    if trouble:
        parts.append(_trouble(trouble))
    if summary.broken:
        parts.append(_broken(summary.broken))
    if summary.set_aside:
        parts.append(_set_aside(summary.set_aside))
    parts += [Text(f"Warning of a mart: {w}", style="yellow") for w in summary.mart_warnings]
    parts.append(_headline(summary.headline))
    seconds = ", ".join(f"{step} {value:.1f} s" for step, value in summary.timings.items())
    parts.append(Text(f"Built {len(summary.computed)} tables, copied {len(summary.copied)} unchanged. Time: {seconds}."))
    parts.append(Text(f"Published: {summary.published}\nReport:    {summary.report}/index.html"))
    return Group(*parts)


def print_summary(summary: Summary, console: Console | None = None) -> None:
    (console or screen()).print(text_of(summary))


def screen() -> Console:
    """The terminal; where there is none (a log, a pipe) wide enough that no column is cut."""
    console = Console()
    return console if console.is_terminal else Console(width=200)


def markdown(summary: Summary) -> str:
    """The summary as the page of a Prefect artifact and of the report folder."""
    with Console(record=True, width=150, file=StringIO()) as console:
        console.print(text_of(summary))
        return f"# Night {summary.run_id}\n\n```\n{console.export_text()}```\n"


def _counts(summary: Summary) -> Grid:
    grid = Grid(title="Deliveries", title_justify="left")
    for column in ("export", "deliveries", "loaded", "superseded", "held", "refused", "repeated"):
        grid.add_column(column, justify="left" if column == "export" else "right")
    grid.add_column("records read", justify="right")
    grid.add_column("= loaded", justify="right")
    grid.add_column("+ quarantined", justify="right")
    grid.add_column("+ repeated", justify="right")
    exports = sorted({d["export"] or "?" for d in summary.deliveries})
    for export in [*exports, "all"]:
        rows = [d for d in summary.deliveries if export == "all" or (d["export"] or "?") == export]
        status = Counter(d["status"] for d in rows)
        records = [sum(d[f"records_{c}"] or 0 for d in rows) for c in ("read", "loaded", "quarantined", "repeated")]
        grid.add_row(
            export, grouped(len(rows)), *(grouped(status[s]) for s in ("loaded", "superseded", "held", "refused", "repeated")),
            *(grouped(r) for r in records), style="bold" if export == "all" else "",
        )  # fmt: skip
    return grid


def _trouble(rows: list[dict[str, Any]]) -> Grid:
    grid = Grid("status", "delivery", "path", "why, and what to do", title="What needs a look", title_justify="left", show_lines=False)
    for d in sorted(rows, key=lambda d: (d["status"], d["path"]))[:LISTED]:
        grid.add_row(d["status"], d["delivery_id"], d["path"], d["reason"])
    if len(rows) > LISTED:
        grid.caption = f"and {len(rows) - LISTED} more in quality.deliveries"
    return grid


def _set_aside(waiting: list[SetAside]) -> Grid:
    grid = Grid("export", "path", "why", title="Left for the next night", title_justify="left")
    for x in waiting[:LISTED]:
        grid.add_row(x.export, x.path, x.reason)
    if len(waiting) > LISTED:
        grid.caption = f"and {len(waiting) - LISTED} more"
    return grid


def _broken(rows: list[dict[str, Any]]) -> Grid:
    grid = Grid(title="Rules that rows break", title_justify="left")
    grid.add_column("rule")
    grid.add_column("severity")
    for column in ("rows", "of", "deliveries"):
        grid.add_column(column, justify="right")
    for r in rows[:LISTED]:
        grid.add_row(r["rule"], r["severity"], grouped(r["failed"]), grouped(r["checked"]), grouped(r["deliveries"]))
    return grid


def _headline(rows: list[dict[str, Any]]) -> Grid:
    grid = Grid(title="Nation", title_justify="left")
    for column in ("month", "insured persons", "coverage %", "target %", "duplicate cards", "provinces", "visits", "fund paid (đ)"):
        grid.add_column(column, justify="right")
    for r in sorted(rows, key=lambda r: r["month"]):
        grid.add_row(
            f"{r['month']:%m/%Y}", grouped(r["insured_persons"]), grouped(r["coverage_pct"], 2), grouped(r["target_pct"], 2),
            grouped(r["duplicate_cards"]), grouped(r["provinces_reporting"]), grouped(r["visits"]), grouped(r["fund_paid"]),
        )  # fmt: skip
    return grid
