"""The rows of a night's new deliveries in one DuckDB file, so that Great Expectations can run the declared rules over them.

`staged.<export>` holds loaded and quarantined rows alike; `known.*` what rules look codes up in.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import polars as pl

from expectations.declare import Rule, Table
from expectations.exports import EXPORTS
from expectations.quarantine import counts
from expectations.validation import RuleResult
from warehouse import parquet_files, reference
from warehouse.ingest import Outcome
from warehouse.settings import Settings


class Disagreement(Exception):
    """Great Expectations and the quarantine do not find the same number of rows for a rule."""


def stage(
    database: Path, settings: Settings, outcomes: Sequence[Outcome], export_of: dict[str, str], known_facilities: Sequence[Path]
) -> list[Table]:
    """Fill a new DuckDB file with the rows of the deliveries that were read; returns the exports that have any."""
    read = [o.delivery_id for o in outcomes if o.status != "refused"]
    staged: list[Table] = []
    with duckdb.connect(str(database), config={"autoinstall_known_extensions": False}) as c:
        reference.load(c)
        c.execute("CREATE SCHEMA staged")
        c.execute("CREATE SCHEMA known")
        c.execute("CREATE TABLE known.object_code AS SELECT DISTINCT object_code FROM reference.object_codes")
        for table in EXPORTS:
            ids = [i for i in read if export_of[i] == table.name]
            columns = ", ".join(f"{f.name} {f.kind.duckdb}" for f in table.fields)
            c.execute(f"CREATE TABLE staged.{table.name} ({columns})")
            for verdict in ("loaded", "quarantine"):  # apart: the files of a verdict have one schema, and DuckDB need not compare them
                files = parquet_files.existing([settings.rows_dir(verdict, table.name) / f"{i}.parquet" for i in ids])
                parquet_files.insert(c, f"staged.{table.name}", files, [f.name for f in table.fields])
            if ids:
                staged.append(table)
        c.execute("CREATE TABLE known.facility AS SELECT DISTINCT facility_code FROM staged.facilities WHERE facility_code IS NOT NULL")
        parquet_files.insert(c, "known.facility", parquet_files.existing(known_facilities), ["facility_code"])
    return staged


def results(database: Path, tables: Sequence[Table], found: Sequence[RuleResult]) -> pl.DataFrame:
    """One row per delivery and rule (`quality.results`), counted per delivery and certified by Great Expectations' totals.

    Raises Disagreement when GX finds another number of rows than the quarantine for a rule: then neither can be trusted.
    """
    by_rule = {r.rule: r for r in found}
    rows: list[dict[str, object]] = []
    with duckdb.connect(str(database), read_only=True) as c:
        for table in tables:
            counted = counts(c, table)
            for rule in table.rules:
                total = int(counted[rule.name].sum())
                certified = by_rule[rule.name]
                if certified.failed is not None and certified.failed != total:
                    raise Disagreement(f"rule {rule.name}: Great Expectations finds {certified.failed} rows, the quarantine {total}")
                rows += [
                    _result(rule, r["delivery_id"], r["checked"], r[rule.name], bool(certified.error))
                    for r in counted.iter_rows(named=True)
                ]
    return pl.DataFrame(rows, schema_overrides={"failed_pct": pl.Float64}) if rows else pl.DataFrame()


def _result(rule: Rule, delivery_id: str, checked: int, failed: int, error: bool) -> dict[str, object]:
    if error:
        status = "error"
    elif checked == 0:
        status = "not_applicable"
    else:
        status = "failed" if failed else "passed"
    share = 100 * failed / checked if checked else None
    return {"delivery_id": delivery_id, "rule": rule.name, "severity": str(rule.severity), "checked": checked, "failed": failed,
            "failed_pct": share, "status": status}  # fmt: skip
