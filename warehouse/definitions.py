"""From declarations to DuckDB: tables with types and COMMENTs, and the rows of `meta.dictionary`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import duckdb

from expectations.declare import Field, Table


def quoted(text: str) -> str:
    """A SQL string literal. COMMENT takes no parameter, so the text of a declaration is quoted here."""
    return "'" + text.replace("'", "''") + "'"


def described(field: Field) -> str:
    """What a column's COMMENT says: meaning, unit, Vietnamese term."""
    unit = f" Unit: {field.unit}." if field.unit else ""
    vietnamese = f" ({field.vietnamese})" if field.vietnamese else ""
    return f"{field.meaning.rstrip('.')}{vietnamese}.{unit}"


def grain(table: Table) -> str:
    """What a table's COMMENT says: the grain sentence and the Vietnamese term."""
    return f"{table.grain} ({table.vietnamese})" if table.vietnamese else table.grain


def create(connection: duckdb.DuckDBPyConnection, catalog: str, table: Table) -> None:
    """Create an empty declared table, with COMMENTs, in an attached database."""
    name = f"{catalog}.{table.qualified_name}"
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {catalog}.{table.schema}")
    columns = ", ".join(f"{f.name} {f.kind.duckdb}" for f in table.fields)
    connection.execute(f"CREATE TABLE {name} ({columns})")
    comment(connection, name, table, [f.name for f in table.fields])


def comment(connection: duckdb.DuckDBPyConnection, name: str, table: Table, columns: Sequence[str]) -> None:
    """Put the declaration's COMMENTs on a table that has these columns (a table of the past may lack some)."""
    connection.execute(f"COMMENT ON TABLE {name} IS {quoted(grain(table))}")
    for f in table.fields:
        if f.name in columns:
            connection.execute(f"COMMENT ON COLUMN {name}.{f.name} IS {quoted(described(f))}")


def dictionary(tables: Iterable[Table]) -> list[dict[str, str]]:
    """One row per table (column_name empty) and per column."""
    rows: list[dict[str, str]] = []
    for t in tables:
        rows.append(
            {"table_name": t.qualified_name, "column_name": "", "data_type": "", "unit": "", "vietnamese": t.vietnamese,
             "meaning": t.grain, "key": ", ".join(t.key), "source": t.source}
        )  # fmt: skip
        rows += [
            {"table_name": t.qualified_name, "column_name": f.name, "data_type": f.kind.duckdb, "unit": f.unit,
             "vietnamese": f.vietnamese, "meaning": f.meaning, "key": "yes" if f.name in t.key else "", "source": f.element or ""}
            for f in t.fields
        ]  # fmt: skip
    return rows
