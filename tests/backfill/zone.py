"""A work area whose nights and backfills are run step by step, without Prefect and without a build where none is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import polars as pl

from flows import backfill as steps
from flows import night as night_steps
from flows.night import Night
from warehouse.backfill import Plan, Scope
from warehouse.ledger import Ledger
from warehouse.partitions import Locks
from warehouse.settings import Settings

KEY = "ab" * 32


@dataclass(frozen=True)
class Zone:
    """`root/data` and, where none is given, `root/landing`."""

    root: Path
    lying: Path | None = None

    @property
    def landing(self) -> Path:
        return self.lying or self.root / "landing"

    @property
    def settings(self) -> Settings:
        return Settings(home=self.root / "data", landing=self.landing, data_docs=False)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.settings.ledger_dir)

    def give_key(self) -> None:
        """The same key for all, so that keyed hashes can be compared."""
        path = self.settings.person_key_file
        path.parent.mkdir(parents=True, mode=0o700)
        path.write_text(KEY)

    def put(self, path: str, text: str) -> Path:
        file = self.landing / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def look_and_record(self, at: datetime | None = None) -> Night:
        """A night up to its entries in the ledger."""
        night = night_steps.begin(self.settings, at)
        with Locks(self.settings.locks_dir, "the night") as locks:
            found = night_steps.leave_alone(night, night_steps.look(night), locks)
            items, outcomes = night_steps.settle(night, found, night_steps.read(night, found.to_read))
            if found.anything:
                night_steps.record(night, found, items, outcomes, night_steps.validate(night, items, outcomes))
        return night

    def publish(self, night: Night) -> Path:
        night_steps.link_persons(night)
        return night_steps.put_in_place(night, night_steps.build(night))

    def plan(self, exports: Sequence[str], first: date, last: date, *provinces: str, reread: bool = False) -> Plan:
        return steps.plan(self.settings, Scope(tuple(exports), first, last, provinces, reread))

    def statuses(self) -> dict[str, str]:
        return dict(self.ledger.deliveries().select("path", "status").iter_rows())

    def counts(self) -> dict[str, tuple[str, int, int, int]]:
        columns = ("path", "status", "records_read", "records_loaded", "records_quarantined")
        return {p: (s, r, x, q) for p, s, r, x, q in self.ledger.deliveries().select(columns).iter_rows()}

    def rows(self, table: str) -> pl.DataFrame:
        files = sorted(self.settings.rows_dir("loaded", table).glob("*.parquet"))
        return pl.concat([pl.read_parquet(f) for f in files]) if files else pl.DataFrame()
