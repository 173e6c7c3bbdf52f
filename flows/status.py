"""`bhyt status`: what is published, how fresh each export is, what waits for a person."""

from __future__ import annotations

import duckdb
from rich.console import Console
from rich.table import Table as Grid

from flows.summary import grouped, headline
from warehouse import publish
from warehouse.settings import Settings


def print_status(settings: Settings) -> int:
    """Read only the published warehouse, so it works while a night runs. Returns the exit status."""
    console = Console()
    version = publish.current(settings)
    if version is None:
        console.print(f"Nothing is published at {settings.published_file}. Put exports into {settings.landing_dir} and run `bhyt nightly`.")
        return 1
    with duckdb.connect(str(version / "coverage.duckdb"), read_only=True) as c:
        snapshots = c.execute("SELECT run_id, published_at, code_version, months_from, months_to FROM meta.snapshot").fetchall()
        exports = c.execute(
            """
            SELECT coalesce(export, 'unknown folder'), count(*) FILTER (status = 'loaded'), count(*) FILTER (status = 'held'),
                   count(*) FILTER (status = 'refused'), max(period), max(received_at), sum(records_loaded) FILTER (status = 'loaded')
            FROM quality.deliveries GROUP BY ALL ORDER BY 1
            """
        ).fetchall()
        waiting = c.execute(
            """
            SELECT status, delivery_id, path, reason FROM quality.deliveries
            WHERE status IN ('held', 'refused') ORDER BY received_at DESC, path LIMIT 20
            """
        ).fetchall()
    for snapshot in snapshots:
        console.print(f"Published: [bold]{version}[/bold], run {snapshot[0]}, built {snapshot[1]:%Y-%m-%d %H:%M} UTC by {snapshot[2]}")
        console.print(
            f"Coverage months {snapshot[3]} to {snapshot[4]}; versions kept: {', '.join(v.name for v in publish.versions(settings))}"
        )
    grid = Grid("export", title="Exports", title_justify="left")
    for column in ("loaded", "held", "refused", "latest month", "last received (UTC)", "records"):
        grid.add_column(column, justify="right")
    for name, loaded, held, refused, period, received, records in exports:
        grid.add_row(
            name, grouped(loaded), grouped(held), grouped(refused), str(period or "–"), f"{received:%Y-%m-%d %H:%M}", grouped(records)
        )
    console.print(grid)
    if waiting:
        wait = Grid("status", "delivery", "path", "why, and what to do", title="Waits for a person", title_justify="left")
        for row in waiting:
            wait.add_row(*(str(x or "") for x in row))
        console.print(wait)
    for r in headline(version / "coverage.duckdb")[:1]:
        console.print(f"{r['month']:%m/%Y}: {grouped(r['insured_persons'])} insured persons, coverage {grouped(r['coverage_pct'], 2)} %")
    return 0
