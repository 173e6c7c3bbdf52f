"""What a build is given: the relations outside `warehouse/sql` that SQL may read (docs/architecture.md lists them)."""

from __future__ import annotations

from collections.abc import Collection

import duckdb
import polars as pl

from expectations.declare import Table
from expectations.exports import CLAIM_LINES, EXPORTS
from expectations.exports.cards import CARDS
from warehouse import claim_persons, packs, reference, register_digests
from warehouse.fingerprints import IN_USE
from warehouse.settings import Settings

TYPED = {f"typed.{t.name}": t for t in (*EXPORTS, CLAIM_LINES)}
REGISTER_DIGESTS = "persons.register_digests"
FEW_FILES = 200  # as many, or more large ones, are read where a query needs them; many small ones are first put into one table


class Given:
    """The given relations of one build, made in its database when something reads them."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, settings: Settings, deliveries: pl.DataFrame, key: bytes) -> None:
        self.connection = connection
        self.settings = settings
        self.in_use = deliveries.filter(pl.col("status").is_in(IN_USE))
        self._schemas(deliveries, key)

    def _schemas(self, deliveries: pl.DataFrame, key: bytes) -> None:
        c = self.connection
        reference.load(c)
        pad = key.ljust(64, b"\0")
        c.execute("SET VARIABLE inner_pad = ?::BLOB", [bytes(b ^ 0x36 for b in pad)])
        c.execute("SET VARIABLE outer_pad = ?::BLOB", [bytes(b ^ 0x5C for b in pad)])
        # HMAC-SHA-256 (RFC 2104), the first 128 bits
        c.execute(
            "CREATE TEMP MACRO keyed(message) AS left(sha256(getvariable('outer_pad')"
            " || unhex(sha256(getvariable('inner_pad') || encode(message)))), 32)"
        )
        for schema in ("typed", "persons", "ledger"):
            c.execute(f"CREATE SCHEMA {schema}")
        registers = self.in_use.filter((pl.col("export") == CARDS.name) & (pl.col("records_loaded") > 0))
        used = self.in_use.select("delivery_id", "export", "received_rank", "period", register_province="province_code")
        self._table("deliveries_in_use", used)
        self._table("ledger.deliveries", deliveries)
        self._table("ledger.registers", registers.select("delivery_id", "received_rank", "period", register_province="province_code"))
        if self.settings.card_persons_file.exists():
            c.execute("SET VARIABLE card_persons = ?", [str(self.settings.card_persons_file)])
            c.execute("CREATE VIEW persons.card_persons AS SELECT * FROM read_parquet(getvariable('card_persons'))")
        else:
            c.execute("CREATE TABLE persons.card_persons (card_number VARCHAR, card_key VARCHAR, person_id VARCHAR)")
        if self.settings.claim_persons_file.exists():
            c.execute("SET VARIABLE claim_persons = ?", [str(self.settings.claim_persons_file)])
            c.execute("CREATE VIEW persons.claim_persons AS SELECT * FROM read_parquet(getvariable('claim_persons'))")
        else:
            self._table("persons.claim_persons", pl.DataFrame(schema=claim_persons.COLUMNS))

    def _table(self, name: str, rows: pl.DataFrame) -> None:
        c = self.connection
        c.register("rows_in", rows.to_arrow())
        c.execute(f"CREATE TABLE {name} AS SELECT * FROM rows_in")
        c.unregister("rows_in")

    def typed(self, table: Table, only: Collection[str] | None = None) -> None:
        """Create (or replace) `typed.<export>`: the rows of the deliveries in use, or of those of them that `only` names."""
        c = self.connection
        export = "claims" if table is CLAIM_LINES else table.name
        deliveries = self.in_use.filter(pl.col("export") == export)
        if only is not None:
            deliveries = deliveries.filter(pl.col("delivery_id").is_in(list(only)))
        files = packs.files(self.settings, packs.LOADED, table, deliveries)
        c.execute(f"DROP VIEW IF EXISTS typed.{table.name}")
        c.execute(f"DROP TABLE IF EXISTS rows_of_{table.name}")
        if 0 < len(files) <= FEW_FILES or (files and sum(f.stat().st_size for f in files) > len(files) * packs.SMALL_BYTES):
            variable = f"{table.name}_files"
            c.execute(f"SET VARIABLE {variable} = ?", [[str(f) for f in files]])
            rows = f"read_parquet(getvariable('{variable}'))"
        else:
            rows = f"rows_of_{table.name}"
            columns = ", ".join(f"{f.name} {f.kind.duckdb}" for f in table.fields)
            c.execute(f"CREATE TABLE {rows} ({columns})")
            packs.insert(c, rows, files, deliveries, [f.name for f in table.fields])
        c.execute(
            f"CREATE VIEW typed.{table.name} AS SELECT r.*, d.received_rank, d.period, d.register_province"
            f" FROM {rows} r JOIN deliveries_in_use d USING (delivery_id)"
        )

    def register_digests(self) -> None:
        """Create `persons.register_digests`."""
        registers = self.in_use.filter((pl.col("export") == CARDS.name) & (pl.col("records_loaded") > 0))
        register_digests.give(self.connection, self.settings, registers, lambda some: packs.files(self.settings, packs.LOADED, CARDS, some))
