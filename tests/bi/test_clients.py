"""Each client of docs/bi/clients.md reads the published file: Python's always, the others once `make clients-test` has installed them."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pytest
from sqlalchemy import create_engine, pool, text

from tests.conftest import RunNight
from tests.nights import ROOT, Place
from warehouse.samples import write

CLIENTS = ROOT / ".clients"
LATEST = "SELECT strftime(month, '%Y-%m-%d') AS month, insured_persons FROM marts.coverage_nation_month ORDER BY month DESC LIMIT 1"
installed = pytest.mark.skipif(
    not (CLIENTS / ".installed").exists() or not shutil.which("node"),
    reason="these clients have environments of their own: `make clients-test`, with Node.js",
)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, run_night: RunNight) -> Path:
    root = tmp_path_factory.mktemp("clients")
    place = Place(root)
    write(root, persons=500, months=(date(2025, 7, 1), date(2025, 7, 1)), seed=3, provinces=("22",))
    run_night(place.home, place.landing)
    return place.home / "warehouse" / "current" / "coverage.duckdb"


@pytest.fixture(scope="module")
def expected(published: Path) -> tuple[str, int]:
    """What every client must say: the latest month and the persons insured at its end."""
    with duckdb.connect(str(published), read_only=True) as connection:
        row = connection.execute(LATEST).fetchone()
    assert row is not None
    assert row[1] > 100
    return row[0], int(row[1])


def said(*command: str | Path) -> str:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_polars(published: Path, expected: tuple[str, int]) -> None:
    with duckdb.connect(str(published), read_only=True) as connection:
        frame = connection.execute(LATEST).pl()
    assert isinstance(frame, pl.DataFrame)
    assert frame.rows() == [expected]


def test_pandas(published: Path, expected: tuple[str, int]) -> None:
    with duckdb.connect(str(published), read_only=True) as connection:
        frame = connection.execute(LATEST).df()
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.itertuples(index=False, name=None)) == [expected]


@installed
def test_command_line(published: Path, expected: tuple[str, int]) -> None:
    (row,) = json.loads(said(CLIENTS / "cli" / "bin" / "duckdb", "-readonly", "-json", published, LATEST))
    assert (row["month"], row["insured_persons"]) == expected


@installed
def test_node(published: Path, expected: tuple[str, int]) -> None:
    row = json.loads(said("node", CLIENTS / "read.mjs", published))
    assert (row["month"], int(row["insured_persons"])) == expected


@installed
@pytest.mark.parametrize("version", ["oldest", "newest"])
@pytest.mark.parametrize("file", ["coverage.duckdb", "analyst.duckdb"])
def test_oldest_and_newest_duckdb_that_are_promised(published: Path, version: str, file: str) -> None:
    program = """
import duckdb, sys
c = duckdb.connect(sys.argv[1], read_only=True)
names = c.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables() ORDER BY ALL").fetchall()
print([(n, c.execute(f"SELECT count(*) FROM {n}").fetchall()[0][0]) for (n,) in names])
"""
    path = published.with_name(file)
    with duckdb.connect(str(path), read_only=True) as connection:
        names = connection.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables() ORDER BY ALL").fetchall()
        here = [(n, connection.execute(f"SELECT count(*) FROM {n}").fetchall()[0][0]) for (n,) in names]
    assert said(CLIENTS / version / "bin" / "python", "-c", program, path).strip() == str(here)


def test_sqlalchemy(published: Path, expected: tuple[str, int], tmp_path: Path) -> None:
    # A copy: DuckDB opens a file once a process, and SQLAlchemy's driver opens it with settings of its own.
    copy = shutil.copy(published, tmp_path / "coverage.duckdb")
    engine = create_engine(f"duckdb:///{copy}", connect_args={"read_only": True}, poolclass=pool.NullPool)
    with engine.connect() as connection:
        assert [tuple(r) for r in connection.execute(text(LATEST))] == [expected]
