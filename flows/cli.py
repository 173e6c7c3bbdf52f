"""`bhyt`, the command line. Libraries are imported where they are used, so that `bhyt --help` answers at once."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from flows import cli_persons, environment
from flows.backfill_commands import app as backfill_app
from flows.report import commands
from warehouse.code_version import RELEASE

if TYPE_CHECKING:
    from warehouse.settings import Settings

PUBLISHED, FAILED, USAGE = 0, 1, 2

app = App(
    name="bhyt",
    version=RELEASE,
    help_format="plaintext",  # Markdown takes longer to import than all else that help needs
    help="Coverage warehouse for Vietnam's social health insurance (bảo hiểm y tế). Settings: environment variables COVERAGE_LANDING,"
    " COVERAGE_HOME, COVERAGE_WAREHOUSE and others (see README). Exit status: 0 published, 1 failed and the old warehouse stands, 2 usage.",
)
commands.add_to(app)

app.command(backfill_app)


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

    settings = environment.settings()
    if not settings.landing_dir.is_dir():
        print(f"bhyt: the landing zone {settings.landing_dir} does not exist; set COVERAGE_LANDING or make the folder", file=sys.stderr)
        return USAGE
    show_progress()
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
        what_next = "docs/operate.md, 'A night is red', says what to do; then run `bhyt nightly` again"
        return _failed(f"the night failed, the published warehouse stands as it was: {type(error).__name__}: {error}{notes}\n{what_next}")
    return PUBLISHED


@app.command
def queries() -> int:
    """Three queries to try on the published warehouse, with their answers."""
    from flows.queries import print_queries

    return print_queries(environment.settings())


@app.command
def sample(
    out: Path = Path("sample"),
    *,
    persons: int = 20_000,
    months: Annotated[str, Parameter(help="first and last month, as 2025-06..2025-08")] = "2025-06..2025-08",
    seed: int = 1,
    faults: bool = False,
    flat_lists: bool = False,
    claims: int = 0,
    files: int = 0,
    cards: int = 0,
) -> int:
    """Write a landing zone of invented exports, and the truth beside it.

    With `--claims` or `--cards` it is no simulated world but a night of that size, in a few seconds a gigabyte.

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
    flat_lists
        Let a few facilities send claims as flat lists (79a, 80a, 01/BH) too, or only so.
    claims
        Claims of the last month, of about 40 kB, in that many `--files`; truth: visits and money by facility.
    files
        Claim files; default one for every forty claims.
    cards
        Cards in the registers of that night.
    """
    from datetime import date

    try:
        first, last = (date.fromisoformat(f"{m}-01") for m in months.split(".."))
    except ValueError:
        print("bhyt sample: --months wants two months, as 2025-06..2025-08", file=sys.stderr)
        return USAGE
    if claims or cards:
        from warehouse.samples import large

        try:
            large.write(out, claims=claims, files=files or max(1, claims // 40), cards=cards, month=last, seed=seed, tell=_tell())
        except ValueError as error:
            print(f"bhyt sample: {error}", file=sys.stderr)
            return USAGE
        print(f"Wrote {out / 'landing'} and {out / 'truth'}. Try: COVERAGE_LANDING={out / 'landing'} bhyt nightly")
        return PUBLISHED
    from warehouse.samples import write

    write(out, persons=persons, months=(first, last), seed=seed, faults=faults, flat_lists=flat_lists)
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

    return explain(environment.settings(), delivery)


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

    return let_go(environment.settings(), delivery, by or os.environ.get("USER", "unknown"), why)


@app.command
def replay(what: str, *, apply: bool = False, by: str = "", why: str = "", wait: float = 0) -> int:
    """Run quarantined rows again after a rule, a profile or a reference table was corrected. Counts only, unless told to apply.

    Parameters
    ----------
    what
        A rule, as cards.citizen_id.malformed, or a delivery's id or path.
    apply
        Load what now passes under its original delivery; the next night builds with it.
    by
        Who decides; default the user's login name.
    why
        The reason, kept with the replay.
    wait
        Seconds to wait when a night is running.
    """
    from flows import replay as replaying
    from warehouse.lock import AlreadyRunning
    from warehouse.partitions import PartitionHeld

    settings = environment.settings()
    try:
        counted = replaying.apply(settings, what, by or os.environ.get("USER", "unknown"), why, wait) if apply else None
        replaying.print_result(counted or replaying.count(settings, what), applied=apply)
    except replaying.NothingToReplay as error:
        print(f"bhyt: {error}", file=sys.stderr)
        return USAGE
    except (AlreadyRunning, PartitionHeld) as error:
        return _failed(str(error))
    return PUBLISHED


@app.command
def rollback() -> int:
    """Publish the version before the current one again; once more goes back one further."""
    from warehouse import manifests, publish
    from warehouse.lock import AlreadyRunning, one_at_a_time

    settings = environment.settings()
    try:
        with one_at_a_time(settings.lock_file):
            left, now = manifests.rollback(settings, datetime.now(UTC).replace(tzinfo=None))
    except (publish.NotPublished, AlreadyRunning) as error:
        return _failed(str(error))
    print(f"Published {now.name} again, in place of {left.name}. The next night that finds something new builds a new version.")
    return PUBLISHED


@app.command
def asof(day: str, *, out: Path | None = None) -> int:
    """Assemble the warehouse as it was known on a day, beside the published one.

    Parameters
    ----------
    day
        A day as 2025-03-15 (to its end), or a moment as 2025-03-15T18:30; UTC.
    out
        Directory to write; default <COVERAGE_HOME>/asof/<run>.
    """
    from flows.history import assemble_as_of

    return _history(lambda: assemble_as_of(environment.settings(), day, out))


@app.command
def diff(old: str, new: str, *, format: Literal["text", "html", "parquet"] = "text", out: Path | None = None) -> int:
    """What changed between two snapshots: tables, columns, rows, and per mart the keys with old and new measures, largest first.

    Parameters
    ----------
    old
        `live`, a run id or its number, a day as 2025-03-15, or the directory of a version.
    new
        The same.
    format
        `parquet` has one row per key and measure that differ.
    out
        File to write; needed for html and parquet.
    """
    from flows.history import compare

    return _history(lambda: compare(environment.settings(), old, new, format, out))


def _history(command: Callable[[], int]) -> int:
    from warehouse.manifests import NoSnapshot
    from warehouse.parts import PartMissing
    from warehouse.publish import NotPublished

    try:
        return command()
    except (NoSnapshot, PartMissing, NotPublished, FileExistsError) as error:
        return _failed(str(error))


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

    mark = environment.settings().relink_file
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


def show_progress() -> None:
    """What the night is doing, on standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    log = logging.getLogger("bhyt")
    log.handlers = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False  # Prefect's console handler would say it again


def _tell() -> Callable[[str], None]:
    """Progress on one line of a terminal, nothing elsewhere."""
    return (lambda words: print(f"\r{words:40}", end="", flush=True, file=sys.stderr)) if sys.stderr.isatty() else lambda _: None


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
    sys.exit(app(sys.argv[1:]))
