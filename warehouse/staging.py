"""The rows of a night's new deliveries in one DuckDB file, so that Great Expectations can run the declared rules over them.

`staged.<export>` holds loaded and quarantined rows alike, in the columns that rules name; `known.*` what rules look codes up in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import duckdb
import polars as pl

from expectations.declare import Rule, Table
from expectations.exports import EXPORTS
from expectations.exports.facilities import FACILITIES
from expectations.quarantine import counts
from expectations.validation import RuleResult
from warehouse import packs, reference
from warehouse.ingest import Outcome
from warehouse.settings import Settings

MEMORY = "4GB"  # a national night is filled in within half of the eight that it may have; the file takes the rest


class Disagreement(Exception):
    """Great Expectations and the quarantine do not find the same number of rows for a rule."""


def stage(
    database: Path, settings: Settings, outcomes: Sequence[Outcome], export_of: dict[str, str], known_facilities: pl.DataFrame
) -> list[Table]:
    """Fill a new DuckDB file with the rows of the deliveries that were read; returns the exports that have any.

    `known_facilities`: deliveries of facility lists (delivery_id, pack, records_loaded) that were received before.
    """
    rows = [(o.delivery_id, export_of[o.delivery_id], o.pack, o.records_loaded) for o in outcomes if o.status != "refused"]
    schema = {"delivery_id": pl.String(), "export": pl.String(), "pack": pl.String(), "records_loaded": pl.Int64()}
    read = pl.DataFrame(rows, schema=schema, orient="row")
    staged: list[Table] = []
    named = _named()
    with duckdb.connect(str(database), config={"autoinstall_known_extensions": False, "memory_limit": MEMORY}) as c:
        c.execute(
            "SET force_compression = 'uncompressed'"
        )  # read some forty times and thrown away: finding the best way costs as much as all else
        reference.load(c)
        c.execute("SET preserve_insertion_order = false")  # whoever lists rows puts them in order
        c.execute("CREATE SCHEMA staged")
        c.execute("CREATE SCHEMA known")
        c.execute("CREATE TABLE known.object_code AS SELECT DISTINCT object_code FROM reference.object_codes")
        for table in EXPORTS:
            of_export = read.filter(pl.col("export") == table.name)
            asked = [f for f in table.fields if f.name in named]
            columns = ", ".join(f"{f.name} {f.kind.duckdb}" for f in asked)
            c.execute(f"CREATE TABLE staged.{table.name} ({columns})")
            for verdict in packs.VERDICTS:  # apart: the files of a verdict have one schema, and DuckDB need not compare them
                files = packs.files(settings, verdict, table, of_export)
                packs.insert(c, f"staged.{table.name}", files, of_export, [f.name for f in asked])
            if not of_export.is_empty():
                staged.append(table)
        c.execute("CREATE TABLE known.facility AS SELECT DISTINCT facility_code FROM staged.facilities WHERE facility_code IS NOT NULL")
        packs.insert(
            c, "known.facility", packs.files(settings, packs.LOADED, FACILITIES, known_facilities), known_facilities, ["facility_code"]
        )
    return staged


def _named() -> frozenset[str]:
    """What the rules name, and the keys that they list: no other column of the rows is looked at. (A rule may look into another export.)"""
    rules = " ".join(r.offends for table in EXPORTS for r in table.rules)
    return frozenset(re.findall(r"\w+", rules)).union(*(t.key for t in EXPORTS), ("facility_code",))


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
