"""Where things lie and how strict a night is: read from the environment, once."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every setting is an environment variable named COVERAGE_<NAME>; the defaults are those of the contract."""

    model_config = SettingsConfigDict(env_prefix="COVERAGE_", extra="ignore", frozen=True)

    home: Path = Field(Path("data"), description="work area")
    landing: Path | None = Field(None, description="landing zone; default <home>/landing")
    warehouse: Path | None = Field(None, description="the published DuckDB file; default <home>/warehouse/current/coverage.duckdb")
    profiles: Path | None = Field(None, description="profiles of provinces; default <home>/profiles")
    bad_rows_limit_pct: float = Field(5.0, ge=0, le=100, description="a delivery with more bad rows than this is held")
    workers: int = Field(2, ge=1, description="deliveries read at the same time")
    keep_versions: int = Field(5, ge=2, description="published versions that are kept")
    keep_orphan_days: float = Field(30, ge=1, description="days after which parts of tables that no manifest names are removed")
    memory_gb: float = Field(5, ge=1, description="memory of DuckDB while it builds (GB); what does not fit goes to disk")
    lang: Literal["vi", "en"] = Field("vi", description="language of the reports' first page")
    data_docs: bool = Field(True, description="build Great Expectations' Data Docs each night")

    @cached_property
    def home_dir(self) -> Path:
        return self.home.absolute()

    @cached_property
    def landing_dir(self) -> Path:
        return (self.landing or self.home / "landing").absolute()

    @cached_property
    def profile_dir(self) -> Path:
        return (self.profiles or self.home / "profiles").absolute()

    @cached_property
    def published_file(self) -> Path:
        """The file that BI tools open: <warehouse>/current/coverage.duckdb, where `current` is a symbolic link."""
        return (self.warehouse or self.home / "warehouse" / "current" / "coverage.duckdb").absolute()

    @cached_property
    def current_link(self) -> Path:
        return self.published_file.parent

    @cached_property
    def versions_dir(self) -> Path:
        return self.current_link.parent / "versions"

    @cached_property
    def restricted_dir(self) -> Path:
        """Everything personal; directories 0700, files 0600."""
        return self.home_dir / "restricted"

    @cached_property
    def ledger_dir(self) -> Path:
        return self.restricted_dir / "ledger"

    @cached_property
    def spool_dir(self) -> Path:
        return self.restricted_dir / "spool"

    @cached_property
    def card_persons_file(self) -> Path:
        return self.restricted_dir / "card_persons.parquet"

    @cached_property
    def persons_dir(self) -> Path:
        """What the person index needs beside itself: evidence of pairs, the standing index, the report of the last linkage."""
        return self.restricted_dir / "persons"

    @cached_property
    def claim_persons_file(self) -> Path:
        """Whom scoring finds for claims in no register; see `warehouse.claim_persons`."""
        return self.persons_dir / "claim_persons.parquet"

    @cached_property
    def relink_file(self) -> Path:
        """While it exists the next night links all cards anew."""
        return self.persons_dir / "relink"

    @cached_property
    def person_key_file(self) -> Path:
        return self.restricted_dir / "person_key"

    @cached_property
    def parts_dir(self) -> Path:
        """Immutable Parquet files of marts, dims and facts: `<schema.table>/<part>/<hash>.parquet`."""
        return self.restricted_dir / "parts"

    @cached_property
    def manifests_dir(self) -> Path:
        """What each published version consists of, kept for ever: `<run_id>.parquet`."""
        return self.restricted_dir / "manifests"

    @cached_property
    def register_digests_dir(self) -> Path:
        return self.restricted_dir / "register_digests"

    @cached_property
    def asof_dir(self) -> Path:
        """Versions of the past that were assembled again."""
        return self.home_dir / "asof"

    @cached_property
    def lock_file(self) -> Path:
        return self.restricted_dir / "night.lock"

    @cached_property
    def locks_dir(self) -> Path:
        """One file for each partition that is or was written (`warehouse.partitions`)."""
        return self.home_dir / "locks"

    @cached_property
    def backfills_dir(self) -> Path:
        """Plans of backfills and what became of them: paths, hashes and counts. Their rows lie in `restricted/backfills`."""
        return self.home_dir / "backfills"

    @cached_property
    def staged_versions_dir(self) -> Path:
        """Versions that backfills have built and nobody has approved yet; on the file system of `versions_dir`."""
        return self.versions_dir.with_name("staged")

    @cached_property
    def reports_dir(self) -> Path:
        return self.home_dir / "reports"

    def rows_dir(self, verdict: str, table: str) -> Path:
        """Packs of rows (`warehouse.packs`): `verdict` is `loaded` or `quarantine`."""
        return self.restricted_dir / verdict / table
