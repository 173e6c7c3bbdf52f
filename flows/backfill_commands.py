"""`bhyt backfill …`: the command line around `flows.backfill`. Libraries are imported where they are used."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from cyclopts import App

from flows import environment

if TYPE_CHECKING:
    from warehouse.backfill import Plan
    from warehouse.settings import Settings

DONE, FAILED, USAGE = 0, 1, 2
# One letter a cell of province and month: the first of these that it has.
LETTERS = {"new": "n", "again": "a", "held": "h", "loaded": "+", "superseded": "s", "refused": "x", "missing": "."}

app = App(
    name="backfill",
    help="Load or read again any stretch of history: planned, staged beside the live warehouse, compared, approved, swapped.",
)


@app.command
def plan(*, export: list[str] | None = None, from_: str, to: str, province: list[str] | None = None, reread: bool = False) -> int:
    """Say what a backfill would read and what it would change. Changes nothing.

    Parameters
    ----------
    export
        An export (cards, claims, …); may be given several times; default all.
    from_
        First month, as 2023-01.
    to
        Last month, as 2025-06.
    province
        A province's two digits as its files give them; may be given several times; default all.
    reread
        Read also what was read by older code, profiles or reference tables.
    """
    from expectations.exports import EXPORTS
    from flows import backfill as steps
    from flows.night import NoLandingZone
    from warehouse.backfill import Scope
    from warehouse.landing import month_of
    from warehouse.planning import NothingPlanned

    first, last = month_of(from_), month_of(to)
    wrong = [p for p in province or [] if not re.fullmatch(r"\d{2}", p)]
    if first is None or last is None or wrong:
        return _say("--from and --to want months as 2023-01, --province two digits as 22", USAGE)
    scope = Scope(tuple(export or [t.name for t in EXPORTS]), first, last, tuple(province or ()), reread)
    _progress()
    try:
        made = steps.plan(environment.settings(), scope)
    except (NothingPlanned, NoLandingZone) as error:
        return _say(str(error), USAGE)
    print_plan(made)
    return DONE


@app.command
def run(plan: str, *, wait: float = 0) -> int:
    """Stage a plan beside the live warehouse and show what would change. Run again, it continues where it was.

    Parameters
    ----------
    plan
        The plan's id, or its number.
    wait
        Seconds to wait when a night, or another backfill, has one of its partitions.
    """

    def work(settings: Settings) -> None:
        from flows import backfill as steps
        from flows.comparison import print_comparison
        from flows.summary import screen

        made = steps.run(settings, plan, wait)
        print_comparison(settings, made)
        screen().print(f"Staged and audited. To publish: bhyt backfill approve {made.plan_id} --by NAME --why TEXT")

    return _try(work)


@app.command
def compare(plan: str) -> int:
    """Show again what a staged plan would change.

    Parameters
    ----------
    plan
        The plan's id, or its number.
    """

    def work(settings: Settings) -> None:
        from flows.comparison import print_comparison
        from warehouse import backfill

        print_comparison(settings, backfill.read(settings, plan))

    return _try(work)


@app.command
def approve(plan: str, *, by: str = "", why: str = "", wait: float = 0) -> int:
    """Move what is staged into the live books and publish its version.

    Parameters
    ----------
    plan
        The plan's id, or its number.
    by
        Who decides; default the user's login name.
    why
        The reason, kept with the plan and in the ledger.
    wait
        Seconds to wait when a night is running.
    """

    def work(settings: Settings) -> None:
        from flows import backfill as steps
        from flows.summary import screen

        version = steps.approve(settings, plan, by or _user(), why, wait)
        if version is None:
            screen().print("Approved. The next `bhyt nightly` builds and publishes a version with it.")
        else:
            screen().print(f"Approved and published: {version}")

    return _try(work)


@app.command
def cancel(plan: str, *, by: str = "", why: str = "") -> int:
    """Remove what a plan has staged. The record of the plan stays.

    Parameters
    ----------
    plan
        The plan's id, or its number.
    by
        Who decides; default the user's login name.
    why
        The reason, kept with the plan.
    """

    def work(settings: Settings) -> None:
        from flows import backfill as steps
        from flows.summary import screen

        made = steps.cancel(settings, plan, by or _user(), why)
        screen().print(f"Cancelled {made.plan_id}. What it had staged is removed; the next night takes what lies in the landing zone.")

    return _try(work)


@app.command
def status() -> int:
    """All plans, how far they are, and what waits for a person."""
    from rich.table import Table as Grid

    from flows.summary import screen
    from warehouse import backfill

    settings = environment.settings()
    grid = Grid("plan", "exports", "months", "state", "partitions", "deliveries", "what next", title="Backfills", title_justify="left")
    for plan_id in backfill.plans(settings):
        made = backfill.read(settings, plan_id)
        state = backfill.state(settings, made)
        grid.add_row(
            plan_id, ", ".join(made.scope.exports), f"{made.scope.first:%Y-%m} – {made.scope.last:%Y-%m}", state.word,
            f"{state.staged} of {state.partitions}", str(made.deliveries), _next(plan_id, state.word, state.behind),
        )  # fmt: skip
    screen().print(grid if grid.row_count else "No backfill has been planned.")
    return DONE


def _next(plan_id: str, word: str, behind: tuple[str, ...]) -> str:
    number = plan_id.split("-")[0].lstrip("0")
    told = {
        "planned": f"bhyt backfill run {number}",
        "staging": f"runs, or was interrupted: bhyt backfill run {number}",
        "staged": f"bhyt backfill run {number}",
        "waiting": f"waits for a person: bhyt backfill approve {number} (or cancel)",
        "approving": f"was interrupted: bhyt backfill approve {number}",
    }
    return told.get(word, "") + (f"; {len(behind)} runs since" if behind and word == "waiting" else "")


def print_plan(made: Plan) -> None:
    """What a plan says, for a terminal: a letter a province and month, then sizes."""
    from rich.table import Table as Grid

    from flows.summary import screen
    from warehouse.planning import months

    console = screen()
    size = f"{made.deliveries} deliveries, {made.bytes / 1e6:,.1f} MB, about {_duration(made.seconds)} ({made.rate})"
    console.print(f"[bold]Plan {made.plan_id}[/bold]: {size}")
    span = months(made.scope.first, made.scope.last)
    for export, provinces in made.cells.items():
        grid = Grid("province", title=f"{export}, by province and month", title_justify="left")
        for year in sorted({m.year for m in span}):
            grid.add_column(f"{year}\n{''.join(str(m.month % 10) for m in span if m.year == year)}")
        grid.add_column("deliveries to read", justify="right")
        for province, cells in provinces.items():
            letters = {m: _letter(cells.get(f"{m:%Y-%m}", {})) for m in span}
            years = ["".join(letters[m] for m in span if m.year == y) for y in sorted({m.year for m in span})]
            reads = sum(c.get("new", 0) + c.get("again", 0) for c in cells.values())
            grid.add_row("undated" if province == "00" else province, *years, str(reads or ""))
        console.print(grid)
    console.print(
        "n new  a read again  + there  s superseded only  h held  x refused  . missing  capital: there already, and more comes",
        markup=False,
    )
    if made.unplaced:
        console.print(
            f"{made.unplaced} deliveries cannot be placed (no month, no province, unreadable): the night refuses them with a reason."
        )
    console.print(f"Would be built anew: {', '.join(made.tables) or 'nothing'}.")
    if made.deliveries:
        console.print(f"Nothing is changed yet. Next: bhyt backfill run {made.plan_id}")


def _letter(cell: dict[str, int]) -> str:
    letter = next((sign for state, sign in LETTERS.items() if cell.get(state)), " ")
    return letter.upper() if letter in "na" and (cell.get("loaded") or cell.get("held")) else letter


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 5400 else f"{seconds / 60:.0f} min" if seconds >= 90 else f"{max(seconds, 1):.0f} s"


def _try(work: Callable[[Settings], None]) -> int:
    """Do it; what a person can mend is told in one line."""
    from flows.backfill import NotReady
    from flows.night import AuditFailed
    from warehouse.backfill import NoSuchPlan, Stale
    from warehouse.lock import AlreadyRunning
    from warehouse.partitions import PartitionHeld
    from warehouse.publish import NotPublished

    _progress()
    try:
        work(environment.settings())
    except NoSuchPlan as error:
        return _say(str(error), USAGE)
    except (NotReady, Stale, AlreadyRunning, PartitionHeld, NotPublished) as error:
        return _say(str(error), FAILED)
    except AuditFailed as error:
        return _say(f"the staged version breaks rules of the marts, nothing is published: {error}", FAILED)
    return DONE


def _progress() -> None:
    from flows.cli import show_progress

    show_progress()


def _user() -> str:
    return os.environ.get("USER", "unknown")


def _say(message: str, status: int) -> int:
    sys.stderr.write(f"bhyt: {message}\n")
    return status
