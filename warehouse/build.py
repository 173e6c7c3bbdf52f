"""Build a version of the warehouse: make the parts that must be made, take over all others, and assemble both databases from them.

A table whose fingerprint (its query, its declaration, all that it reads) is that of the previous version is taken over whole. Of the others
those of `warehouse.monthly` are made part by part: digests say which months have changed, and the monthly steps are cut down to them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import duckdb

from expectations.declare import Table
from expectations.exports import CLAIM_LINES
from expectations.exports.cards import CARDS
from expectations.exports.claims import CLAIMS as CLAIM_ROWS
from warehouse import memory, parts
from warehouse.assemble import CATALOGS, DERIVED, assemble
from warehouse.claim_memory import ClaimMemory
from warehouse.fingerprints import of_tables, of_texts
from warehouse.given import REGISTER_DIGESTS, TYPED, Given
from warehouse.ledger import Ledger
from warehouse.manifests import Manifest
from warehouse.memory import DIGESTS, KNOWN
from warehouse.monthly import CLAIMS, CUT, MONTHLY, REGISTERS, Fingerprints, in_order, leaves, steps_read
from warehouse.parts import Part
from warehouse.settings import Settings
from warehouse.sql_files import Query, queries

_ROWS_OF = {REGISTERS: (CARDS,), CLAIMS: (CLAIM_ROWS, CLAIM_LINES)}

_WITHIN = f"""
    SET VARIABLE claim_months_within = (
        SELECT [min(month), max(month)]
        FROM {DIGESTS}
        WHERE
            list_contains(getvariable('claim_months'), month)
            OR list_contains(getvariable('claim_service_months'), service_month)
    )
