"""Deliveries from the landing zone to their packs: read, typed, parted into loaded and quarantined, all in one stream.

Most deliveries of a night are claim files of a few dozen records, and typing a frame or writing a file costs the same for ten rows as for
ten thousand. So the raw rows of several deliveries are typed together and rest in one pack (`warehouse.packs`). A large delivery goes
through in batches and has a pack of its own. A pack is put in place when the last row of its deliveries has been read and written; a
refused delivery leaves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import groupby

import duckdb
import numpy as np
import polars as pl

from expectations.declare import Table
from expectations.exports import BY_NAME, CLAIM_LINES
from expectations.quarantine import split
from transforms import claims as claim_rows
from transforms.exports import complete
from transforms.geography import Places
from transforms.rows import raw_text, typed
from warehouse import packs, reference
from warehouse.containers import content
from warehouse.landing import Landed, missing_context
from warehouse.profiles import Profiles
from warehouse.readers import tabular
from warehouse.readers.claim_lists import claim_file
from warehouse.readers.claims import ClaimsFile, ClaimTexts
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
    pack: str = ""  # where its rows rest


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


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """One for a process, where rules are evaluated: to open one costs as much as to type a hundred claims."""
    return duckdb.connect()


def refused(item: Landed, refusal: Refusal) -> Outcome:
    where = f" ({refusal.position})" if refusal.position else ""
    return Outcome(item.delivery_id, "refused", refusal.code, f"{refusal.reason}{where}")


@dataclass
class _Delivery:
    """One delivery being read, and its counts."""

    item: Landed
    declared: int | None
    read: int = 0
    loaded: int = 0
    quarantined: int = 0
    pack: str = ""

    def outcome(self, limit_pct: float) -> Outcome:
        bad, i = self.quarantined, self.item.delivery_id
        status, code, reason = "loaded", "", ""
        if self.read and 100 * bad > limit_pct * self.read:
            status, code = "held", "too_many_bad_rows"
            reason = (
                f"{bad} of {self.read} records are bad, more than {limit_pct:g} %; look at them with"
                f" `bhyt explain-delivery {i}`, then `bhyt release {i}` or deliver a corrected file"
            )
        elif self.declared is not None and self.read > self.declared:
            code, reason = "more_than_declared", f"the file holds {self.read} records and declares {self.declared}"
        return Outcome(i, status, code, reason, self.declared, self.read, self.loaded, bad, self.pack)


@dataclass(frozen=True)
class _Typed:
    """Typed rows of some deliveries, parted, of claims their lines too; `share` says whose a row is."""

    good: pl.DataFrame
    bad: pl.DataFrame
    lines: pl.DataFrame | None = None
    bad_lines: pl.DataFrame | None = None

    def of(self, first: int, end: int) -> Iterator[pl.DataFrame | None]:
        """The rows of the deliveries from `first` to `end` - 1."""
        for frame in (self.good, self.bad, self.lines, self.bad_lines):
            yield None if frame is None else frame.filter(pl.col("share").is_between(first, end, closed="left")).drop("share")


class _Pack:
    """The files of one pack while they are written."""

    def __init__(self, name: str, table: Table, settings: Settings) -> None:
        def sink(verdict: str, of: Table, more: dict[str, pl.DataType]) -> ParquetSink:
            return ParquetSink(packs.path(settings, verdict, of.name, name), {**of.polars_schema, **more}, settings.spool_dir)

        self.name = name
        self._sinks = [sink(packs.LOADED, table, {}), sink(packs.QUARANTINE, table, QUARANTINE_FIELDS)]
        if table.name == "claims":
            self._sinks += [sink(verdict, CLAIM_LINES, {}) for verdict in packs.VERDICTS]

    def write(self, frames: Iterable[pl.DataFrame | None]) -> None:
        """Rows loaded, rows quarantined and, of claims, the lines of both."""
        for frame, sink in zip(frames, self._sinks, strict=False):
            if frame is not None:
                sink.write(frame)

    def close(self) -> None:
        for sink in self._sinks:
            sink.close()

    def discard(self) -> None:
        """Remove what was written, also by a night that died before."""
        for sink in self._sinks:
            sink.__exit__(None, None, None)
            sink.path.unlink(missing_ok=True)


class _Waiting:
    """Raw rows of several deliveries that wait to be typed together; `deliveries` in the order of their rows."""

    def __init__(self, deliveries: Sequence[_Delivery] = ()) -> None:
        self.deliveries = list(deliveries)
        self.texts = ClaimTexts()  # of claim XML
        self.frames: list[pl.DataFrame] = []  # of all else
        self._rows = [0 for _ in deliveries]  # of each delivery
        self._framed = [False for _ in deliveries]  # whether they are in `frames`
        self._mark = (0, 0)  # lines and frames before the last delivery

    def begin(self, delivery: _Delivery) -> None:
        self.deliveries.append(delivery)
        self._rows.append(0)
        self._framed.append(False)
        self._mark = (self.texts.lines, len(self.frames))

    def put(self, frame: pl.DataFrame) -> None:
        """Rows of the last delivery, as a frame."""
        self.frames.append(frame)
        self._framed[-1] = True

    def add(self, rows: int) -> None:
        """So many rows of the last delivery have come in."""
        self.deliveries[-1].read += rows
        self._rows[-1] += rows

    def forget(self) -> None:
        """The last delivery is refused: its rows go."""
        self.deliveries.pop()
        self._rows.pop()
        self._framed.pop()
        lines, frames = self._mark
        self.texts.back_to(sum(n for n, framed in zip(self._rows, self._framed, strict=True) if not framed), lines)
        del self.frames[frames:]

    def is_much(self, *, of_last: bool = False) -> bool:
        rows, lines = (self._rows[-1], self.texts.lines - self._mark[0]) if of_last else (sum(self._rows), self.texts.lines)
        return rows >= TOGETHER_ROWS or lines >= TOGETHER_LINES

    def raw(self) -> tuple[pl.DataFrame, pl.DataFrame | None, pl.DataFrame] | None:
        """Raw rows, raw lines (of claims), and row by row `share` (place in `deliveries`) and `own_number`; None when there are none.

        `row_number` is a running number from 0 while rows of several deliveries are together, `own_number` the one in the delivery. Claims
        of XML stand before those of flat lists, which have no lines.
        """
        if not self.texts.claims and not self.frames:
            return None
        lines: pl.DataFrame | None = None
        frames = list(self.frames)
        if self.texts.claims or (frames and "source_form" in frames[0].columns):
            claims, lines = self.texts.frames()
            frames.insert(0, claims)
        own = pl.concat([f["position" if n == 0 and lines is not None else "row_number"] for n, f in enumerate(frames)])
        rows = pl.concat(frames, how="diagonal").rechunk().with_columns(row_number=pl.int_range(pl.len(), dtype=pl.Int64))
        order = sorted(range(len(self._rows)), key=lambda n: self._framed[n])
        share = np.repeat(np.array(order, dtype=np.int64), [self._rows[n] for n in order])
        return rows, lines, pl.DataFrame({"share": share, "own_number": own})


class _Reading:
    """Deliveries of one export and one period, read one after the other, typed together."""

    def __init__(self, table: Table, period: date | None, settings: Settings, places: Places, profiles: Profiles) -> None:
        self.table = table
        self.period = None if table.name == "claims" else period
        self.settings = settings
        self.places = places
        self.profiles = profiles
        self._waiting = _Waiting()

    def read(self, items: Sequence[Landed]) -> dict[str, Outcome]:
        outcomes: dict[str, Outcome] = {}
        finished: list[_Delivery] = []
        restricted_directory(self.settings.spool_dir)
        with _database().cursor() as self._connection:
            for item in items:
                delivery = _Delivery(item, item.rows_declared)
                try:
                    self._take_in(delivery)
                    finished.append(delivery)
                except Refusal as refusal:
                    outcomes[item.delivery_id] = refused(item, refusal)
                if self._waiting.is_much():
                    self._flush()
            self._flush()
        for delivery in finished:
            profile = self.profiles.for_(self.table.name, delivery.item.province)
            limit = profile.bad_rows_limit_pct if profile and profile.bad_rows_limit_pct is not None else self.settings.bad_rows_limit_pct
            outcomes[delivery.item.delivery_id] = delivery.outcome(limit)
        return outcomes

    def _take_in(self, delivery: _Delivery) -> None:
        """Read one delivery to its last row. Raises Refusal for whatever is wrong with it as a whole."""
        item = delivery.item
        if refusal := item.refusal or missing_context(item):
            raise refusal
        self._waiting.begin(delivery)
        own: _Pack | None = None  # of a large delivery
        try:
            for rows in self._raw(delivery):
                self._waiting.add(rows)
                if self._waiting.is_much(of_last=True):
                    delivery.pack = item.delivery_id
                    own = own or _Pack(delivery.pack, self.table, self.settings)
                    self._flush(own)
            if item.rows_declared is not None and delivery.read < item.rows_declared:
                reason = (
                    f"the manifest declares {item.rows_declared} records, the file holds {delivery.read}; deliver the file again, whole"
                )
                raise Refusal("truncated", reason)
        except (Refusal, duckdb.Error, pl.exceptions.PolarsError, ValueError, EOFError) as error:
            self._waiting.forget()
            if own:
                own.discard()
            if isinstance(error, Refusal):
                raise
            # A library's message may quote a cell; only its kind is told.
            raise Refusal("unreadable_file", f"the file cannot be read ({type(error).__name__}); export it again") from None
        if own:
            self._flush(own)
            self._waiting = _Waiting()
            own.close()

    def _raw(self, delivery: _Delivery) -> Iterator[int]:
        """Put the raw rows of a delivery among those that wait, and say each time how many they are."""
        item = delivery.item
        with ExitStack() as stack:
            path = stack.enter_context(content(item, self.settings.spool_dir))
            if self.table.name != "claims":
                for rows in tabular.read(path, self.table, self.profiles.for_(self.table.name, item.province)):
                    self._waiting.put(rows)
                    yield rows.height
                return
            file = claim_file(path)
            if isinstance(file, ClaimsFile):
                for _ in file.texts(lambda: self._waiting.texts):
                    yield 1
            else:
                for batch in file:
                    self._waiting.put(batch.claims)
                    yield batch.claims.height
            delivery.declared = file.declared if delivery.declared is None else delivery.declared

    def _flush(self, own: _Pack | None = None) -> None:
        """Type what waits and write it: a large delivery's rows into its `own` pack, all others' into one that is complete with them."""
        deliveries = self._waiting.deliveries
        others = deliveries[:-1] if own else deliveries
        rows = self._typed()
        if others and rows:
            pack = _Pack(packs.name_of(d.item.delivery_id for d in others), self.table, self.settings)
            for delivery in others:
                delivery.pack = pack.name
            pack.write(rows.of(0, len(others)))
            pack.close()
        if own and rows:
            own.write(rows.of(len(others), len(deliveries)))
        self._waiting = _Waiting(deliveries[-1:] if own else ())

    def _typed(self) -> _Typed | None:
        """What waits, typed, parted and counted; `row_number` and `delivery_id` are those of each delivery again."""
        raw = self._waiting.raw()
        if raw is None:
            return None
        cells, raw_lines, kept = raw
        rows = typed(cells, self.table, "")
        lines: pl.DataFrame | None = None
        if raw_lines is not None:
            rows, lines = claim_rows.claims(rows, raw_lines, "", reference.code_lists())
        rows = complete(rows, self.table, self.period, self.places)
        good, bad = split(self._connection, rows, self.table)
        if not bad.is_empty():
            bad = bad.with_columns(raw_text=raw_text(cells[bad["row_number"]]))
        deliveries = self._waiting.deliveries
        ids = pl.Series([d.item.delivery_id for d in deliveries], dtype=pl.String())

        def whose(frame: pl.DataFrame) -> pl.DataFrame:
            of = kept[frame["row_number"]]
            return frame.with_columns(of["share"], row_number=of["own_number"], delivery_id=ids.gather(of["share"]))

        lines_of_good = lines_of_bad = None
        if lines is not None:
            is_bad = np.zeros(kept.height, dtype=bool)
            is_bad[bad["row_number"].to_numpy()] = True
            of_bad = pl.Series(is_bad[lines["row_number"].to_numpy()])
            lines_of_good, lines_of_bad = (
                (whose(lines), None) if bad.is_empty() else (whose(lines.filter(~of_bad)), whose(lines.filter(of_bad)))
            )
        done = _Typed(whose(good), whose(bad), lines_of_good, lines_of_bad)
        for frame, counted in ((done.good, "loaded"), (done.bad, "quarantined")):
            for share, count in enumerate(np.bincount(frame["share"].to_numpy(), minlength=len(deliveries)).tolist()):
                setattr(deliveries[share], counted, getattr(deliveries[share], counted) + count)
        return done
