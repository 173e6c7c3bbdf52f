"""The steps of a night as plain functions: `flows.tasks` gives them to Prefect, `flows.nightly` puts them in order."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from expectations.declare import Severity
from expectations.exports import BY_NAME
from expectations.marts import ANALYST_TABLES, BI_TABLES
from expectations.quarantine import reasons
from expectations.validation import RuleResult, Validator
from flows import linking
from transforms.geography import Places
from warehouse import card_persons, landing, profiles, publish, reference, staging
from warehouse.arrivals import Arrivals, arrivals, entry, halved_registers, is_short, repeat, short_archives
from warehouse.build import Build, Built, fingerprints, given_fingerprints, person_key, published_fingerprints, sha256
from warehouse.code_version import code_version
from warehouse.ingest import Outcome, ingest
from warehouse.landing import Landed
from warehouse.ledger import Entry, Ledger
from warehouse.settings import Settings
from warehouse.storage import scratch_directory, sweep, sweep_temporaries, sync_all

log = logging.getLogger("bhyt")


class AuditFailed(Exception):
    """A rule of severity error does not hold for a mart; the old version stays published."""


class NoLandingZone(Exception):
    """There is nothing to read from; the message names the folder."""


@dataclass
class Night:
    """One run: its settings, its clock and what it has found so far."""

    settings: Settings
    received_at: datetime
    timings: dict[str, float] = field(default_factory=dict)

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.settings.ledger_dir)

    @cached_property
    def run_id(self) -> str:
        return self.ledger.next_run_id(self.received_at, (v.name for v in publish.versions(self.settings)))

    @cached_property
    def sequence(self) -> int:
        return int(self.run_id.split("-")[0])

    @cached_property
    def profiles(self) -> profiles.Profiles:
        return profiles.load([self.settings.profile_dir])

    @cached_property
    def places(self) -> Places:
        return reference.places()

    @cached_property
    def report_dir(self) -> Path:
        path = self.settings.reports_dir / self.run_id
        path.mkdir(parents=True, exist_ok=True)
        return path

    @cached_property
    def validator(self) -> Validator:
        return Validator(self.report_dir / "data_docs" if self.settings.data_docs else None)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        start = time.perf_counter()
        log.info("%s …", step)
        try:
            yield
        finally:
            seconds = time.perf_counter() - start
            self.timings[step] = self.timings.get(step, 0.0) + seconds
            log.info("%s: %.1f s", step, seconds)


def begin(settings: Settings, received_at: datetime | None = None) -> Night:
    """Under the night's lock: clear what a killed night left half written, and set the clock."""
    if not settings.landing_dir.is_dir():
        raise NoLandingZone(f"the landing zone {settings.landing_dir} does not exist; set COVERAGE_LANDING or make the folder")
    sweep(settings.spool_dir)
    for directory in (settings.restricted_dir, settings.persons_dir, *settings.ledger_dir.glob("*")):
        sweep_temporaries(directory)
    moment = received_at or datetime.now(UTC)
    return Night(settings, moment.astimezone(UTC).replace(tzinfo=None))


def anything_landed(night: Night) -> bool:
    """Whether any file of the landing zone is new or changed; stops at the first."""
    known = night.ledger.known_files(night.profiles.fingerprint)
    return next(iter(landing.scan(night.settings.landing_dir, known)), None) is not None


def look(night: Night) -> Arrivals:
    """What is new in the landing zone."""
    with night.timed("look"):
        known = night.ledger.known_files(night.profiles.fingerprint)
        return arrivals(landing.scan(night.settings.landing_dir, known), night.ledger.deliveries(), night.profiles.fingerprint)


def read(night: Night, batch: Sequence[Landed]) -> list[Outcome]:
    """Read deliveries to their Parquet files."""
    return ingest(batch, night.settings, night.places, night.profiles)


def settle(night: Night, found: Arrivals, outcomes: list[Outcome]) -> tuple[list[Landed], list[Outcome]]:
    """Read the twins that are no repeats too, check archives as wholes, and hold registers that have halved.

    A twin is no repeat of a delivery that was refused, nor where its own manifest declares more rows than there are.
    """
    items = list(found.to_read)
    deliveries = night.ledger.deliveries()
    held = dict(deliveries.select("delivery_id", "records_read").iter_rows())
    repeated = [(item, held[original]) for item, original in found.repeats]
    twins, found.twins = found.twins, {}
    for original in [o for o in outcomes if o.delivery_id in twins]:
        sound = original
        for twin in twins[original.delivery_id]:
            if sound.status == "refused" or is_short(twin, sound.records_read):
                items.append(twin)
                outcomes += read(night, [twin])
                sound = outcomes[-1] if sound.status == "refused" else sound
            else:
                repeated.append((twin, sound.records_read))
                found.twins.setdefault(sound.delivery_id, []).append(twin)
    outcomes = short_archives(items, outcomes, repeated)
    return items, halved_registers(items, outcomes, deliveries)


