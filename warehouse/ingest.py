"""Deliveries from the landing zone to their Parquet files: read, typed, parted into loaded and quarantined, all in one stream.

Most deliveries of a night are claim files of a few dozen records, and typing a frame costs the same for ten rows as for ten thousand.
So the raw rows of several deliveries go through together and are parted again when they are written. The files of a delivery are
put in place when its last row has been read and written; a refused delivery leaves none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from itertools import groupby

import duckdb
import polars as pl

from expectations.declare import Table
from expectations.exports import BY_NAME, CLAIM_LINES
from expectations.quarantine import split
from transforms import claims as claim_rows
from transforms.exports import complete
from transforms.geography import Places
from transforms.rows import raw_text, typed
from warehouse import reference
from warehouse.containers import content
from warehouse.landing import Landed, missing_context
from warehouse.profiles import Profiles
from warehouse.readers import tabular
from warehouse.readers.claim_lists import claim_file
from warehouse.refusal import Refusal
from warehouse.settings import Settings
from warehouse.storage import ParquetSink, restricted_directory

QUARANTINE_FIELDS: dict[str, pl.DataType] = {"broken_rules": pl.List(pl.String()), "raw_text": pl.String()}
TOGETHER_ROWS = 20_000  # raw rows that are typed together
TOGETHER_LINES = 100_000


@dataclass(frozen=True)
class Outcome:
    """What became of one delivery: counts, or why it was refused. Plain values, so that Prefect can keep and return it."""

    delivery_id: str
    status: str  # loaded, held or refused
    code: str = ""
    reason: str = ""
    records_declared: int | None = None
    records_read: int = 0
    records_loaded: int = 0
    records_quarantined: int = 0


@dataclass(frozen=True)
class Raw:
    """Raw rows of one delivery as its reader gives them; for claims their lines too."""

    rows: pl.DataFrame
    lines: pl.DataFrame | None = None


def ingest(items: Sequence[Landed], settings: Settings, places: Places, profiles: Profiles) -> list[Outcome]:
    """Read deliveries whole; outcomes in the order of `items`. Never raises for what is wrong with a file: that is an outcome."""
    outcomes: dict[str, Outcome] = {}
    ordered = sorted(items, key=lambda x: (x.export or "", str(x.period), x.path))
    for (export, _), group in groupby(ordered, key=lambda x: (x.export or "", x.period)):
        together = list(group)
        if export in BY_NAME:
            outcomes |= _Reading(BY_NAME[export], together[0].period, settings, places, profiles).read(together)
        else:
            outcomes |= {x.delivery_id: refused(x, x.refusal or Refusal("unknown_folder", "no such export")) for x in together}
    return [outcomes[x.delivery_id] for x in items]


def refused(item: Landed, refusal: Refusal) -> Outcome:
    where = f" ({refusal.position})" if refusal.position else ""
    return Outcome(item.delivery_id, "refused", refusal.code, f"{refusal.reason}{where}")


class _Delivery:
    """One delivery being read: its sinks and counts."""

    def __init__(self, item: Landed, table: Table, settings: Settings) -> None:
        def path(verdict: str, name: str):  # type: ignore[no-untyped-def]
            return settings.rows_dir(verdict, name) / f"{item.delivery_id}.parquet"

        self.item = item
        self.declared = item.rows_declared
        self.read = 0
        spool = settings.spool_dir
        self.loaded = ParquetSink(path("loaded", table.name), table.polars_schema, spool)
        self.quarantined = ParquetSink(path("quarantine", table.name), {**table.polars_schema, **QUARANTINE_FIELDS}, spool)
        self.lines = ParquetSink(path("loaded", CLAIM_LINES.name), CLAIM_LINES.polars_schema, spool)
        self.bad_lines = ParquetSink(path("quarantine", CLAIM_LINES.name), CLAIM_LINES.polars_schema, spool)

    @property
    def sinks(self) -> tuple[ParquetSink, ...]:
        return (self.loaded, self.quarantined, self.lines, self.bad_lines)

    def close(self) -> None:
        for sink in self.sinks:
            sink.close()

    def discard(self) -> None:
        """Remove what was written, also by a night that died before."""
        for sink in self.sinks:
            sink.__exit__(None, None, None)
            sink.path.unlink(missing_ok=True)

    def outcome(self, limit_pct: float) -> Outcome:
        bad, i = self.quarantined.rows, self.item.delivery_id
        status, code, reason = "loaded", "", ""
        if self.read and 100 * bad > limit_pct * self.read:
            status, code = "held", "too_many_bad_rows"
            reason = (
                f"{bad} of {self.read} records are bad, more than {limit_pct:g} %; look at them with"
                f" `bhyt explain-delivery {i}`, then `bhyt release {i}` or deliver a corrected file"
            )
        elif self.declared is not None and self.read > self.declared:
            code, reason = "more_than_declared", f"the file holds {self.read} records and declares {self.declared}"
        return Outcome(i, status, code, reason, self.declared, self.read, self.loaded.rows, bad)


class _Reading:
    """Deliveries of one export and one period, read one after the other, typed together."""

    def __init__(self, table: Table, period: date | None, settings: Settings, places: Places, profiles: Profiles) -> None:
        self.table = table
        self.period = None if table.name == "claims" else period
        self.settings = settings
        self.places = places
        self.profiles = profiles
        self._waiting: list[tuple[_Delivery, Raw]] = []

    def read(self, items: Sequence[Landed]) -> dict[str, Outcome]:
        outcomes: dict[str, Outcome] = {}
        finished: list[_Delivery] = []
        restricted_directory(self.settings.spool_dir)
        with duckdb.connect() as self._connection:
            for item in items:
                delivery = _Delivery(item, self.table, self.settings)
                try:
                    self._take_in(delivery)
                    finished.append(delivery)
                except Refusal as refusal:
                    self._waiting = [w for w in self._waiting if w[0] is not delivery]
                    delivery.discard()
                    outcomes[item.delivery_id] = refused(item, refusal)
            self._flush()
        for delivery in finished:
            delivery.close()
            profile = self.profiles.for_(self.table.name, delivery.item.province)
            limit = profile.bad_rows_limit_pct if profile and profile.bad_rows_limit_pct is not None else self.settings.bad_rows_limit_pct
            outcomes[delivery.item.delivery_id] = delivery.outcome(limit)
        return outcomes

    def _take_in(self, delivery: _Delivery) -> None:
        """Read one delivery to its last row. Raises Refusal for whatever is wrong with it as a whole."""
        item = delivery.item
        if refusal := item.refusal or missing_context(item):
            raise refusal
        try:
            for raw in self._raw(delivery):
                delivery.read += raw.rows.height
                self._waiting.append((delivery, raw))
                if (
                    sum(w.rows.height for _, w in self._waiting) >= TOGETHER_ROWS
                    or sum(w.lines.height for _, w in self._waiting if w.lines is not None) >= TOGETHER_LINES
                ):
                    self._flush()
        except (duckdb.Error, pl.exceptions.PolarsError, ValueError, EOFError) as error:
            # A library's message may quote a cell; only its kind is told.
            raise Refusal("unreadable_file", f"the file cannot be read ({type(error).__name__}); export it again") from None
        if item.rows_declared is not None and delivery.read < item.rows_declared:
            reason = f"the manifest declares {item.rows_declared} records, the file holds {delivery.read}; deliver the file again, whole"
            raise Refusal("truncated", reason)

    def _raw(self, delivery: _Delivery) -> Iterator[Raw]:
        item = delivery.item
        with ExitStack() as stack:
            path = stack.enter_context(content(item, self.settings.spool_dir))
            if self.table.name != "claims":
                for rows in tabular.read(path, self.table, self.profiles.for_(self.table.name, item.province)):
                    yield Raw(rows)
                return
            file = claim_file(path)
            for batch in file:
                yield Raw(batch.claims, batch.lines)
            delivery.declared = file.declared if delivery.declared is None else delivery.declared

    def _flush(self) -> None:
        """Type the waiting raw rows together, part them, and write each delivery's share."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        frames, lines, start = [], [], 0
        for number, (_, raw) in enumerate(waiting):
            # `row_number` becomes a running number while rows of several deliveries are together.
            ordinal = pl.int_range(start, start + raw.rows.height, eager=True, dtype=pl.Int64)
            frames.append(raw.rows.with_columns(pl.col("row_number").alias("_row_number"), row_number=ordinal, _share=pl.lit(number)))
            if raw.lines is not None:
                place = pl.DataFrame({"row_number": raw.rows["row_number"], "_ordinal": ordinal})
                lines.append(
                    raw.lines.join(place, on="row_number", maintain_order="left").drop("row_number").rename({"_ordinal": "row_number"})
                )
            start += raw.rows.height
        raw_rows = pl.concat(frames, how="diagonal").rechunk()
        kept = raw_rows.select("row_number", "_row_number", "_share")
        cells = raw_rows.drop("_row_number", "_share")
        rows = typed(cells, self.table, "")
        typed_lines: pl.DataFrame | None = None
        if lines:
            rows, typed_lines = claim_rows.claims(rows, pl.concat(lines), "", reference.code_lists())
        rows = complete(rows, self.table, self.period, self.places)
        good, bad = split(self._connection, rows, self.table)
        if not bad.is_empty():
            text = cells.join(bad.select("row_number"), on="row_number", how="semi", maintain_order="left")
            bad = bad.with_columns(raw_text=raw_text(text))
        self._write(waiting, kept, good, bad, typed_lines)

    def _write(
        self, waiting: list[tuple[_Delivery, Raw]], kept: pl.DataFrame, good: pl.DataFrame, bad: pl.DataFrame, lines: pl.DataFrame | None
    ) -> None:
        ids = pl.DataFrame(
            {"_share": range(len(waiting)), "_id": [d.item.delivery_id for d, _ in waiting]}, schema_overrides={"_share": pl.Int32}
        )
        kept = kept.join(ids, on="_share", maintain_order="left")
        for frame, sink in ((good, "loaded"), (bad, "quarantined")):
            for share, part in self._shares(frame, kept):
                getattr(waiting[share][0], sink).write(part)
        if lines is not None:
            sound = lines.join(good, on="row_number", how="semi", maintain_order="left")
            for share, part in self._shares(sound, kept):
                waiting[share][0].lines.write(part)
            if not bad.is_empty():
                for share, part in self._shares(lines.join(bad, on="row_number", how="semi", maintain_order="left"), kept):
                    waiting[share][0].bad_lines.write(part)

    @staticmethod
    def _shares(frame: pl.DataFrame, kept: pl.DataFrame) -> Iterator[tuple[int, pl.DataFrame]]:
        """The rows of each delivery, with their own `row_number` and `delivery_id` again."""
        joined = frame.join(kept, on="row_number", maintain_order="left").with_columns(row_number="_row_number", delivery_id="_id")
        for part in joined.partition_by("_share", maintain_order=True):
            yield part["_share"][0], part.drop("_row_number", "_share", "_id")
