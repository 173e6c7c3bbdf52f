"""Build a version of the warehouse: run the SQL files that must be run, copy the tables that nothing new concerns.

Each table has a fingerprint: a hash of its query, its declaration and the fingerprints of all that it reads. A table whose
fingerprint is that of the published version is copied from there; steps run only when something that must be built reads them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl

from expectations.declare import Table
from expectations.exports import CLAIM_LINES, EXPORTS
from expectations.marts import ANALYST_TABLES, BI_TABLES
from expectations.marts.quality import BUILD, DICTIONARY, META, RESULTS, SNAPSHOT
from expectations.validation import RuleResult
from warehouse import packs, reference
from warehouse.definitions import create, dictionary, quoted
from warehouse.ledger import Ledger
from warehouse.settings import Settings
from warehouse.sql_files import Query, queries
from warehouse.storage import replacing, restricted_directory

COVERAGE, ANALYST = "coverage", "analyst"
NEVER_COPIED = ("quality",)  # cheap, and the audit adds to them after the build
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
        if query.schema in NEVER_COPIED:
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

    def __init__(self, settings: Settings, ledger: Ledger, scratch: Path, previous: Path | None, key: bytes) -> None:
        self.settings = settings
        self.deliveries = ledger.deliveries()
        self.ledger = ledger
        self.previous = previous
        self.connection = duckdb.connect(
            str(scratch / "work.duckdb"),
            config={"autoinstall_known_extensions": False, "temp_directory": str(scratch / "spill"), "preserve_insertion_order": True},
        )
        self._ready: set[str] = set()
        self._key = key

    def run(self, built: Built, published_at: datetime, code_version: str, progress: Callable[[str], None] = lambda _: None) -> Built:
        """Write both databases of `built.directory`. Leaves them checkpointed and closed."""
        c = self.connection
        restricted_directory(built.directory)
        c.execute(f"ATTACH {quoted(str(built.coverage_file))} AS {COVERAGE}")
        c.execute(f"ATTACH {quoted(str(built.analyst_file))} AS {ANALYST}")
        old = published_fingerprints(self.previous / "coverage.duckdb") if self.previous else {}
        if old and self.previous:
            for catalog in (COVERAGE, ANALYST):
                c.execute(f"ATTACH {quoted(str(self.previous / catalog))[:-1]}.duckdb' AS old_{catalog} (READ_ONLY)")
        self._give()
        for catalog, tables in ((COVERAGE, BI_TABLES), (ANALYST, ANALYST_TABLES)):
            for table in tables:
                create(c, catalog, table)
        order = list(queries())
        targets = {t.qualified_name: (catalog, t) for catalog, ts in ((COVERAGE, BI_TABLES), (ANALYST, ANALYST_TABLES)) for t in ts}
        for name in (n for n in order if n in targets):
            catalog, table = targets[name]
            progress(name)
            if name in built.fingerprints and old.get(name) == built.fingerprints[name]:
                c.execute(f"INSERT INTO {catalog}.{name} SELECT * FROM old_{catalog}.{name}")
                built.copied.append(name)
            else:
                self._fill(catalog, table)
                built.computed.append(name)
            c.execute(f"CREATE SCHEMA IF NOT EXISTS {table.schema}")
            c.execute(f"CREATE VIEW {name} AS SELECT * FROM {catalog}.{name}")
            self._ready.add(name)
            built.rows[name] = _count(c, f"{catalog}.{name}")
        self._describe(built, published_at, code_version)
        self.close()
        return built

    @staticmethod
    def note_audit(built: Built, results: Iterable[RuleResult]) -> None:
        """Add the results of the marts' rules to `quality.results` of a version that is not published yet."""
        rows = [
            {"delivery_id": r.table, "rule": r.rule, "severity": r.severity, "checked": checked, "failed": r.failed,
             "failed_pct": 100 * r.failed / checked if checked and r.failed is not None else None,
             "status": "error" if r.failed is None else "failed" if r.failed else "passed" if checked else "not_applicable"}
            for r in results
            for checked in (built.rows.get(r.table, 0),)
        ]  # fmt: skip
        with duckdb.connect(str(built.coverage_file)) as connection:
            connection.register("rows_in", pl.DataFrame(rows, schema=RESULTS.polars_schema).to_arrow())
            connection.execute("INSERT INTO quality.results BY NAME SELECT * FROM rows_in")
            connection.unregister("rows_in")
            connection.execute("CHECKPOINT")

    def close(self) -> None:
        for (name,) in self.connection.execute("SELECT database_name FROM duckdb_databases() WHERE NOT internal").fetchall():
            if name in (COVERAGE, ANALYST):
                self.connection.execute(f"CHECKPOINT {name}")
                self.connection.execute(f"DETACH {name}")
        self.connection.close()

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
        c.execute("CREATE SCHEMA ledger")
        books = {"deliveries": self.deliveries, "results": self.ledger.results(), "quarantine": self.ledger.quarantine()}
        books["timings"] = self.ledger.book("timings")
        for name, frame in books.items():
            c.register("book", frame.to_arrow())
            c.execute(f"CREATE TABLE ledger.{name} AS SELECT * FROM book")
            c.unregister("book")

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

    def _fill(self, catalog: str, table: Table) -> None:
        query = queries()[table.qualified_name]
        self._need_all(query)
        columns = [d[0] for d in self.connection.execute(f"DESCRIBE {query.text}").fetchall()]
        declared = [f.name for f in table.fields]
        if sorted(columns) != sorted(declared):
            raise ValueError(
                f"sql/{query.name.replace('.', '/')}.sql gives {sorted(set(columns) - set(declared))} too much and lacks"
                f" {sorted(set(declared) - set(columns))} of what expectations/marts declares"
            )
        self._execute(query, f"INSERT INTO {catalog}.{query.name} BY NAME {query.text}")

    def _execute(self, query: Query, statement: str) -> None:
        try:
            self.connection.execute(statement)
        except duckdb.Error as error:
            error.add_note(f"in warehouse/sql/{query.name.replace('.', '/')}.sql")
            raise

    def _describe(self, built: Built, published_at: datetime, code_version: str) -> None:
        c = self.connection
        for table in META:
            create(c, COVERAGE, table)
        build = [(n, built.fingerprints.get(n, ""), built.rows[n]) for n in sorted(built.rows)]
        _insert(c, BUILD, [dict(zip(("table_name", "fingerprint", "rows"), r, strict=True)) for r in build])
        _insert(c, DICTIONARY, dictionary((*BI_TABLES, *ANALYST_TABLES, *META)))
        (months,) = c.execute(f"SELECT min(month), max(month) FROM {COVERAGE}.marts.coverage_nation_month").fetchall()
        snapshot = {"run_id": built.run_id, "published_at": published_at, "code_version": code_version}
        snapshot |= {"months_from": months[0], "months_to": months[1]}
        _insert(c, SNAPSHOT, [snapshot])


def _insert(connection: duckdb.DuckDBPyConnection, table: Table, rows: Iterable[Mapping[str, object]]) -> None:
    frame = pl.DataFrame(list(rows), schema=table.polars_schema)
    connection.register("rows_in", frame.to_arrow())
    connection.execute(f"INSERT INTO {COVERAGE}.{table.qualified_name} BY NAME SELECT * FROM rows_in")
    connection.unregister("rows_in")


def _count(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    ((rows,),) = connection.execute(f"SELECT count(*) FROM {name}").fetchall()  # to its end: DuckDB 2.0 waits for unread results
    return int(rows)
