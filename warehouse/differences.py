"""What changed between two snapshots: tables, columns, rows, and for marts and dims each key with its old and new measures.

Parts that both name by the same file are the same rows and are not read. Of `facts` (one row about one claim) only numbers are told;
`quality` and `meta` say how rows came, not what is so, and are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from expectations.declare import Table
from warehouse import parts
from warehouse.assemble import CATALOGS, DERIVED
from warehouse.definitions import quoted
from warehouse.parts import Part
from warehouse.settings import Settings
from warehouse.snapshots import Snapshot

COUNTED_ONLY = ("facts",)  # about single claims: no key of theirs leaves the restricted area

TABLES = {
    "table_name": pl.String(),
    "state": pl.String(),  # same, changed, only in old, only in new
    "rows_old": pl.Int64(),
    "rows_new": pl.Int64(),
    "parts": pl.Int64(),
    "parts_changed": pl.Int64(),
    "keys_added": pl.Int64(),
    "keys_removed": pl.Int64(),
    "keys_changed": pl.Int64(),
    "columns_added": pl.List(pl.String()),
    "columns_removed": pl.List(pl.String()),
}
CHANGES = {
    "table_name": pl.String(),
    "part": pl.String(),
    "change": pl.String(),  # added, removed, changed
    "key": pl.String(),
    "measure": pl.String(),
    "old": pl.String(),
    "new": pl.String(),
    "difference": pl.Float64(),
    "share": pl.Float64(),
}


@dataclass(frozen=True)
class Differences:
    """`tables`: one row per table. `changes`: one row per key and measure that differ, largest first within a table.

    `difference` is new − old of a number (nothing counts as 0); `share` is its size in proportion to the measure's sum over the rows
    compared, so that measures of different units can be put in one order.
    """

    old: Snapshot
    new: Snapshot
    tables: pl.DataFrame
    changes: pl.DataFrame

    @property
    def same(self) -> bool:
        return bool((self.tables["state"] == "same").all())


@dataclass(frozen=True)
class _Side:
    """One snapshot's table: all its parts, or, of a version without a manifest, the table in its database."""

    settings: Settings
    of_table: list[Part] | None
    database: Path | None

    @property
    def is_there(self) -> bool:
        return bool(self.of_table) or self.database is not None

    def has(self, only: set[str] | None) -> bool:
        """Whether it has rows to show in the parts `only` (None: all)."""
        return self.database is not None or any(only is None or p.part in only for p in self.of_table or ())

    def view(self, c: duckdb.DuckDBPyConnection, name: str, table: Table, only: set[str] | None) -> None:
        """Create the view `name` of the table's rows in the parts `only` (None: all)."""
        c.execute(f"DROP VIEW IF EXISTS {name}")
        if self.database is not None:
            c.execute(f"ATTACH IF NOT EXISTS {quoted(str(self.database))} AS {name}_database (READ_ONLY)")
            c.execute(f"CREATE VIEW {name} AS SELECT * FROM {name}_database.{table.qualified_name}")
            return
        wanted = [p for p in self.of_table or () if only is None or p.part in only]
        c.execute(f"SET VARIABLE {name}_files = ?", [[str(p) for p in parts.paths(self.settings, wanted)]])
        c.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet(getvariable('{name}_files'))")


def _views(c: duckdb.DuckDBPyConnection, table: Table, old: _Side, new: _Side, only: set[str] | None) -> tuple[list[str], list[str]]:
    """Create the views `old_rows` and `new_rows` of what is to be compared; returns their columns. A side without rows has the other's."""
    sides = sorted((("old_rows", old), ("new_rows", new)), key=lambda side: not side[1].has(only))
    (first, full), (second, other) = sides
    full.view(c, first, table, only)
    if other.has(only):
        other.view(c, second, table, only)
    else:
        c.execute(f"CREATE VIEW {second} AS SELECT * FROM {first} LIMIT 0")
    before, after = ([row[0] for row in c.execute(f"DESCRIBE {name}").fetchall()] for name in ("old_rows", "new_rows"))
    return before, after


