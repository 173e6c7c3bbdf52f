"""A BI tool's process: threads that query the published warehouse until a file appears, each in its own manner.

`python reader_loop.py <published coverage.duckdb> <stop file> <manner>...` prints, for each manner, the run ids seen in order, the number
of queries and what went wrong. A query's figures come from two tables, or two files, that agree within each night and differ between
nights. Plain connections and SQLAlchemy's cannot share a process: DuckDB wants one configuration for all that open a file.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import duckdb
import sqlalchemy
from sqlalchemy.pool import NullPool

PAUSE = 0.3  # seconds between two queries: the nights need the processor too
SNAPSHOT = "SELECT run_id FROM meta.snapshot"
NATION = "SELECT sum(insured_persons), max(month) FROM marts.coverage_nation_month"
PROVINCES = "SELECT sum(insured_persons), max(month) FROM marts.coverage_province_month"
# Each night loads one claim file more.
VISITS = "SELECT sum(visits), sum(fund_paid) FROM marts.facility_month"
SERVED = "SELECT sum(visits), sum(fund_paid) FROM marts.facility_service_month"
FACTS = "SELECT count(*), sum(fund_paid) FROM analyst.facts.claim"

Answer = tuple[str, tuple[object, ...], tuple[object, ...]]


def ask(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[object, ...]:
    row = connection.execute(sql).fetchone()
    assert row is not None
    return tuple(row)


def of(connection: duckdb.DuckDBPyConnection) -> Answer:
    (run,) = ask(connection, SNAPSHOT)
    return str(run), (*ask(connection, VISITS), *ask(connection, NATION)), (*ask(connection, SERVED), *ask(connection, PROVINCES))


class Readers:
    def __init__(self, published: Path) -> None:
        self.published = published
        self.long_lived: duckdb.DuckDBPyConnection | None = None
        self.engine = sqlalchemy.create_engine(f"duckdb:///{published}", connect_args={"read_only": True}, poolclass=NullPool)

    def a_connection_per_query(self) -> Answer:
        with duckdb.connect(str(self.published), read_only=True) as connection:
            return of(connection)

    def one_connection_for_all(self) -> Answer:
        self.long_lived = self.long_lived or duckdb.connect(str(self.published), read_only=True)
        return of(self.long_lived)

    def both_files_of_one_version(self) -> Answer:
        """Attached, as docs/bi/clients.md says: `duckdb.connect` may be given what another thread opened in the moment of a publish."""
        version = self.published.parent.resolve()
        with duckdb.connect() as connection:
            for name in ("analyst", "coverage"):
                connection.execute(f"ATTACH '{version / name}.duckdb' AS {name} (READ_ONLY)")
            facts = ask(connection, FACTS)
            connection.execute("USE coverage")
            (run,) = ask(connection, SNAPSHOT)
            return str(run), ask(connection, VISITS), facts

    def sqlalchemy_without_a_pool(self) -> Answer:
        with self.engine.connect() as connection:
            run, visits, served = (tuple(connection.execute(sqlalchemy.text(q)).one()) for q in (SNAPSHOT, VISITS, SERVED))
            return str(run[0]), visits, served


def loop(query: Callable[[], Answer], stop: Path, seen: dict[str, object]) -> None:
    runs: list[str] = []
    count = 0
    try:
        last = False
        while not last:
            last = stop.exists()  # once more after the last publish
            run, left, right = query()
            count += 1
            if not runs or runs[-1] != run:
                runs.append(run)
            if count == 1:
                sys.stdout.write("reading\n")
                sys.stdout.flush()
            if left != right:
                seen["mixture"] = f"{run}: {left} and {right}"
            time.sleep(PAUSE)
    except Exception:
        seen["error"] = traceback.format_exc()
    seen |= {"runs": runs, "queries": count}


if __name__ == "__main__":
    readers = Readers(Path(sys.argv[1]))
    found: dict[str, dict[str, object]] = {manner: {} for manner in sys.argv[3:]}
    threads = [threading.Thread(target=loop, args=(getattr(readers, m), Path(sys.argv[2]), seen)) for m, seen in found.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.stdout.write(json.dumps(found))
