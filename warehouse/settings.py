"""Where things lie and how strict a night is: read from the environment, once."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

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
    def relink_file(self) -> Path:
        """While it exists the next night links all cards anew."""
        return self.persons_dir / "relink"

    @cached_property
    def person_key_file(self) -> Path:
        return self.restricted_dir / "person_key"

    @cached_property
    def lock_file(self) -> Path:
        return self.restricted_dir / "night.lock"

    @cached_property
    def reports_dir(self) -> Path:
        return self.home_dir / "reports"

    def rows_dir(self, verdict: str, table: str) -> Path:
        """Parquet files, one a delivery: `verdict` is `loaded` or `quarantine`."""
        return self.restricted_dir / verdict / table
