"""`bhyt`, the command line. Libraries are imported where they are used, so that `bhyt --help` answers at once."""

from __future__ import annotations

import logging
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from pydantic import ValidationError

from flows import cli_persons
from warehouse.code_version import RELEASE
from warehouse.settings import Settings

PUBLISHED, FAILED, USAGE = 0, 1, 2

app = App(
    name="bhyt",
    version=RELEASE,
    help="Coverage warehouse for Vietnam's social health insurance (bảo hiểm y tế). Settings: environment variables COVERAGE_LANDING,"
    " COVERAGE_HOME, COVERAGE_WAREHOUSE and others (see README). Exit status: 0 published, 1 failed and the old warehouse stands, 2 usage.",
)


@app.command
def nightly(*, wait: float = 0, received_at: datetime | None = None) -> int:
    """Ingest what is new in the landing zone and publish a new version of the warehouse.

    Parameters
    ----------
    wait
        Seconds to wait when another night is running.
    received_at
        The moment that counts as "first seen" for tonight's deliveries; default now.
    """
    from warehouse.lock import AlreadyRunning
    from warehouse.publish import NotPublished

    settings = Settings()
    if not settings.landing_dir.is_dir():
        print(f"bhyt: the landing zone {settings.landing_dir} does not exist; set COVERAGE_LANDING or make the folder", file=sys.stderr)
        return USAGE
    _show_progress()
    try:
        if _nothing_new(settings, wait):
            print("Nothing new: no delivery, no decision, no change of code.")
            return PUBLISHED
    except (AlreadyRunning, NotPublished) as error:
        return _failed(str(error))
    _prefect_home(settings)
    from flows.nightly import nightly as flow
    from flows.summary import print_summary

    try:
        print_summary(flow(wait_seconds=wait, received_at=received_at))
    except AlreadyRunning as running:
        return _failed(str(running))
    except Exception as error:
        notes = "".join(f" ({n})" for n in getattr(error, "__notes__", []))
        return _failed(f"the night failed, the published warehouse stands as it was: {type(error).__name__}: {error}{notes}")
    return PUBLISHED


@app.command
def status() -> int:
    """What is published, how fresh each export is, what waits for a person."""
    from flows.status import print_status

    return print_status(Settings())


@app.command
def queries() -> int:
    """Three queries to try on the published warehouse, with their answers."""
    from flows.queries import print_queries

    return print_queries(Settings())


@app.command
def sample(
    out: Path,
    *,
    persons: int = 20_000,
    months: Annotated[str, Parameter(help="first and last month, as 2025-06..2025-08")] = "2025-06..2025-08",
    seed: int = 1,
    faults: bool = False,
) -> int:
    """Write a landing zone of invented exports, and the truth beside it.

    Parameters
    ----------
    out
        Folder to write; gets `landing/` and `truth/`.
    persons
        Persons of the simulated world.
    seed
        Same seed, same bytes.
    faults
        Add one of each bad input of the contract.
    """
    from datetime import date

    from warehouse.samples import write

    try:
        first, last = (date.fromisoformat(f"{m}-01") for m in months.split(".."))
    except ValueError:
        print("bhyt sample: --months wants two months, as 2025-06..2025-08", file=sys.stderr)
        return USAGE
    write(out, persons=persons, months=(first, last), seed=seed, faults=faults)
    print(f"Wrote {out / 'landing'} and {out / 'truth'}. Try: COVERAGE_LANDING={out / 'landing'} bhyt nightly")
    return PUBLISHED


@app.command(name="explain-delivery")
def explain_delivery(delivery: str) -> int:
    """What became of a delivery and why: its counts, the rules that its rows break, the rows in quarantine.

    Parameters
    ----------
    delivery
        Its id, or its path in the landing zone or the end of it.
    """
    from flows.deliveries import explain

    return explain(Settings(), delivery)


@app.command
def release(delivery: str, *, by: str = "", why: str = "") -> int:
    """Let a held delivery count from the next night on.

    Parameters
    ----------
    delivery
        Its id or path.
    by
        Who decides; default the user's login name.
    why
        The reason, kept in the ledger.
    """
    from flows.deliveries import let_go

    return let_go(Settings(), delivery, by or os.environ.get("USER", "unknown"), why)


@app.command
def rollback() -> int:
    """Publish the version before the current one again; once more goes back one further."""
    from warehouse import publish
    from warehouse.lock import AlreadyRunning, one_at_a_time

    settings = Settings()
    try:
        with one_at_a_time(settings.lock_file):
            left, now = publish.rollback(settings)
    except (publish.NotPublished, AlreadyRunning) as error:
        return _failed(str(error))
    print(f"Published {now.name} again, in place of {left.name}. The next night that finds something new builds a new version.")
    return PUBLISHED


app.command(cli_persons.review)
app.command(cli_persons.persons)
app.command(cli_persons.explain_person, name="explain-person")


@cli_persons.persons.command
def relink(*, wait: float = 0) -> int:
    """Link all cards anew in a night of its own, also when nothing has changed. Ids stay where the persons are.

    Parameters
    ----------
    wait
        Seconds to wait when another night is running.
    """
    from warehouse.storage import restricted_directory

    mark = Settings().relink_file
    restricted_directory(mark.parent)
    mark.touch(mode=0o600)
    return nightly(wait=wait)


def _nothing_new(settings: Settings, wait_seconds: float) -> bool:
    """Whether a night has nothing to do, told without Prefect and, when so, without opening a file.

    Raises AlreadyRunning when another night runs for longer than `wait_seconds`, so that a refusal comes at once and is one line.
    """
    from flows.night import anything_landed, begin, up_to_date
    from warehouse.lock import one_at_a_time

    with one_at_a_time(settings.lock_file, wait_seconds):
        night = begin(settings)
        return not anything_landed(night) and up_to_date(settings, night.ledger)


def _show_progress() -> None:
    """What the night is doing, on standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    log = logging.getLogger("bhyt")
    log.handlers = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False  # Prefect's console handler would say it again


def _prefect_home(settings: Settings) -> None:
    """Prefect's own files lie in the work area, unless its user says otherwise."""
    os.environ.setdefault("PREFECT_HOME", str(settings.home_dir / "prefect"))
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")  # 20 is too short on a busy machine
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")


def _failed(message: str) -> int:
    print(f"bhyt: {message}", file=sys.stderr)
    return FAILED


def main() -> None:
    """Entry point of the `bhyt` command."""
    try:
        sys.exit(app(sys.argv[1:]))
    except ValidationError as error:  # of Settings: a wrong variable is wrong usage, and no reason for a traceback
        for problem in error.errors():
            name = "_".join(str(part) for part in ("coverage", *problem["loc"])).upper()
            print(f"bhyt: environment variable {name}: {problem['msg']}", file=sys.stderr)
        sys.exit(USAGE)
