"""From a manifest to a version that can be opened: `coverage.duckdb` and `analyst.duckdb` in a directory.

Marts, dims and facts come from their parts, in order of part; `quality` from the ledger as it stood at the end of the run, `meta` from the
manifest. The build of a night and `bhyt asof` both end here, so what is assembled again is what was published.

A night copies the files of the version before and exchanges the rows of the parts that differ: what past months hold is not written again.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import duckdb
import polars as pl

from expectations.declare import Table
from expectations.marts import ANALYST_TABLES, BI_TABLES
from expectations.marts.quality import BUILD, DICTIONARY, META, RESULTS, SNAPSHOT
from warehouse import parts
from warehouse.definitions import comment, create, dictionary, quoted
from warehouse.ledger import Ledger
from warehouse.manifests import Manifest
from warehouse.parts import Part
from warehouse.settings import Settings
from warehouse.sql_files import queries
from warehouse.storage import restricted_directory

COVERAGE, ANALYST = "coverage", "analyst"
DERIVED = ("quality",)  # schemas that are made from the ledger and have no parts
AUDIT = "audit"  # the one part of quality.results: what the rules of the marts said, which the ledger does not know
MOST_NEW = 0.3  # of the rows: with more the files are written anew, which also leaves no holes in them
CATALOGS: tuple[tuple[str, tuple[Table, ...]], ...] = ((COVERAGE, BI_TABLES), (ANALYST, ANALYST_TABLES))


def assemble(settings: Settings, manifest: Manifest, directory: Path, before: Manifest | None = None) -> dict[str, int]:
    """Write both databases of a version into `directory`, checkpointed and closed; returns the rows of each table.

    `before`: a version whose files may be begun with, where they are still there, were made by the same code and agree about most rows.
    Raises parts.PartMissing.
    """
    restricted_directory(directory)
    rows: dict[str, int] = {}
    base = _base(settings, manifest, before) if before else None
    if base:
        for catalog, _ in CATALOGS:
            shutil.copyfile(base / f"{catalog}.duckdb", directory / f"{catalog}.duckdb")
    with duckdb.connect(config={"autoinstall_known_extensions": False, "preserve_insertion_order": True}) as c:
        give_ledger(c, Ledger(settings.ledger_dir, until=manifest.run_id))
        for catalog, tables in reversed(CATALOGS):  # `meta`, in the first, tells of both
            c.execute(f"ATTACH {quoted(str(directory / catalog))[:-1]}.duckdb' AS {catalog}")
            c.execute("BEGIN")  # one for all: each statement of its own would wait for the disk
            for table in tables:
                if before and base and table.schema not in DERIVED:
                    _exchange(c, settings, catalog, table, before.of(table.qualified_name), manifest.of(table.qualified_name))
                elif table.schema in DERIVED:
                    c.execute(f"DROP TABLE IF EXISTS {catalog}.{table.qualified_name}")
                    create(c, catalog, table)
                    c.execute(f"INSERT INTO {catalog}.{table.qualified_name} BY NAME {queries()[table.qualified_name].text}")
                else:
                    _fill(c, settings, catalog, table, manifest.of(table.qualified_name))
                rows[table.qualified_name] = count(c, f"{catalog}.{table.qualified_name}")
            if catalog == COVERAGE:
                _describe(c, manifest, rows)
                _add_audit(c, settings, manifest)
            c.execute("COMMIT")
            c.execute(f"CHECKPOINT {catalog}")
            c.execute(f"DETACH {catalog}")
    return rows


def give_ledger(connection: duckdb.DuckDBPyConnection, ledger: Ledger) -> None:
    """The schema `ledger` that the SQL of `quality` reads."""
    connection.execute("CREATE SCHEMA ledger")
    books = {"deliveries": ledger.deliveries(), "results": ledger.results(), "quarantine": ledger.quarantine()}
    books["timings"] = ledger.book("timings")
    for name, frame in books.items():
        connection.register("book", frame.to_arrow())
        connection.execute(f"CREATE TABLE ledger.{name} AS SELECT * FROM book")
        connection.unregister("book")


def note_audit(coverage_file: Path, results: pl.DataFrame) -> None:
    """Add the results of the marts' rules to `quality.results` of a version that is not published yet."""
    with duckdb.connect(str(coverage_file)) as connection:
        insert(connection, "", RESULTS, results.iter_rows(named=True))
        connection.execute("CHECKPOINT")