def between(settings: Settings, old: Snapshot, new: Snapshot) -> Differences:
    """Compare two snapshots, table by table. Raises parts.PartMissing."""
    tables, changes = [], []
    for catalog, declared in CATALOGS:
        for table in declared:
            if table.schema in DERIVED:
                continue
            with duckdb.connect(config={"autoinstall_known_extensions": False}) as c:
                summary, changed = _of_table(c, table, _side(settings, old, catalog, table), _side(settings, new, catalog, table))
            if summary["state"] != "absent":
                tables.append(summary)
                changes.append(changed)
    order = [pl.col("table_name"), pl.col("share").max().over("table_name", "key"), pl.col("key"), pl.col("measure")]
    frame = pl.concat(changes) if changes else pl.DataFrame(schema=CHANGES)
    frame = frame.sort(order, descending=[False, True, False, False], nulls_last=True)
    return Differences(old, new, pl.DataFrame(tables, schema=TABLES), frame)


def _side(settings: Settings, snapshot: Snapshot, catalog: str, table: Table) -> _Side:
    if snapshot.manifest is not None:
        return _Side(settings, snapshot.manifest.of(table.qualified_name), None)
    database = snapshot.directory / f"{catalog}.duckdb" if snapshot.directory else None
    if database is None or not database.exists():
        return _Side(settings, None, None)
    with duckdb.connect(str(database), read_only=True) as c:
        found = c.execute("SELECT 1 FROM duckdb_tables() WHERE schema_name = ? AND table_name = ?", [table.schema, table.name]).fetchall()
    return _Side(settings, None, database if found else None)


def _of_table(c: duckdb.DuckDBPyConnection, table: Table, old: _Side, new: _Side) -> tuple[dict[str, object], pl.DataFrame]:
    only = _differing(old, new)
    summary: dict[str, object] = {
        "table_name": table.qualified_name,
        "rows_old": _rows(c, table, old),
        "rows_new": _rows(c, table, new),
        "parts": len({p.part for s in (old, new) for p in s.of_table or ()}),
        "parts_changed": len(only) if only is not None else None,
        "columns_added": [],
        "columns_removed": [],
    }
    if not old.is_there or not new.is_there:
        summary["state"] = "absent" if old.is_there == new.is_there else "only in new" if new.is_there else "only in old"
        if summary["state"] == "absent":
            return summary, pl.DataFrame(schema=CHANGES)
    if only == set():
        return summary | {"state": "same", "keys_added": 0, "keys_removed": 0, "keys_changed": 0}, pl.DataFrame(schema=CHANGES)
    before, after = _views(c, table, old, new, only)
    summary["columns_added"] = [x for x in after if x not in before]
    summary["columns_removed"] = [x for x in before if x not in after]
    both = [x for x in before if x in after]
    key = [k for k in table.key if k in both]
    measures = [x for x in both if x not in key]
    if table.schema in COUNTED_ONLY:
        changed = pl.DataFrame(schema=CHANGES)
        counted = _counted(c, key, measures)
    else:
        changed, counted = _changed(c, table, key, measures)
    summary |= counted
    untouched = not any(counted.values()) and not summary["columns_added"] and not summary["columns_removed"]
    return {"state": "same" if untouched else "changed"} | summary, changed


def _differing(old: _Side, new: _Side) -> set[str] | None:
    """Names of parts that are not the same file on both sides; None where a side has no parts to tell by."""
    if old.of_table is None or new.of_table is None:
        return None
    before, after = ({p.part: p.file for p in s.of_table or ()} for s in (old, new))
    return {p for p in {*before, *after} if before.get(p) != after.get(p)}


def _rows(c: duckdb.DuckDBPyConnection, table: Table, side: _Side) -> int | None:
    if side.of_table is not None:
        return sum(p.rows for p in side.of_table)
    if side.database is None:
        return None
    side.view(c, "counted_rows", table, None)
    ((rows,),) = c.execute("SELECT count(*) FROM counted_rows").fetchall()
    return int(rows)


