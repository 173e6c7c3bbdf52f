"""Build a version of the warehouse: run the SQL files that must be run, copy the tables that nothing new concerns.

Each table has a fingerprint: a hash of its query, its declaration and the fingerprints of all that it reads. A table whose
fingerprint is that of the published version is copied from there; steps run only when something that must be built reads them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl

from expectations.declare import Table
from expectations.exports import CLAIM_LINES, EXPORTS
from expectations.marts import ANALYST_TABLES, BI_TABLES
from warehouse import packs, parts, reference
from warehouse.assemble import CATALOGS, DERIVED, assemble
from warehouse.ledger import Ledger
from warehouse.manifests import Manifest
from warehouse.parts import Part
from warehouse.settings import Settings
from warehouse.sql_files import Query, queries
from warehouse.storage import replacing, restricted_directory

IN_USE = ("loaded",)
TYPED = {f"typed.{t.name}": t for t in (*EXPORTS, CLAIM_LINES)}
FEW_FILES = 200  # as many are read where a query needs them; more (claims) are first put into one table


@dataclass
class Built:
    """A version that lies ready to be audited and published."""

    run_id: str
    directory: Path
    fingerprints: dict[str, str]
    computed: list[str] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)

    manifest: Manifest | None = None

    @property
    def coverage_file(self) -> Path:
        return self.directory / "coverage.duckdb"

    @property
    def analyst_file(self) -> Path:
        return self.directory / "analyst.duckdb"


def sha256(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


def person_key(settings: Settings) -> bytes:
    """The secret of the keyed hashes, made at first use and kept in the restricted area, outside every database."""
    path = settings.person_key_file
    if not path.exists():
        restricted_directory(path.parent)
        with replacing(path) as temporary:
            temporary.write_text(secrets.token_hex(32), encoding="ascii")
    return bytes.fromhex(path.read_text(encoding="ascii").strip())


def given_fingerprints(settings: Settings, deliveries: pl.DataFrame, persons: str) -> dict[str, str]:
    """Fingerprints of what the build is given: deliveries in use by export, the person index, reference tables, the ledger."""
    found: dict[str, str] = {"persons.card_persons": persons}
    used = deliveries.filter(pl.col("status").is_in(IN_USE))
    for table in EXPORTS:
        of_export = used.filter(pl.col("export") == table.name)  # in order of received_rank
        read = of_export.select(pl.concat_str("delivery_id", "read_by", "records_loaded", separator=" ")).to_series()
        found[f"typed.{table.name}"] = sha256(table.name, _declaration(table), *read)
    found[f"typed.{CLAIM_LINES.name}"] = found["typed.claims"]
    found |= {f"reference.{name}": digest for name, digest in reference.fingerprints().items()}
    return found


def fingerprints(given: dict[str, str], key: bytes, tables: Sequence[Table] = (*BI_TABLES, *ANALYST_TABLES)) -> dict[str, str]:
    """Fingerprint of each SQL file's table, from what it is given. `quality.*` has none: it is made anew each time."""
    declared = {t.qualified_name: _declaration(t) for t in tables}
    secret = hmac.new(key, b"fingerprint", "sha256").hexdigest()
    found = dict(given)
    for name, query in queries().items():
        if query.schema in DERIVED:
            continue
        keyed = secret if "keyed(" in query.text else ""
        found[name] = sha256(query.text, declared.get(name, ""), keyed, *(found[r] for r in sorted(query.reads)))
    return {n: found[n] for n in declared if n in found}


def _declaration(table: Table) -> str:
    return json.dumps([table.grain, [(f.name, f.kind.duckdb, f.meaning, f.unit, f.vietnamese) for f in table.fields]], ensure_ascii=False)


def published_fingerprints(coverage_file: Path) -> dict[str, str]:
    """`meta.build` of a version, without the tables that are made anew each time; empty when there is none."""
    if not coverage_file.exists():
        return {}
    with duckdb.connect(str(coverage_file), read_only=True) as connection:
        return dict(connection.execute("SELECT table_name, fingerprint FROM meta.build WHERE fingerprint <> ''").fetchall())


