"""`bhyt queries`: three questions to the published warehouse, with their answers; a first look for people who know SQL."""

from __future__ import annotations

import duckdb
from rich.console import Console
from rich.table import Table as Grid

from warehouse import publish
from warehouse.settings import Settings

QUESTIONS = (
    (
        "Which provinces are furthest below their target this month?",
        """
        SELECT month, province_name, insured_persons, population, round(coverage_pct, 2) AS coverage_pct, target_pct, persons_to_target
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
    console = Console()
    version = publish.current(settings)
    if version is None:
        console.print("Nothing is published yet; run `bhyt nightly`.")
        return 1
    console.print(f"The warehouse lies at [bold]{settings.published_file}[/bold]. Three queries to try:")
    with duckdb.connect(str(version / "coverage.duckdb"), read_only=True) as connection:
        for question, sql in QUESTIONS:
            answer = connection.execute(sql)
            grid = Grid(*(d[0] for d in answer.description or ()), title=question, title_justify="left")
            for row in answer.fetchall():
                grid.add_row(*(str("" if v is None else v) for v in row))
            console.print(grid)
            console.print("\n".join(line.removeprefix("        ") for line in sql.strip("\n ").splitlines()), style="dim", highlight=False)
    return 0
