"""`bhyt queries`: three questions to the published warehouse, with their answers; a first look for people who know SQL."""

from __future__ import annotations

from datetime import date

import duckdb
from rich.table import Table as Grid

from flows.summary import grouped, screen
from warehouse import publish
from warehouse.settings import Settings

QUESTIONS = (
    (
        "Which provinces are furthest below their target this month?",
        """
        SELECT month, province_name, insured_persons, population, coverage_pct, target_pct, persons_to_target
        FROM marts.coverage_province_month
        WHERE month = (SELECT max(month) FROM marts.coverage_province_month)
        ORDER BY gap_points NULLS LAST, province_code LIMIT 5
        """,
    ),
    (
        "Which facilities spend most of the fund?",
        """
        SELECT facility_code, max(facility_name) AS facility_name, sum(visits) AS visits, sum(fund_paid) AS fund_paid
        FROM marts.facility_month GROUP BY facility_code ORDER BY fund_paid DESC, facility_code LIMIT 5
        """,
    ),
    (
        "Why do people hold several cards?",
        """
        SELECT month, reason, sum(persons) AS persons, sum(cards) AS cards
        FROM marts.duplicate_cards_month
        WHERE month = (SELECT max(month) FROM marts.duplicate_cards_month)
        GROUP BY ALL ORDER BY persons DESC, reason
        """,
    ),
)


def print_queries(settings: Settings) -> int:
    """Print each question, its SQL and its answer. Returns the exit status."""
    console = screen()
    version = publish.current(settings)
    if version is None:
        console.print(f"Nothing is published at {settings.published_file}. Put exports into {settings.landing_dir} and run `bhyt nightly`.")
        return 1
    console.print(f"The warehouse lies at [bold]{settings.published_file}[/bold]. Three queries to try:\n", soft_wrap=True)
    with duckdb.connect(str(version / "coverage.duckdb"), read_only=True) as connection:
        for question, sql in QUESTIONS:
            answer = connection.execute(sql)
            kinds = {d[0]: str(d[1]) for d in answer.description or ()}
            grid = Grid()
            for name, kind in kinds.items():
                grid.add_column(name, justify="left" if kind in ("VARCHAR", "DATE") else "right")
            for row in answer.fetchall():
                grid.add_row(*(_shown(v) for v in row))
            console.print(question, style="bold")
            console.print("\n".join(line.removeprefix("        ") for line in sql.strip("\n ").splitlines()), style="dim", highlight=False)
            console.print(grid)
    return 0


def _shown(value: object) -> str:
    """A cell as the summary shows it; the queries themselves give plain numbers."""
    if value is None or isinstance(value, str):
        return value or "–"
    if isinstance(value, date):
        return f"{value:%m/%Y}"
    return grouped(value, 2 if isinstance(value, float) else 0)