def _counted(c: duckdb.DuckDBPyConnection, key: Sequence[str], measures: Sequence[str]) -> dict[str, object]:
    """Keys added, removed and changed, counted in DuckDB without showing one."""
    listed = ", ".join(key)
    rest = f"hash({', '.join(measures)})" if measures else "0"
    same = " AND ".join(f"o.{k} IS NOT DISTINCT FROM n.{k}" for k in key)
    ((added, removed, changed),) = c.execute(
        f"WITH o AS (SELECT {listed}, {rest} AS said, true AS is_there FROM old_rows),"
        f" n AS (SELECT {listed}, {rest} AS said, true AS is_there FROM new_rows)"
        " SELECT count(*) FILTER (o.is_there IS NULL), count(*) FILTER (n.is_there IS NULL), count(*) FILTER (o.said <> n.said)"
        f" FROM o FULL JOIN n ON {same}"
    ).fetchall()
    return {"keys_added": added, "keys_removed": removed, "keys_changed": changed}


def _changed(c: duckdb.DuckDBPyConnection, table: Table, key: list[str], measures: Sequence[str]) -> tuple[pl.DataFrame, dict[str, object]]:
    columns = ", ".join([*key, *measures])
    old = c.execute(f"SELECT {columns} FROM old_rows").pl().with_columns(_there=pl.lit(True))
    new = c.execute(f"SELECT {columns} FROM new_rows").pl().with_columns(_there=pl.lit(True))
    new = new.with_columns(pl.col(m).cast(old.schema[m], strict=False) for m in key)
    pairs = old.join(new, on=key, how="full", coalesce=True, nulls_equal=True, suffix="_new")
    differs = [pl.col(m).ne_missing(pl.col(f"{m}_new")) for m in measures]
    change = (
        pl.when(pl.col("_there").is_null())
        .then(pl.lit("added"))
        .when(pl.col("_there_new").is_null())
        .then(pl.lit("removed"))
        .when(pl.any_horizontal(differs) if differs else pl.lit(False))
        .then(pl.lit("changed"))
    )
    pairs = pairs.with_columns(change=change).filter(pl.col("change").is_not_null())
    numbers = dict(pairs.group_by("change").len().iter_rows())
    counted: dict[str, object] = {f"keys_{x}": numbers.get(x, 0) for x in ("added", "removed", "changed")}
    column = parts.part_column(table)
    named = pairs.with_columns(
        key=pl.concat_str([pl.concat_str(pl.lit(f"{k}="), pl.col(k).cast(pl.String).fill_null("–")) for k in key], separator=" ")
        if key
        else pl.lit(""),
        part=pl.lit(parts.WHOLE) if column is None else pl.col(column) if column == "quarter" else pl.col(column).dt.strftime("%Y-%m"),
    )
    rows = [_of_measure(named, old, m).with_columns(table_name=pl.lit(table.qualified_name), measure=pl.lit(m)) for m in measures]
    frames = [r.select(pl.col(n).cast(t) for n, t in CHANGES.items()) for r in rows]
    return (pl.concat(frames) if frames else pl.DataFrame(schema=CHANGES)), counted


def _of_measure(pairs: pl.DataFrame, old: pl.DataFrame, measure: str) -> pl.DataFrame:
    """The keys at which one measure differs."""
    rows = pairs.filter(pl.col(measure).ne_missing(pl.col(f"{measure}_new")))
    difference, share = pl.lit(None, pl.Float64()), pl.lit(None, pl.Float64())
    if old.schema[measure].is_numeric():
        difference = pl.col(f"{measure}_new").cast(pl.Float64).fill_null(0.0) - pl.col(measure).cast(pl.Float64).fill_null(0.0)
        scale = float(old[measure].cast(pl.Float64).abs().sum())
        share = difference.abs() / scale if scale else difference.abs()
    return rows.select(
        "part", "change", "key", old=pl.col(measure).cast(pl.String), new=pl.col(f"{measure}_new").cast(pl.String),
        difference=difference, share=share,
    )  # fmt: skip