"""


@dataclass
class Built:
    """A version that lies ready to be audited and published.

    `computed`: tables of which at least one part was made (`made` names them), `copied` the others.
    """

    run_id: str
    directory: Path
    relations: dict[str, str]  # fingerprints of all relations; see `warehouse.fingerprints`
    computed: list[str] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)
    made: dict[str, list[str]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    manifest: Manifest | None = None

    @property
    def fingerprints(self) -> dict[str, str]:
        """Those of the tables that are kept."""
        return of_tables(self.relations)

    @property
    def coverage_file(self) -> Path:
        return self.directory / "coverage.duckdb"

    @property
    def analyst_file(self) -> Path:
        return self.directory / "analyst.duckdb"


@dataclass(frozen=True)
class Plan:
    """Of one monthly table: the parts that it has, each with its fingerprint, and those of them that must be made."""

    fingerprints: dict[str, str]
    dirty: list[str]


class Build:
    """One build in a scratch directory; see `run`."""

    def __init__(self, settings: Settings, ledger: Ledger, scratch: Path, previous: Manifest | None, key: bytes) -> None:
        self.settings = settings
        self.previous = previous
        self.connection = duckdb.connect(
            ":memory:",  # what is thrown away need not be compressed; what memory does not hold goes to `spill`
            config={
                "autoinstall_known_extensions": False,
                "temp_directory": str(scratch / "spill"),
                "preserve_insertion_order": True,
                "memory_limit": f"{settings.memory_gb:g}GB",
            },
        )
        self.connection.execute("LOAD parquet")
        self.connection.execute("SET parquet_metadata_cache = true")  # the memory's parts are looked at many times
        self._deliveries = ledger.deliveries()
        self._key = key
        self._targets = {t.qualified_name: t for _, tables in CATALOGS for t in tables if t.schema not in DERIVED}
        self._ready: set[str] = set()
        self._remembering = False
        self.memory: tuple[Part, ...] = ()
        self._kept: dict[str, dict[str, str]] = {}
        self._restricted: set[str] = set()
        self._digests: dict[str, dict[date, str]] = {}
        self._planned: dict[str, dict[str, Plan]] = {}

    def run(self, built: Built, published_at: datetime, code_version: str, progress: Callable[[str], None] = lambda _: None) -> Built:
        """Make the parts that must be made, then both databases of `built.directory`, which are left checkpointed and closed."""
        of_version = self.parts(built, progress)
        remembered = self.memory or (self.previous.memory if self.previous else ())
        built.manifest = Manifest(built.run_id, published_at, code_version, of_version, built.fingerprints, remembered)
        built.rows = assemble(self.settings, built.manifest, built.directory, self.previous)
        built.computed += [t.qualified_name for _, tables in CATALOGS for t in tables if t.schema in DERIVED]
        return built

    def parts(self, built: Built, progress: Callable[[str], None] = lambda _: None) -> tuple[Part, ...]:
        """All parts of the version, in order of table and part: those of the previous one that stand, and those that were made now."""
        found: list[Part] = []
        try:
            self._given = Given(self.connection, self.settings, self._deliveries, self._key)
            for name in in_order(self._targets):
                progress(name)
                of_table, made = self._of_table(built, self._targets[name])
                built.made[name] = made
                (built.computed if made else built.copied).append(name)
                self._kept[name] = {p.part: p.fingerprint for p in of_table}
                self._show(self._targets[name], of_table)
                found += of_table
        finally:
            self.connection.close()
        return tuple(sorted(found, key=lambda p: (p.table_name, p.part)))

    def _of_table(self, built: Built, table: Table) -> tuple[list[Part], list[str]]:
        """The parts of a table, and the names of those that were made."""
        name = table.qualified_name
        if self._stands(built, name):
            assert self.previous
            return self.previous.of(name), []
        if name not in MONTHLY:
            if leaves(name) & self._restricted:
                self._unrestrict()
            of_table = self._make(table, {parts.WHOLE: built.relations[name]})
            return of_table, [p.part for p in of_table] or [parts.WHOLE]
        plan = self._plan(built, MONTHLY[name].family)[name]
        before = {p.part: p for p in self.previous.of(name)} if self.previous else {}
        fresh = {p.part: p for p in self._make(table, plan.fingerprints, plan.dirty)} if plan.dirty else {}
        return [fresh.get(part) or before[part] for part in sorted(plan.fingerprints)], plan.dirty

    def _stands(self, built: Built, name: str) -> bool:
        """Whether nothing that a table is made from has changed since the previous version."""
        if self.previous is None or self.previous.fingerprints.get(name) != built.relations[name]:
            return False
        return parts.all_there(self.settings, self.previous.of(name))

    def _plan(self, built: Built, family: str) -> dict[str, Plan]:
        """What must be made of each table of a family; cuts the family's steps down to it."""
        if family in self._planned:
            return self._planned[family]
        members = {n: m for n, m in MONTHLY.items() if m.family == family}
        self._unrestrict()  # the families read other registers
        for step in sorted({d for m in members.values() for d in m.digests.values()}):
            self._digests[step] = self._digest(step)
        fingerprints = Fingerprints(built.relations, of_texts(self._key), self._digests, self._kept)
        plans: dict[str, Plan] = {}
        needed: dict[str, set[date]] = {}
        for name, monthly in members.items():
            of_parts = {p: fingerprints.of_part(name, p) for p in {monthly.part(m) for m in self._months(monthly.domain)}}
            standing = self._standing(name)
            plans[name] = Plan(of_parts, [p for p in sorted(of_parts) if standing.get(p) != of_parts[p]])
            for column, months in monthly.needs(plans[name].dirty).items():
                needed.setdefault(column, set()).update(months)
        if not any(self._reads_whole(built, n, family) for n in self._targets):
            self._cut(family, needed)
        else:
            self._unrestrict()
        self._planned[family] = plans
        return plans

    def _standing(self, name: str) -> dict[str, str]:
        """The parts of a table in the previous version whose files are there, with their fingerprints."""
        before = self.previous.of(name) if self.previous else []
        return {p.part: p.fingerprint for p in before if parts.all_there(self.settings, [p])}

    def _reads_whole(self, built: Built, name: str, family: str) -> bool:
        """Whether a table that is made whole must be made and reads a step that would be cut."""
        return name not in MONTHLY and CUT[family] in steps_read(name) and not self._stands(built, name)

    def _digest(self, step: str) -> dict[date, str]:
        self._need(step)
        return {m: str(d) for m, d in self.connection.execute(f"SELECT month, digest FROM {step}").fetchall()}

    def _months(self, step: str) -> list[date]:
        self._need(step)
        return [m for (m,) in self.connection.execute(f"SELECT month FROM {step}").fetchall()]

    def _cut(self, family: str, needed: dict[str, set[date]]) -> None:
        """Keep only those rows of a family's step that a part to be made looks at, and give only the deliveries that these come from."""
        c, step = self.connection, CUT[family]
        months, service_months = sorted(needed.get("month", ())), sorted(needed.get("service_month", ()))
        if family == CLAIMS:
            c.execute("SET VARIABLE claim_months = ?::DATE[]", [months])
            c.execute("SET VARIABLE claim_service_months = ?::DATE[]", [service_months])
            c.execute(_WITHIN)
        self._need(step)
        if family == REGISTERS:
            c.execute("SET VARIABLE months_needed = ?::DATE[]", [months])
            c.execute(f"DELETE FROM {step} WHERE list_contains(getvariable('months_needed'), month) IS NOT TRUE")
        deliveries = {i for (i,) in c.execute(f"SELECT DISTINCT delivery_id FROM {step}").fetchall()}
        for table in _ROWS_OF[family]:
            self._restrict(table, deliveries)

    def _restrict(self, table: Table, deliveries: Collection[str]) -> None:
        """Give only the rows of some deliveries of an export, until `_unrestrict`."""
        self._given.typed(table, deliveries)
        self._restricted.add(f"typed.{table.name}")
        self._ready.add(f"typed.{table.name}")

    def _unrestrict(self) -> None:
        """What reads the rows of an export from here on is given those of all deliveries in use again."""
        self._ready -= self._restricted
        self._restricted.clear()

    def _make(self, table: Table, fingerprints: Mapping[str, str], only: Collection[str] | None = None) -> list[Part]:
        """Run a table's query and keep its rows part by part, each in the order of the query.

        `only`: the parts that are wanted, also where they are empty; None: those that there are rows of. `fingerprints`: of parts; that of
        `parts.WHOLE` for all that it does not name.
        """
        c = self.connection
        query = queries()[table.qualified_name]
        self._need_all(query)
        self._compare_columns(query, table)
        c.execute("CREATE SCHEMA IF NOT EXISTS making")
        name = f"making.{table.name}"
        c.execute(f"CREATE TABLE {name} ({', '.join(f'{f.name} {f.kind.duckdb}' for f in table.fields)})")
        self._execute(query, f"INSERT INTO {name} BY NAME {query.text}")
        column = parts.part_column(table)
        made = []
        for part in self._parts_in(name, column) if only is None else only:
            rows = f"SELECT * FROM {name}"
            frame = (c.execute(rows) if column is None else c.execute(f"{rows} WHERE {column} = ?", [parts.part_value(part, column)])).pl()
            fingerprint = fingerprints.get(part, fingerprints.get(parts.WHOLE, ""))
            made.append(parts.write(self.settings, table.qualified_name, part, frame, fingerprint))
        c.execute(f"DROP TABLE {name}")
        return made

    def _parts_in(self, name: str, column: str | None) -> list[str]:
        """The parts that there are rows of."""
        if column is None:
            return [parts.WHOLE]
        values = self.connection.execute(f"SELECT DISTINCT {column} FROM {name} ORDER BY {column}").fetchall()
        return [parts.part_name(v) for (v,) in values]

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

    def _need(self, name: str) -> None:
        """Make a step, or the typed rows of an export, and first what it reads."""
        query = queries().get(name)
        if name in self._ready:
            return
        if name in (KNOWN, DIGESTS) and not self._remembering:
            self._remember()
            return
        if name in TYPED:
            self._given.typed(TYPED[name])
            self._ready.add(name)
        if name == REGISTER_DIGESTS:
            self._given.register_digests()
            self._ready.add(name)
        if query is None:
            return
        self._need_all(query)
        self.connection.execute(f"CREATE SCHEMA IF NOT EXISTS {query.schema}")
        self._execute(query, f"CREATE TABLE {name} AS {query.text}")
        self._ready.add(name)

    def _remember(self) -> None:
        """Make what is known of claims across months, from what the previous version knew and what is new."""
        self._remembering = True
        self._unrestrict()
        making = ClaimMemory(self.connection, self.settings, self._give_typed, self._need, memory.made_by(self._key))
        self.memory = making.make(self.previous.memory if self.previous else ())
        self._ready |= {KNOWN, DIGESTS}
        self._remembering = False

    def _give_typed(self, table: Table, deliveries: Collection[str] | None) -> None:
        if deliveries is not None:
            self._restrict(table, deliveries)
            return
        self._given.typed(table)
        self._restricted.discard(f"typed.{table.name}")

    def _need_all(self, query: Query) -> None:
        for read in sorted(query.reads):
            self._need(read)

    def _execute(self, query: Query, statement: str) -> None:
        try:
            self.connection.execute(statement)
        except duckdb.Error as error:
            error.add_note(f"in warehouse/sql/{query.name.replace('.', '/')}.sql")
            raise
