"""What a month costs in a warehouse of three years: a new month, one corrected register, one month of one province.

    python benchmarks/history.py [--persons 2000] [--months 36]
    python benchmarks/history.py order [--persons 2000] [--months 36] [--seed 1] [--kills 10] [--audited]

A simulated world is delivered in one night but for its last month; then the last month comes, then a register of 2024-06 again without
one of its lines, then one province's register of the last month so. Beside it the last month alone is delivered to an empty work area.
Measured is the build (parts and both databases, without reading and without the audit): processor seconds and wall seconds, and how many
parts were made of how many. The ratio to the month alone is what the issue limits to 1.5.

`order` asks whether months in any order, with kills, give what consecutive nights give (`benchmarks/any_order.py`). Both keep their figures
for docs/performance.md with `--keep`; `python -m benchmarks history any_order` does both.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import polars as pl

from benchmarks.results import Row, keep
from flows import night as steps
from warehouse.monthly import after
from warehouse.samples import write
from warehouse.settings import Settings

FIRST, LAST = date(2023, 1, 1), date(2025, 12, 1)
CORRECTED = "2024-06"
PROVINCES = ("24", "27", "30", "31")


@dataclass(frozen=True)
class Cost:
    """One build: processor and wall seconds, parts made, parts in the version."""

    what: str
    processor: float
    wall: float
    made: int
    parts: int


def night(home: Path, landing: Path, number: int, what: str) -> Cost:
    """One night without the audit; what its build cost."""
    settings = Settings(home=home, landing=landing, keep_versions=2)
    tonight = steps.begin(settings, datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number))
    found = steps.look(tonight)
    outcomes = steps.read(tonight, found.to_read)
    items, outcomes = steps.settle(tonight, found, outcomes)
    steps.record(tonight, found, items, outcomes, pl.DataFrame())
    steps.link_persons(tonight)
    steps.attach_claims(tonight)
    processor, wall = time.process_time(), time.perf_counter()
    built = steps.build(tonight)
    processor, wall = time.process_time() - processor, time.perf_counter() - wall
    steps.complete(settings, built, [])
    steps.put_in_place(tonight, built)
    assert built.manifest
    return Cost(what, processor, wall, sum(map(len, built.made.values())), len(built.manifest.parts) - 1)


def give(files: Iterable[Path], source: Path, landing: Path) -> None:
    for file in files:
        target = landing / file.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, target)


def of_month(file: Path, month: str) -> bool:
    return month in file.as_posix() or month.replace("-", "") in file.name


def correct(source: Path, landing: Path, month: str) -> None:
    """Deliver the first province's register of a month again, without its last line."""
    register = min(p for p in (source / "provinces" / "cards").rglob("*.csv") if month in str(p))
    content = b"".join(register.read_bytes().splitlines(keepends=True)[:-1])
    folder = landing / register.parent.relative_to(source) / "again"
    folder.mkdir(parents=True)
    (folder / register.name).write_bytes(content)
    said = json.loads(register.with_name(f"{register.name}.manifest.json").read_text(encoding="utf-8"))
    said |= {"rows": said["rows"] - 1, "sha256": sha256(content).hexdigest()}
    (folder / f"{register.name}.manifest.json").write_text(json.dumps(said), encoding="utf-8")


def measure(persons: int, months: int) -> list[Cost]:
    with tempfile.TemporaryDirectory(prefix="history-") as name:
        root = Path(name)
        first = after(LAST, 1 - months)
        write(root / "world", persons=persons, months=(first, LAST), seed=1, provinces=PROVINCES, visits_per_person_year=2.0)
        source = root / "world" / "landing"
        files = sorted(p for p in source.rglob("*") if p.is_file())
        # A list of enterprises that comes with it would move those of merged provinces in all quarters, another matter: it comes before.
        last = [p for p in files if of_month(p, f"{LAST:%Y-%m}") and "planning" not in p.parts]
        give(last, source, root / "alone-landing")
        alone = [night(root / f"alone-{n}", root / "alone-landing", 0, "the last month alone") for n in (1, 2)]
        costs = [min(alone, key=lambda c: c.processor)]  # the first pays for what a process does once
        landing, home = root / "landing", root / "data"
        give((p for p in files if p not in last), source, landing)
        costs.append(night(home, landing, 0, f"all but the last of {months} months"))
        give(last, source, landing)
        costs.append(night(home, landing, 1, "then the last month"))
        if first <= date.fromisoformat(f"{CORRECTED}-01"):
            correct(source, landing, CORRECTED)
            costs.append(night(home, landing, 2, f"then one register of {CORRECTED} again"))
        correct(source, landing, f"{LAST:%Y-%m}")
        costs.append(night(home, landing, 3, "then one province's register of the last month again"))
        return costs


def rows_of(costs: Sequence[Cost]) -> list[Row]:
    """For docs/performance.md: processor seconds in proportion to the month alone."""
    alone = costs[0].processor
    limits = {costs[-1].what: 1.5}
    return [
        Row(
            "history",
            c.what,
            c.processor / alone,
            "×",
            limits.get(c.what),
            note=f"{c.processor:.1f} s of CPU, {c.made} of {c.parts} parts made",
        )
        for c in costs[2:]
    ]


def tell_costs(costs: Sequence[Cost]) -> None:
    alone = costs[0]
    print(f"{'build of':55} {'processor s':>12} {'of alone':>9} {'wall s':>8} {'parts made':>12}")
    for c in costs:
        print(f"{c.what:55} {c.processor:12.1f} {c.processor / alone.processor:9.2f} {c.wall:8.1f} {f'{c.made} of {c.parts}':>12}")


def main() -> int:
    from benchmarks import any_order

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("cost", "order"), default="cost")
    parser.add_argument("--persons", type=int, default=2_000)
    parser.add_argument("--months", type=int, default=36)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--audited", action="store_true", help="order: with Great Expectations")
    parser.add_argument("--keep", action="store_true", help="in docs/performance.json and the page made of it")
    asked = parser.parse_args()
    print(f"{asked.persons} persons, {asked.months} months")
    if asked.what == "cost":
        costs = measure(asked.persons, asked.months)
        tell_costs(costs)
        rows = rows_of(costs)
    else:
        with tempfile.TemporaryDirectory(prefix="order-") as name:
            first = after(LAST, 1 - asked.months)
            outcome = any_order.measure(Path(name), asked.persons, asked.seed, asked.kills, first, asked.audited)
        any_order.tell(outcome)
        rows = any_order.rows_of(outcome, asked.persons)
    if asked.keep:
        keep(rows[0].entry, rows)
    return int(any(r.reached is False for r in rows))


if __name__ == "__main__":
    sys.exit(main())
