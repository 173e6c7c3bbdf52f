"""A night that does not end well: what was published stands, and the next night makes up for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from expectations.declare import Severity, Table
from expectations.marts import BI_TABLES
from tests.conftest import FIRST_NIGHT, RunNight
from tests.golden.published import Published, all_tables, unlike
from tests.golden.worlds import BOOKKEEPING, ButOne
from tests.nights import ROOT, environment

# Runs `bhyt nightly`, and dies at the n-th call of a function as at the pull of a plug: no handler, no finally, no flush.
DYING_NIGHT = """
import importlib, os, signal, sys
module, holder, function, call = sys.argv[1:5]
sys.argv[1:] = ["nightly"]
place = importlib.import_module(module)
place = getattr(place, holder) if holder else place
whole, calls = getattr(place, function), []
def dying(*args, **kwargs):
    calls.append(None)
    if len(calls) == int(call):
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(*args, **kwargs)
setattr(place, function, dying)
from flows.cli import main
main()
"""


def die_in_the_night(home: Path, landing: Path, *place: str) -> None:
    """A night in a process of its own, under the Prefect server of `run_night`."""
    from prefect.settings import PREFECT_API_URL

    settings = {
        "COVERAGE_HOME": str(home), "COVERAGE_LANDING": str(landing), "COVERAGE_DATA_DOCS": "false",
        "PREFECT_API_URL": str(PREFECT_API_URL.value()), "PREFECT_HOME": os.environ["PREFECT_HOME"],
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", DYING_NIGHT, *place], env=environment(**settings), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def names(home: Path) -> set[str]:
    """Every file and directory of the warehouse and of the restricted area; hidden ones are rubbish of a night.

    Parts of facts are named after their bytes, and keyed hashes are those of the work area's own key: they go by their directory.
    """
    found = {str(p.relative_to(home)) for part in ("warehouse", "restricted") for p in (home / part).rglob("*")}
    return {str(Path(n).parent) if n.startswith("restricted/parts/facts.") else n for n in found}


def test_a_night_killed_while_it_reads_leaves_nothing_behind(small: Published, run_night: RunNight, tmp_path: Path) -> None:
    """Here the work area also makes a key of its own, so keyed hashes are others, and nothing else is."""
    home = tmp_path / "data"
    die_in_the_night(home, small.landing, "warehouse.storage", "ParquetSink", "close", "8")
    assert not (home / "warehouse" / "current").exists()
    assert any((home / "restricted" / "loaded").rglob("*.parquet")), "killed in the middle: some deliveries were read"

    summary = run_night(home, small.landing)
    after = Published(home, small.world, summary)
    assert unlike(small.tables, after.tables, ("facts.", "meta.snapshot", "meta.build", "quality.timings")) == []
    for name, keys in {"facts.claim": ["claim_key", "person_key"], "facts.claim_cost": ["claim_key"]}.items():
        mine, theirs = small.tables[name], after.tables[name]
        columns = [c for c in mine.columns if c not in keys]
        assert mine.select(columns).sort(columns).equals(theirs.select(columns).sort(columns), null_equal=True)
        assert not set(mine["claim_key"]) & set(theirs["claim_key"])
    assert names(home) == names(small.home)


def test_a_night_killed_twice_leaves_the_old_version_and_the_next_publishes(
    small: Published, all_but_one: ButOne, run_night: RunNight, tmp_path: Path
) -> None:
    """Once with the ledger half written, then with the new version whole and the link still on the old one."""
    world = all_but_one.copy(tmp_path)
    current = world.home / "warehouse" / "current"
    old = current.resolve()
    world.deliver_the_last()
    die_in_the_night(world.home, world.landing, "warehouse.ledger", "Ledger", "write", "3")
    assert current.resolve() == old
    die_in_the_night(world.home, world.landing, "warehouse.publish", "", "swing", "1")
    assert current.resolve() == old

    summary = run_night(world.home, world.landing, FIRST_NIGHT + timedelta(days=3))
    assert summary.new
    assert current.resolve() != old
    assert unlike(small.tables, Published(world.home, small.world, summary).tables, BOOKKEEPING) == []
    assert [n for n in names(world.home) if any(part.startswith(".") for part in Path(n).parts)] == []
    assert not any((world.home / "restricted" / "spool").iterdir())
    assert len(list((world.home / "warehouse" / "versions").iterdir())) == 3, "of the nights that ended well, no other"


def test_a_broken_rule_of_a_mart_keeps_the_old_version(
    small: Published,
    all_but_one: ButOne,
    run_night: RunNight,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from flows import cli

    world = all_but_one.copy(tmp_path)
    current = world.home / "warehouse" / "current"
    old, tables = current.resolve(), all_tables(current / "coverage.duckdb")
    world.deliver_the_last()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "flows.night.BI_TABLES", tuple(_with_a_rule_that_all_rows_break(t) if t.name == "facility_month" else t for t in BI_TABLES)
        )
        for name, value in {"HOME": world.home, "LANDING": world.landing, "DATA_DOCS": "false"}.items():
            patch.setenv(f"COVERAGE_{name}", str(value))
        assert cli.nightly() == 1
    said = capsys.readouterr().err
    assert "facility_month.visits.defect" in said
    assert "the published warehouse stands as it was" in said
    assert current.resolve() == old
    assert unlike(tables, all_tables(current / "coverage.duckdb")) == []

    summary = run_night(world.home, world.landing, FIRST_NIGHT + timedelta(days=3))
    assert summary.new, "the deliveries of the failed night are in the ledger and wait to be published"
    assert unlike(small.tables, Published(world.home, small.world, summary).tables, BOOKKEEPING) == []


def _with_a_rule_that_all_rows_break(table: Table) -> Table:
    first = next(r for r in table.rules if r.severity == Severity.ERROR)
    return replace(table, rules=(replace(first, name="facility_month.visits.defect", offends="true"), *table.rules[1:]))
