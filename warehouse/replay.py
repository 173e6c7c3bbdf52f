"""Replay: quarantined rows run again, from the raw text that was kept with them, through the rules, profiles and reference tables of today.

Only what follows the reading is done again: cells are typed, places resolved, error rules asked. What a reader makes of a file (its rows,
its columns, the lines of a claim and their sums) stays as it was when the file was read; a correction there wants
`bhyt backfill plan --reread`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import polars as pl

from expectations.declare import Table
from expectations.exports import BY_NAME, CLAIM_LINES
from expectations.quarantine import split
from transforms import claims as claim_rows
from transforms.exports import complete
from transforms.geography import Places
from transforms.rows import typed
from warehouse import packs, reference
from warehouse.ingest import QUARANTINE_FIELDS, Outcome
from warehouse.ledger import Entry
from warehouse.profiles import Profiles
from warehouse.settings import Settings
from warehouse.storage import ParquetSink


@dataclass(frozen=True)
class Replayed:
    """One delivery after a replay: its rows that now pass (`good`), and those that still do not (`bad`, with their broken rules)."""

    entry: Entry
    good: pl.DataFrame
    bad: pl.DataFrame

    @property
    def quarantined(self) -> int:
        return self.good.height + self.bad.height

    def outcome(self, limit_pct: float) -> Outcome:
        """The counts as they then are. A delivery that was held for its bad rows counts once they are within the limit."""
        e = self.entry
        status, code, reason = "loaded", "", ""
        if e.records_read and 100 * self.bad.height > limit_pct * e.records_read:
            status, code, reason = "held", "too_many_bad_rows", e.reason
            if e.code != "too_many_bad_rows":
                reason = f"{self.bad.height} of {e.records_read} records are bad, more than {limit_pct:g} %"
        elif e.code == "more_than_declared":
            code, reason = e.code, e.reason
        loaded = e.records_loaded + self.good.height
        return Outcome(e.delivery_id, status, code, reason, e.records_declared, e.records_read, loaded, self.bad.height, pack_of(e))


def replay(settings: Settings, entry: Entry, places: Places, profiles: Profiles) -> Replayed:
    """Run the quarantined rows of a delivery again. Reads its quarantine file; writes nothing."""
    table = BY_NAME[entry.export or ""]
    kept = rows_of(settings, packs.QUARANTINE, table, entry)
    profile = profiles.for_(table.name, entry.province_code)
    raw = raw_rows(kept, table, profile.values if profile else {})
    rows = typed(raw, table, entry.delivery_id)
    if table.name == "claims":
        rows = claim_rows.claims_again(rows, kept, reference.code_lists())
    rows = complete(rows, table, None if table.name == "claims" else entry.period, places)
    with duckdb.connect() as connection:
        good, bad = split(connection, rows, table)
    return Replayed(entry, good, bad.join(kept.select("row_number", "raw_text"), on="row_number", how="left", maintain_order="left"))


def raw_rows(kept: pl.DataFrame, table: Table, values: Mapping[str, Mapping[str, str]]) -> pl.DataFrame:
    """Quarantined rows (`row_number`, `row_flaw`, `raw_text`) as raw rows: one column per cell that was kept.

    `values`: what a profile of today puts in the place of a cell as it is written (element name → written → meant, '' for nothing).
    """
    cells = [json.loads(text) for text in kept["raw_text"]]
    names = [f.name for f in table.fields if any(f.name in c for c in cells)]
    elements = {f.name: f.element for f in table.fields if f.element}
    columns: dict[str, pl.Series] = {"row_number": kept["row_number"], "row_flaw": kept["row_flaw"]}
    for name in names:
        meant = values.get(elements.get(name) or "", {})
        texts = [None if c.get(name) is None else str(c[name]) for c in cells]
        columns[name] = pl.Series(name, [meant.get(t or "", t) or None for t in texts], dtype=pl.String)
    return pl.DataFrame(columns)


def rows_of(settings: Settings, verdict: str, table: Table, entry: Entry) -> pl.DataFrame:
    """The rows of one delivery in its pack, in the order of its file; none where it has none under this verdict."""
    path = packs.path(settings, verdict, table.name, entry.pack)
    if not path.exists():
        return pl.DataFrame(schema=table.polars_schema)
    return pl.read_parquet(path).filter(pl.col("delivery_id") == entry.delivery_id).sort("row_number", maintain_order=True)


def pack_of(entry: Entry) -> str:
    """The pack that a replayed delivery's rows go to: one of its own."""
    return packs.name_of([entry.delivery_id])


def write(live: Settings, staging: Settings, replayed: Replayed) -> None:
    """Write the delivery's rows as they then are: loaded ones old and new in the order of the file, and what stays in quarantine."""
    table = BY_NAME[replayed.entry.export or ""]
    i = replayed.entry
    loaded = [rows_of(live, packs.LOADED, table, i), replayed.good.select(*table.polars_schema)]
    _put(staging, packs.LOADED, table, i, pl.concat(loaded, how="vertical_relaxed").sort("row_number"), {})
    _put(staging, packs.QUARANTINE, table, i, replayed.bad, QUARANTINE_FIELDS)
    if table.name == "claims":
        lines = pl.concat([rows_of(live, v, CLAIM_LINES, i).select(*CLAIM_LINES.polars_schema) for v in packs.VERDICTS])
        lines = lines.sort("row_number", maintain_order=True)
        for verdict, how in ((packs.LOADED, "anti"), (packs.QUARANTINE, "semi")):
            part = lines.join(replayed.bad.select("row_number"), on="row_number", how=how, maintain_order="left")  # type: ignore[arg-type]
            _put(staging, verdict, CLAIM_LINES, i, part, {})


def _put(settings: Settings, verdict: str, table: Table, entry: Entry, rows: pl.DataFrame, more: dict[str, pl.DataType]) -> None:
    path = packs.path(settings, verdict, table.name, pack_of(entry))
    with ParquetSink(path, {**table.polars_schema, **more}, settings.spool_dir) as sink:
        sink.write(rows)
        sink.close()