class Build:
    """One build in a scratch directory; see `run`."""

    def __init__(self, settings: Settings, ledger: Ledger, scratch: Path, previous: Manifest | None, key: bytes) -> None:
        self.settings = settings
        self.deliveries = ledger.deliveries()
        self.previous = previous
        self.connection = duckdb.connect(
            str(scratch / "work.duckdb"),
            config={"autoinstall_known_extensions": False, "temp_directory": str(scratch / "spill"), "preserve_insertion_order": True},
        )
        self._ready: set[str] = set()
        self._key = key

    def run(self, built: Built, published_at: datetime, code_version: str, progress: Callable[[str], None] = lambda _: None) -> Built:
        """Make the parts that must be made, then both databases of `built.directory`, which are left checkpointed and closed."""
        targets = {t.qualified_name: t for _, tables in CATALOGS for t in tables if t.schema not in DERIVED}
        made: list[Part] = []
        try:
            self._give()
            for table in (targets[n] for n in queries() if n in targets):
                progress(table.qualified_name)
                of_table = self._taken_over(built, table)
                if of_table is None:
                    of_table = self._make(table, built.fingerprints[table.qualified_name])
                    built.computed.append(table.qualified_name)
                else:
                    built.copied.append(table.qualified_name)
                self._show(table, of_table)
                made += of_table
        finally:
            self.connection.close()
        built.manifest = Manifest(built.run_id, published_at, code_version, tuple(made), built.fingerprints)
        built.rows = assemble(self.settings, built.manifest, built.directory)
        built.computed += [t.qualified_name for _, tables in CATALOGS for t in tables if t.schema in DERIVED]
        return built

    def _taken_over(self, built: Built, table: Table) -> list[Part] | None:
        """The parts of the previous version, when nothing that the table is made from has changed; else None."""
        name = table.qualified_name
        if self.previous is None or self.previous.fingerprints.get(name) != built.fingerprints[name]:
            return None
        of_table = self.previous.of(name)
        return of_table if parts.all_there(self.settings, of_table) else None

    def _make(self, table: Table, fingerprint: str) -> list[Part]:
        """Run a table's query and keep its rows part by part, each in the order of the query."""
        c = self.connection
        query = queries()[table.qualified_name]
        self._need_all(query)
        self._compare_columns(query, table)
        c.execute("CREATE SCHEMA IF NOT EXISTS making")
        name = f"making.{table.name}"
        c.execute(f"CREATE TABLE {name} ({', '.join(f'{f.name} {f.kind.duckdb}' for f in table.fields)})")
        self._execute(query, f"INSERT INTO {name} BY NAME {query.text}")
        column = parts.part_column(table)
        if column is None:
            of_table = [parts.write(self.settings, table.qualified_name, parts.WHOLE, c.table(name).pl(), fingerprint)]
        else:
            values = [row[0] for row in c.execute(f"SELECT DISTINCT {column} FROM {name} ORDER BY {column}").fetchall()]
            of_table = []
            for value in values:
                rows = c.execute(f"SELECT * FROM {name} WHERE {column} = ?", [value]).pl()
                of_table.append(parts.write(self.settings, table.qualified_name, parts.part_name(value), rows, fingerprint))
        c.execute(f"DROP TABLE {name}")
        return of_table

    def _show(self, table: Table, of_table: list[Part]) -> None:
        """Let the SQL that follows read a table's parts."""
        c = self.connection
        c.execute(f"CREATE SCHEMA IF NOT EXISTS {table.schema}")
        if of_table:
            variable = f"parts_of_{table.schema}_{table.name}"
            c.execute(f"SET VARIABLE {variable} = ?", [[str(p) for p in parts.paths(self.settings, of_table)]])
            c.execute(f"CREATE VIEW {table.qualified_name} AS SELECT * FROM read_parquet(getvariable('{variable}'))")
        else:
            c.execute(f"CREATE TABLE {table.qualified_name} ({', '.join(f'{f.name} {f.kind.duckdb}' for f in table.fields)})")
        self._ready.add(table.qualified_name)

    def _compare_columns(self, query: Query, table: Table) -> None:
        columns = [d[0] for d in self.connection.execute(f"DESCRIBE {query.text}").fetchall()]
        declared = [f.name for f in table.fields]
        if sorted(columns) != sorted(declared):
            raise ValueError(
                f"sql/{query.name.replace('.', '/')}.sql gives {sorted(set(columns) - set(declared))} too much and lacks"
                f" {sorted(set(declared) - set(columns))} of what expectations/marts declares"
            )

    def _give(self) -> None:
        """Make the schemas that SQL may read: typed, persons, reference, ledger, and the macro keyed()."""
        c = self.connection
        reference.load(c)
        pad = self._key.ljust(64, b"\0")
        c.execute("SET VARIABLE inner_pad = ?::BLOB", [bytes(b ^ 0x36 for b in pad)])
        c.execute("SET VARIABLE outer_pad = ?::BLOB", [bytes(b ^ 0x5C for b in pad)])
        # HMAC-SHA-256 (RFC 2104), the first 128 bits
        c.execute(
            "CREATE TEMP MACRO keyed(message) AS left(sha256(getvariable('outer_pad')"
            " || unhex(sha256(getvariable('inner_pad') || encode(message)))), 32)"
        )
        used = self.deliveries.filter(pl.col("status").is_in(IN_USE)).select(
            "delivery_id", "export", "received_rank", "period", register_province="province_code"
        )
        c.register("used", used.to_arrow())
        c.execute("CREATE TABLE deliveries_in_use AS SELECT * FROM used")
        c.unregister("used")
        c.execute("CREATE SCHEMA typed")  # filled when something reads it
        c.execute("CREATE SCHEMA persons")
        if self.settings.card_persons_file.exists():
            c.execute("SET VARIABLE card_persons = ?", [str(self.settings.card_persons_file)])
            c.execute("CREATE VIEW persons.card_persons AS SELECT * FROM read_parquet(getvariable('card_persons'))")
        else:
            c.execute("CREATE TABLE persons.card_persons (card_number VARCHAR, card_key VARCHAR, person_id VARCHAR)")

    def _give_typed(self, table: Table) -> None:
        c = self.connection
        export = "claims" if table is CLAIM_LINES else table.name
        in_use = self.deliveries.filter(pl.col("status").is_in(IN_USE) & (pl.col("export") == export))
        files = packs.files(self.settings, packs.LOADED, table, in_use)
        if 0 < len(files) <= FEW_FILES:
            variable = f"{table.name}_files"
            c.execute(f"SET VARIABLE {variable} = ?", [[str(f) for f in files]])
            rows = f"read_parquet(getvariable('{variable}'))"
        else:
            rows = f"rows_of_{table.name}"
            columns = ", ".join(f"{f.name} {f.kind.duckdb}" for f in table.fields)
            c.execute(f"CREATE TABLE {rows} ({columns})")
            packs.insert(c, rows, files, in_use, [f.name for f in table.fields])
        c.execute(
            f"CREATE VIEW typed.{table.name} AS SELECT r.*, d.received_rank, d.period, d.register_province"
            f" FROM {rows} r JOIN deliveries_in_use d USING (delivery_id)"
        )

    def _need(self, name: str) -> None:
        """Make a step, or the typed rows of an export, and first what it reads."""
        query = queries().get(name)
        if name in self._ready:
            return
        if name in TYPED:
            self._give_typed(TYPED[name])
            self._ready.add(name)
        if query is None:
            return
        self._need_all(query)
        self.connection.execute(f"CREATE SCHEMA IF NOT EXISTS {query.schema}")
        self._execute(query, f"CREATE TABLE {name} AS {query.text}")
        self._ready.add(name)

    def _need_all(self, query: Query) -> None:
        for read in sorted(query.reads):
            self._need(read)

    def _execute(self, query: Query, statement: str) -> None:
        try:
            self.connection.execute(statement)
        except duckdb.Error as error:
            error.add_note(f"in warehouse/sql/{query.name.replace('.', '/')}.sql")
            raise
