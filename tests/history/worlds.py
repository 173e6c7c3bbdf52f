"""Nights on a small world without Prefect and without Great Expectations: everything else of a night, in a second or less."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from expectations.validation import RuleResult
from flows import night as steps
from tests.golden.published import all_tables
from warehouse import publish
from warehouse.build import Build, Built
from warehouse.fingerprints import person_key
from warehouse.ledger import Ledger
from warehouse.manifests import Manifest
from warehouse.settings import Settings
from warehouse.storage import scratch_directory

FIRST = datetime(2025, 9, 1, 18, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Area:
    """A work area below `root`: `data` and `landing`."""

    root: Path

    @property
    def settings(self) -> Settings:
        return Settings(home=self.root / "data", landing=self.root / "landing", keep_versions=2)

    def night(self, day: int = 0) -> Built:
        """One night, `day` days after the first."""
        settings = self.settings
        settings.landing_dir.mkdir(parents=True, exist_ok=True)
        night = steps.begin(settings, FIRST + timedelta(days=day))
        found = steps.look(night)
        outcomes = steps.read(night, found.to_read) if found.to_read else []
        items, outcomes = steps.settle(night, found, outcomes)
        steps.record(night, found, items, outcomes, pl.DataFrame())
        steps.link_persons(night)
        steps.attach_claims(night)
        built = steps.build(night)
        steps.complete(settings, built, [RuleResult("marts.facility_month", "told.by.nobody", "warning", 1)])
        steps.put_in_place(night, built)
        return built

    def from_scratch(self) -> Manifest:
        """What a build of all that was received so far makes when there is no version before it."""
        settings, ledger = self.settings, Ledger(self.settings.ledger_dir)
        with scratch_directory(settings.spool_dir) as scratch:
            built = Built("", scratch, steps.wanted(settings, ledger))
            build = Build(settings, ledger, scratch, None, person_key(settings))
            return Manifest("", FIRST, "", build.parts(built), built.fingerprints, build.memory)

    def tables(self) -> dict[str, pl.DataFrame]:
        """Every published table, rows in a total order."""
        version = publish.current(self.settings)
        assert version
        return all_tables(version / "coverage.duckdb") | all_tables(version / "analyst.duckdb")

    def part_files(self) -> dict[str, tuple[int, int]]:
        """Every part on disk: its inode and size."""
        folder = self.settings.parts_dir
        return {str(p.relative_to(folder)): (p.stat().st_ino, p.stat().st_size) for p in folder.rglob("*.parquet")}