def _fill(c: duckdb.DuckDBPyConnection, settings: Settings, catalog: str, table: Table, of_table: list[Part]) -> None:
    """One table from its parts. A version of the past has the columns that it had then, also where the declaration has changed since."""
    name = f"{catalog}.{table.qualified_name}"
    if not of_table:
        create(c, catalog, table)
        return
    c.execute("SET VARIABLE files = ?", [[str(p) for p in parts.paths(settings, of_table)]])
    columns = [row[0] for row in c.execute("DESCRIBE SELECT * FROM read_parquet(getvariable('files'))").fetchall()]
    if columns == [f.name for f in table.fields]:
        create(c, catalog, table)
        c.execute(f"INSERT INTO {name} SELECT * FROM read_parquet(getvariable('files'))")
        return
    c.execute(f"CREATE SCHEMA IF NOT EXISTS {catalog}.{table.schema}")
    c.execute(f"CREATE TABLE {name} AS SELECT * FROM read_parquet(getvariable('files'))")
    comment(c, name, table, columns)


def _base(settings: Settings, manifest: Manifest, before: Manifest) -> Path | None:
    """The directory of the version before, if its files may be begun with."""
    directory = settings.versions_dir / before.run_id
    if before.code_version != manifest.code_version or not all((directory / f"{catalog}.duckdb").exists() for catalog, _ in CATALOGS):
        return None
    files = {p.file for p in before.parts}
    new = sum(p.rows for p in manifest.parts if p.file not in files)
    return directory if new <= MOST_NEW * sum(p.rows for p in manifest.parts) else None


def _exchange(
    c: duckdb.DuckDBPyConnection, settings: Settings, catalog: str, table: Table, before: Sequence[Part], now: Sequence[Part]
) -> None:
    """Of a table of the version before: take the rows of the parts that differ out, and put those of today in."""
    name, column = f"{catalog}.{table.qualified_name}", parts.part_column(table)
    was, is_now = {(p.part, p.file) for p in before}, {(p.part, p.file) for p in now}
    for part, _ in sorted(was - is_now):
        if column is None:
            c.execute(f"DELETE FROM {name}")
        else:
            c.execute(f"DELETE FROM {name} WHERE {column} = ?", [parts.part_value(part, column)])
    fresh = [p for p in now if (p.part, p.file) not in was and p.rows]
    if fresh:
        c.execute("SET VARIABLE files = ?", [[str(p) for p in parts.paths(settings, fresh)]])
        c.execute(f"INSERT INTO {name} BY NAME SELECT * FROM read_parquet(getvariable('files'))")


def _add_audit(c: duckdb.DuckDBPyConnection, settings: Settings, manifest: Manifest) -> None:
    """What the rules of the marts said of a version that was audited; of one in the making `note_audit` will."""
    audit = manifest.of(RESULTS.qualified_name)
    if audit:
        c.execute("SET VARIABLE files = ?", [[str(p) for p in parts.paths(settings, audit)]])
        c.execute(f"INSERT INTO {COVERAGE}.{RESULTS.qualified_name} SELECT * FROM read_parquet(getvariable('files'))")


def _describe(c: duckdb.DuckDBPyConnection, manifest: Manifest, rows: Mapping[str, int]) -> None:
    for table in META:
        c.execute(f"DROP TABLE IF EXISTS {COVERAGE}.{table.qualified_name}")
        create(c, COVERAGE, table)
    build = [(n, manifest.fingerprints.get(n, ""), rows[n]) for n in sorted(rows)]
    insert(c, COVERAGE, BUILD, (dict(zip(("table_name", "fingerprint", "rows"), r, strict=True)) for r in build))
    insert(c, COVERAGE, DICTIONARY, dictionary((*BI_TABLES, *ANALYST_TABLES, *META)))
    ((first, last),) = c.execute(f"SELECT min(month), max(month) FROM {COVERAGE}.marts.coverage_nation_month").fetchall()
    snapshot = {"run_id": manifest.run_id, "published_at": manifest.published_at, "code_version": manifest.code_version}
    insert(c, COVERAGE, SNAPSHOT, [snapshot | {"months_from": first, "months_to": last}])


def insert(connection: duckdb.DuckDBPyConnection, catalog: str, table: Table, rows: Iterable[Mapping[str, object]]) -> None:
    frame = pl.DataFrame(list(rows), schema=table.polars_schema)
    connection.register("rows_in", frame.to_arrow())
    name = f"{catalog}.{table.qualified_name}" if catalog else table.qualified_name
    connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM rows_in")
    connection.unregister("rows_in")


def count(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    ((rows,),) = connection.execute(f"SELECT count(*) FROM {name}").fetchall()  # to its end: DuckDB 2.0 waits for unread results
    return int(rows)