def validate(night: Night, items: Sequence[Landed], outcomes: Sequence[Outcome]) -> pl.DataFrame:
    """Great Expectations over all rows that were read; returns rule results per delivery (`quality.results`)."""
    with night.timed("validate"), scratch_directory(night.settings.spool_dir) as scratch:
        database = scratch / "rows.duckdb"  # not named like a schema: DuckDB would find the name ambiguous
        export_of = {x.delivery_id: x.export or "" for x in items}
        deliveries = night.ledger.deliveries().filter((pl.col("export") == "facilities") & (pl.col("status") != "refused"))
        known = [night.settings.rows_dir("loaded", "facilities") / f"{i}.parquet" for i in deliveries["delivery_id"]]
        tables = staging.stage(database, night.settings, outcomes, export_of, known)
        return staging.results(database, tables, night.validator.validate(database, tables, schema="staged", name="deliveries"))


def record(night: Night, found: Arrivals, items: Sequence[Landed], outcomes: Sequence[Outcome], results: pl.DataFrame) -> list[Entry]:
    """Write the night's entries into the ledger. From here on the deliveries count as received."""
    former = {r["delivery_id"]: r for r in night.ledger.deliveries().iter_rows(named=True)}
    fingerprint = night.profiles.fingerprint
    by_id = {o.delivery_id: o for o in outcomes}
    entries = [entry(x, by_id[x.delivery_id], night.received_at, night.sequence, fingerprint, former.get(x.delivery_id)) for x in items]
    records = {i: r["records_read"] for i, r in former.items()} | {o.delivery_id: o.records_read for o in outcomes}
    repeats = list(found.repeats)
    repeats += [(twin, original) for original, twins in found.twins.items() for twin in twins]
    entries += [repeat(x, original, records[original], night.received_at, night.sequence, fingerprint) for x, original in repeats]
    files = {x.path.split("!/")[0]: x for x in found.seen if not (x.refusal and x.sha256 == "")}
    ledger = night.ledger
    sync_all()  # the rows before the entries that make them count
    ledger.write(night.run_id, "results", results)
    ledger.write(night.run_id, "quarantine", _quarantined(night, items, outcomes))
    ledger.write(
        night.run_id,
        "files",
        [{"file": f, "size": x.size, "modified_ns": x.modified_ns, "context": x.context} for f, x in sorted(files.items())],
    )
    ledger.write(night.run_id, "deliveries", entries)  # last: without it the others are not looked at
    return entries


def _quarantined(night: Night, items: Sequence[Landed], outcomes: Sequence[Outcome]) -> pl.DataFrame:
    export_of = {x.delivery_id: x.export or "" for x in items}
    frames = []
    for o in outcomes:
        if o.records_quarantined:
            table = BY_NAME[export_of[o.delivery_id]]
            path = night.settings.rows_dir("quarantine", table.name) / f"{o.delivery_id}.parquet"
            frames.append(reasons(pl.read_parquet(path, columns=["delivery_id", "row_number", "broken_rules"]), table))
    return pl.concat(frames) if frames else pl.DataFrame()


def link_persons(night: Night) -> Mapping[str, Any] | None:
    """Bring the person index up to date when registers in use, decisions or code have changed; its report, None when it stands."""
    if card_persons.fingerprint(night.settings.card_persons_file) == linking.made_from(night.settings, night.ledger):
        return None
    with night.timed("persons"):
        return linking.link_persons(night.settings, night.ledger, night.run_id)


def wanted(settings: Settings, ledger: Ledger) -> dict[str, str]:
    """Fingerprints of the tables that the ledger as it stands calls for."""
    # The run too: the same cards linked anew may be other persons.
    index = sha256(linking.made_from(settings, ledger), card_persons.run_of(settings.card_persons_file))
    given = given_fingerprints(settings, ledger.deliveries(), index)
    return fingerprints(given, person_key(settings))


def up_to_date(settings: Settings, ledger: Ledger) -> bool:
    """Whether the latest version is what the ledger calls for (also when a person went back to an earlier one)."""
    made = publish.versions(settings)
    if not made or publish.current(settings) is None:
        return False
    if made[-1].name < max(ledger.runs(), default=""):
        return False  # the ledger tells of what no version shows yet: a night died before it published, or a person has decided
    return published_fingerprints(made[-1] / "coverage.duckdb") == wanted(settings, ledger)


def build(night: Night) -> Built:
    """Build the next version in a directory of its own, beside the published one."""
    settings = night.settings
    with night.timed("build"), scratch_directory(settings.spool_dir) as scratch:
        built = Built(night.run_id, publish.staging_directory(settings, night.run_id), wanted(settings, night.ledger))
        maker = Build(settings, night.ledger, scratch, publish.current(settings), person_key(settings))
        return maker.run(built, night.received_at, code_version())


def audit(night: Night, built: Built) -> list[RuleResult]:
    """Great Expectations over every table of the version; its results go into `quality.results`. Raises AuditFailed."""
    with night.timed("audit"):
        results = night.validator.validate(built.coverage_file, BI_TABLES, name="coverage")
        results += night.validator.validate(built.analyst_file, ANALYST_TABLES, name="analyst")
        Build.note_audit(built, results)
    broken = [r for r in results if r.severity == Severity.ERROR and r.failed != 0]
    if broken:
        raise AuditFailed("; ".join(f"{r.rule}: {r.error or f'{r.failed} rows'}" for r in broken))
    return results


def put_in_place(night: Night, built: Built) -> Path:
    with night.timed("publish"):
        return publish.publish(night.settings, built.directory, built.run_id)
