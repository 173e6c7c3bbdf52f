"""History in any order: months backfilled in a shuffled order by a process that is killed again and again, beside consecutive nights.

A world is made once. In one work area each month comes in a night of its own, in order. In another all files lie there from the beginning,
and a process plans, runs and approves one month after the other in a shuffled order; it is killed (SIGKILL, with the processes that read
for it) at random moments and started again, and what it finds on disk is all that it knows. Then every mart, dim and fact of both
published versions is compared row by row, in both directions. Great Expectations changes no row and takes most of a small month: the nights
go without, the backfill too unless `audited`.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl

from benchmarks.history import FIRST, LAST, PROVINCES, give, night, of_month
from benchmarks.results import Row
from expectations.exports import EXPORTS
from flows import backfill as steps
from flows import night as night_steps
from warehouse import backfill, publish
from warehouse.backfill import Scope
from warehouse.definitions import quoted
from warehouse.monthly import after
from warehouse.planning import NothingPlanned, months
from warehouse.samples import write
from warehouse.settings import Settings
from warehouse.storage import restricted_directory

KEY = "ab" * 32  # the same for both, so that keyed hashes can be compared
BOOKKEEPING = ("quality", "meta")  # of runs, not of what was delivered
# A person's id is kept from the night that first saw one of the cards, so it tells of the order of nights; who is one person does not.
# Each is named after the smallest claim here.
NAMED = {
    "facts.claim": "SELECT * REPLACE (min(claim_key) OVER (PARTITION BY person_key) AS person_key) FROM {}",
    "facts.claim_likely_person": "SELECT * EXCLUDE (person_key) FROM {}",
}


@dataclass(frozen=True)
class Kill:
    """One kill: seconds since the process began its work, months approved by then, and what the disk says of the one in the making."""

    seconds: float
    approved: int
    found: str


@dataclass(frozen=True)
class Compared:
    """One table of both versions: rows of the nights' and rows that only one has."""

    table: str
    rows: int
    only_nights: int
    only_backfill: int


@dataclass(frozen=True)
class Outcome:
    nights_seconds: float
    backfill_seconds: float
    order: tuple[str, ...]
    kills: tuple[Kill, ...]
    compared: tuple[Compared, ...]

    @property
    def unlike(self) -> list[str]:
        return [c.table for c in self.compared if c.only_nights or c.only_backfill]


def measure(root: Path, persons: int, seed: int, kills: int, first: date = FIRST, audited: bool = False, together: int = 1) -> Outcome:
    """Everything below `root`, which is empty. `together`: so many consecutive months in a plan."""
    write(root / "world", persons=persons, months=(first, LAST), seed=seed, provinces=PROVINCES, visits_per_person_year=2.0)
    source = root / "world" / "landing"
    wanted = months(first, LAST)
    by_month = dated(source, wanted)
    nights, filled = root / "nights", root / "backfill"
    for home in (nights, filled):
        key = Settings(home=home, landing=source).person_key_file
        restricted_directory(key.parent)
        key.write_text(KEY, encoding="ascii")
    begun = time.perf_counter()
    for number, month in enumerate(wanted):
        give(by_month[month], source, root / "landing")
        night(nights, root / "landing", number, f"{month:%Y-%m}")
    nights_seconds = time.perf_counter() - begun
    chance = random.Random(seed)
    firsts = wanted[::together]
    order = [f"{m:%Y-%m}" for m in chance.sample(firsts, len(firsts))]
    begun = time.perf_counter()
    work = [*(["--audited"] if audited else []), str(together), str(filled), str(source), *order]
    about_seconds = nights_seconds / 5  # a backfill builds less often than nights do
    killed = persistently(Settings(home=filled, landing=source), work, chance, kills, about_seconds)
    night(filled, source, 0, "what no plan holds")
    backfill_seconds = time.perf_counter() - begun
    compared = compare(current(nights), current(filled))
    return Outcome(nights_seconds, backfill_seconds, tuple(order), tuple(killed), tuple(compared))


def dated(source: Path, wanted: Sequence[date]) -> dict[date, list[Path]]:
    """The files of each month (those of none come with the first), each with a time of modification after its month's end."""
    found: dict[date, list[Path]] = {m: [] for m in wanted}
    for file in sorted(p for p in source.rglob("*") if p.is_file()):
        month = next((m for m in wanted if of_month(file.relative_to(source), f"{m:%Y-%m}")), wanted[0])
        sent = datetime(after(month, 1).year, after(month, 1).month, 2, tzinfo=UTC).timestamp()
        os.utime(file, (sent, sent))
        found[month].append(file)
    return found


def current(home: Path) -> Path:
    version = publish.current(Settings(home=home, landing=home))
    assert version, "nothing was published"
    return version


