"""Which rows break which rules: the declared conditions, evaluated by DuckDB.

Rules of severity `error` look at one row only, so they are evaluated batch by batch while a file streams through
(`split`). All rules together are counted once over whole deliveries (`counts`). Great Expectations runs the same
conditions (`expectations.suites`); a test shows that the rows are the same.
"""

from __future__ import annotations

import re

import duckdb
import polars as pl

from expectations.declare import Rule, Severity, Table


def error_rules(table: Table) -> tuple[Rule, ...]:
    return tuple(r for r in table.rules if r.severity is Severity.ERROR)


def split(connection: duckdb.DuckDBPyConnection, rows: pl.DataFrame, table: Table) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part the typed rows of a batch into (loaded, quarantined).

    Both keep the columns of `rows`; quarantined adds `broken_rules` List[String], never empty. Order is kept.
    """
    rules = error_rules(table)
    broken = " OR ".join(f"({r.offends})" for r in rules)
    names = ", ".join(f"CASE WHEN {r.offends} THEN '{r.name}' END" for r in rules)
    # Only the columns that the conditions name: each is handed over to DuckDB.
    named = set(re.findall(r"\w+", broken))
    asked = rows.select(c for c in rows.columns if c in named)
    try:
        connection.register("batch", asked.rechunk())
        bad = pl.Series(connection.sql(f"SELECT {broken} AS bad FROM batch AS {table.name}").fetchnumpy()["bad"], dtype=pl.Boolean)
        if not bad.any():
            return rows, rows.clear().with_columns(broken_rules=pl.lit([], dtype=pl.List(pl.String)))
        quarantined = rows.filter(bad)
        connection.register("bad_rows", asked.filter(bad))
        listed = connection.sql(f"SELECT [{names}] AS broken_rules FROM bad_rows AS {table.name}").pl()["broken_rules"].list.drop_nulls()
        return rows.filter(~bad), quarantined.with_columns(listed)
    finally:
        connection.unregister("batch")
        connection.unregister("bad_rows")


def counts(connection: duckdb.DuckDBPyConnection, table: Table) -> pl.DataFrame:
    """Count, for each delivery in `staged.<table>`, the rows that break each rule.

    Columns out: delivery_id, checked (rows), and one BIGINT per rule under the rule's name.
    """
    measures = ", ".join(f'count(*) FILTER (WHERE {r.offends}) AS "{r.name}"' for r in table.rules)
    return connection.sql(
        f"SELECT delivery_id, count(*) AS checked, {measures} FROM staged.{table.name} GROUP BY delivery_id ORDER BY delivery_id"
    ).pl()


def reasons(quarantined: pl.DataFrame, table: Table) -> pl.DataFrame:
    """From quarantined rows to what `quality.quarantine` shows: delivery_id, row_number, rule, reason (no personal values)."""
    words = {r.name: r.reason for r in error_rules(table)}
    return (
        quarantined.select("delivery_id", "row_number", rule="broken_rules")
        .explode("rule")
        .with_columns(reason=pl.col("rule").replace_strict(words, return_dtype=pl.String))
    )