def persistently(settings: Settings, work: Sequence[str], chance: random.Random, kills: int, about_seconds: float) -> list[Kill]:
    """Backfill in a process that is killed at random moments of about so many seconds, until it comes to its end by itself."""
    killed: list[Kill] = []
    while True:
        process = subprocess.Popen([sys.executable, "-m", "benchmarks.any_order", *work], stdout=subprocess.PIPE, start_new_session=True)
        with process:
            assert process.stdout
            process.stdout.readline()  # it has begun: what comes before is only imports
            begun = time.perf_counter()
            wait = chance.uniform(0, 2 * about_seconds / (kills + 1)) if len(killed) < kills else None
            try:
                if process.wait(wait):
                    raise RuntimeError(f"the backfill ended with {process.returncode} by itself")
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                words = states(settings)
                left = [w for w in words.values() if w != "approved"]
                killed.append(Kill(time.perf_counter() - begun, len(words) - len(left), ", ".join(left) or "nothing begun"))
                continue
            return killed


def states(settings: Settings) -> dict[date, str]:
    """Of each month that has a plan: the disk's word for it."""
    found = [backfill.read(settings, plan_id) for plan_id in backfill.plans(settings)]
    return {p.scope.first: backfill.state(settings, p).word for p in found}


def load(settings: Settings, order: Iterable[str], together: int) -> None:
    """Plan, run and approve each stretch (its first month), going on from what is there: what the killed process does."""
    for month in map(date.fromisoformat, (f"{m}-01" for m in order)):
        plans = {p.scope.first: p for p in (backfill.read(settings, plan_id) for plan_id in backfill.plans(settings))}
        if month not in plans:
            try:
                plans[month] = steps.plan(settings, Scope(tuple(t.name for t in EXPORTS), month, after(month, together - 1)))
            except NothingPlanned:
                continue
        plan = plans[month]
        word = backfill.state(settings, plan).word
        if word == "approved":
            continue
        if word != "approving":
            steps.run(settings, plan.plan_id)
        steps.approve(settings, plan.plan_id, "benchmark", "history")


def compare(nights: Path, filled: Path) -> list[Compared]:
    """Every table of both files of two versions but the bookkeeping."""
    found = []
    for name in ("coverage", "analyst"):
        with duckdb.connect() as c:
            for version, alias in ((nights, "nights"), (filled, "filled")):
                c.execute(f"ATTACH {quoted(str(version / f'{name}.duckdb'))} AS {alias} (READ_ONLY)")
            tables = c.execute(
                "SELECT DISTINCT table_schema || '.' || table_name FROM information_schema.tables"
                " WHERE table_catalog IN ('nights', 'filled') ORDER BY ALL"
            ).fetchall()
            for (table,) in tables:
                if table.startswith(BOOKKEEPING):
                    continue
                one, other = (NAMED.get(table, "SELECT * FROM {}").format(f"{alias}.{table}") for alias in ("nights", "filled"))
                counts = [
                    c.execute(f"SELECT count(*) FROM ({rows})").fetchall()[0][0]
                    for rows in (one, f"{one} EXCEPT ALL {other}", f"{other} EXCEPT ALL {one}")
                ]
                found.append(Compared(table, *counts))
    return found


def rows_of(outcome: Outcome, persons: int) -> list[Row]:
    """For docs/performance.md: how many tables are not the same, and what either way took."""
    tables, rows = len(outcome.compared), sum(c.rows for c in outcome.compared)
    what = f"{len(outcome.order)} plans, {persons:,} persons, {len(outcome.kills)} kills: tables of {tables} ({rows:,} rows) that differ"
    return [
        Row("any_order", what, len(outcome.unlike), "", 0, note=", ".join(outcome.unlike)),
        Row("any_order", "the backfill, with kills", outcome.backfill_seconds / 60, "min",
            peer="consecutive nights", peer_figure=outcome.nights_seconds / 60),
    ]  # fmt: skip


def tell(outcome: Outcome) -> None:
    print(f"order: {' '.join(outcome.order)}")
    print(f"{'kill':>4} {'after s':>8} {'months approved':>16}  the one in the making")
    for number, kill in enumerate(outcome.kills, 1):
        print(f"{number:4} {kill.seconds:8.1f} {kill.approved:16}  {kill.found}")
    print(f"{'table':45} {'rows':>9} {'only nights':>12} {'only backfill':>14}")
    for c in outcome.compared:
        print(f"{c.table:45} {c.rows:9} {c.only_nights:12} {c.only_backfill:14}")
    print(f"nights {outcome.nights_seconds:.0f} s, backfill {outcome.backfill_seconds:.0f} s")
    print(f"not the same: {', '.join(outcome.unlike) or 'none'}")


if __name__ == "__main__":
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    words = [a for a in sys.argv[1:] if a != "--audited"]
    together = int(words.pop(0))
    if "--audited" not in sys.argv:
        night_steps.validate = lambda *_: pl.DataFrame()
        night_steps.audit = lambda night, built: night_steps.complete(night.settings, built, [])
    load(Settings(home=Path(words[0]), landing=Path(words[1])), words[2:], together)
