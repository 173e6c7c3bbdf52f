"""The steps of a night as plain functions: `flows.tasks` gives them to Prefect, `flows.nightly` puts them in order."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from expectations.declare import Severity
from expectations.exports import BY_NAME
from expectations.marts import ANALYST_TABLES, BI_TABLES
from expectations.marts.quality import RESULTS
from expectations.quarantine import reasons
from expectations.validation import RuleResult, Validator
from flows import attaching, linking
from transforms.geography import Places
from warehouse import assemble, card_persons, landing, manifests, packs, parts, profiles, publish, reference, staging
from warehouse.arrivals import Arrivals, arrivals, entry, is_short, repeat, short_archives
from warehouse.backfill import kept_back
from warehouse.build import Build, Built
from warehouse.code_version import code_version
from warehouse.fingerprints import given_fingerprints, of_relations, of_tables, person_key, published_fingerprints, sha256
from warehouse.ingest import Outcome, ingest
from warehouse.landing import Landed
from warehouse.ledger import Entry, Ledger
from warehouse.partitions import Locks
from warehouse.set_aside import SetAside, set_aside
from warehouse.settings import Settings
from warehouse.staged import finish_approvals
from warehouse.storage import scratch_directory, sweep, sweep_temporaries, sync_all

log = logging.getLogger("bhyt")
ORPHANS_EVERY = 10  # runs


class AuditFailed(Exception):
    """A rule of severity error does not hold for a mart; the old version stays published."""


class NoLandingZone(Exception):
    """There is nothing to read from; the message names the folder."""


@dataclass
class Step:
    """A step of the night: what it took, and what it worked on where that says something."""

    name: str
    seconds: float = 0.0
    files: int | None = None
    records: int | None = None
    megabytes: float | None = None


@dataclass
class Night:
    """One run: its settings, its clock and what it has found so far."""

    settings: Settings
    received_at: datetime
    steps: dict[str, Step] = field(default_factory=dict)
    set_aside: list[SetAside] = field(default_factory=list)

    @property
    def timings(self) -> dict[str, float]:
        """Seconds of each step so far."""
        return {name: step.seconds for name, step in self.steps.items()}

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.settings.ledger_dir)

    @cached_property
    def run_id(self) -> str:
        return self.ledger.next_run_id(self.received_at, (v.name for v in publish.versions(self.settings)))

    @cached_property
    def sequence(self) -> int:
        return int(self.run_id.split("-")[0])

    def sequence_of(self, item: Landed) -> int:
        """The number of the run that counts as the one that saw a new delivery first: this one."""
        return self.sequence

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
    def timed(self, step: str) -> Iterator[Step]:
        start = time.perf_counter()
        log.info("%s …", step)
        work = self.steps.setdefault(step, Step(step))
        try:
            yield work
        finally:
            seconds = time.perf_counter() - start
            work.seconds += seconds
            log.info("%s: %.1f s", step, seconds)

    def note_timings(self) -> None:
        """Write the steps so far into the ledger: before the build, which shows them, and once more at the end, for the next version."""
        rows = [
            {"place": place, "step": s.name} | {k: v for k, v in asdict(s).items() if k != "name"}
            for place, s in enumerate(self.steps.values(), 1)
        ]
        self.ledger.write(self.run_id, "timings", rows)


def begin(settings: Settings, received_at: datetime | None = None) -> Night:
    """Under the night's lock: clear what a killed night left half written, and set the clock."""
    if not settings.landing_dir.is_dir():
        raise NoLandingZone(f"the landing zone {settings.landing_dir} does not exist; set COVERAGE_LANDING or make the folder")
    sweep(settings.spool_dir)
    manifests.keep(settings)
    swept = (settings.restricted_dir, settings.persons_dir, settings.manifests_dir, settings.register_digests_dir)
    for directory in (*swept, *settings.ledger_dir.glob("*")):
        sweep_temporaries(directory)
    finish_approvals(settings)
    moment = received_at or datetime.now(UTC)
    return Night(settings, moment.astimezone(UTC).replace(tzinfo=None))


def anything_landed(night: Night) -> bool:
    """Whether any file of the landing zone is new or changed; stops at the first."""
    known = night.ledger.known_files(night.profiles.fingerprint)
    return next(iter(landing.scan(night.settings.landing_dir, known)), None) is not None


def look(night: Night) -> Arrivals:
    """What is new in the landing zone."""
    with night.timed("look") as step:
        known = night.ledger.known_files(night.profiles.fingerprint)
        lying = landing.not_ahead(landing.scan(night.settings.landing_dir, known), night.received_at.date())
        found = arrivals(lying, night.ledger.deliveries(), night.profiles.fingerprint)
        step.files, step.megabytes = len(found.seen), sum({x.file: x.size for x in found.seen}.values()) / 1e6
        return found


def leave_alone(night: Night, found: Arrivals, locks: Locks) -> Arrivals:
    """What of it the night may take, holding `locks`; what a backfill has is set aside until the next one."""
    rest, night.set_aside = set_aside(found, locks, kept_back(night.settings), night.settings.spool_dir)
    return rest


def read(night: Night, batch: Sequence[Landed]) -> list[Outcome]:
    """Read deliveries to their Parquet files."""
    return ingest(batch, night.settings, night.places, night.profiles)


def settle(night: Night, found: Arrivals, outcomes: list[Outcome]) -> tuple[list[Landed], list[Outcome]]:
    """Read the twins that are no repeats too, and check archives as wholes.

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
    checked = short_archives(items, outcomes, repeated)
    _take_out(night, items, outcomes, checked)
    return items, checked


def _take_out(night: Night, items: Sequence[Landed], read: Sequence[Outcome], checked: Sequence[Outcome]) -> None:
    """Take the rows of deliveries that were refused after they were read out of their packs."""
    export_of = {x.delivery_id: x.export or "" for x in items}
    gone: dict[tuple[str, str], list[str]] = defaultdict(list)
    for before, after in zip(read, checked, strict=True):
        if after.status == "refused" and before.pack:
            gone[export_of[before.delivery_id], before.pack].append(before.delivery_id)
    for (export, pack), ids in gone.items():
        packs.remove(night.settings, export, pack, ids)


def validate(night: Night, items: Sequence[Landed], outcomes: Sequence[Outcome]) -> pl.DataFrame:
    """Great Expectations over all rows that were read; returns rule results per delivery (`quality.results`)."""
    with night.timed("validate") as step, scratch_directory(night.settings.spool_dir) as scratch:
        step.files, step.records = len(items), sum(o.records_read for o in outcomes)
        database = scratch / "rows.duckdb"  # not named like a schema: DuckDB would find the name ambiguous
        export_of = {x.delivery_id: x.export or "" for x in items}
        deliveries = night.ledger.deliveries().filter((pl.col("export") == "facilities") & (pl.col("status") != "refused"))
        tables = staging.stage(database, night.settings, outcomes, export_of, deliveries)
        return staging.results(database, tables, night.validator.validate(database, tables, schema="staged", name="deliveries"))


def record(
    night: Night,
    found: Arrivals,
    items: Sequence[Landed],
    outcomes: Sequence[Outcome],
    results: pl.DataFrame,
    further: Sequence[Entry] = (),
    keep_reading: bool = False,
) -> list[Entry]:
    """Write the night's entries into the ledger, and `further` ones. From here on the deliveries count as received.

    `keep_reading`: the rows are still those of the code and the profiles that first read them (a replay reads no file).
    """
    with night.timed("record"):
        entries = _entries(night, found, items, outcomes, keep_reading) + list(further)
        _write(night, found, items, outcomes, results, entries)
        return entries


def _entries(night: Night, found: Arrivals, items: Sequence[Landed], outcomes: Sequence[Outcome], keep_reading: bool) -> list[Entry]:
    former = {r["delivery_id"]: r for r in night.ledger.deliveries().iter_rows(named=True)}
    fingerprint = night.profiles.fingerprint
    by_id = {o.delivery_id: o for o in outcomes}
    seen, sequence = night.received_at, night.sequence_of
    entries = [entry(x, by_id[x.delivery_id], seen, sequence(x), fingerprint, former.get(x.delivery_id)) for x in items]
    if keep_reading:
        entries = [replace(e, **{c: former[e.delivery_id][c] for c in ("read_by", "profiles")}) for e in entries]
    records = {i: r["records_read"] for i, r in former.items()} | {o.delivery_id: o.records_read for o in outcomes}
    repeats = list(found.repeats)
    repeats += [(twin, original) for original, twins in found.twins.items() for twin in twins]
    return entries + [repeat(x, original, records[original], seen, sequence(x), fingerprint) for x, original in repeats]


def _write(
    night: Night,
    found: Arrivals,
    items: Sequence[Landed],
    outcomes: Sequence[Outcome],
    results: pl.DataFrame,
    entries: Sequence[Entry],
) -> None:
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
    packs.sweep(night.settings, ledger.packs())


def _quarantined(night: Night, items: Sequence[Landed], outcomes: Sequence[Outcome]) -> pl.DataFrame:
    export_of = {x.delivery_id: x.export or "" for x in items}
    by_export: dict[str, list[Outcome]] = defaultdict(list)
    for o in outcomes:
        if o.records_quarantined:
            by_export[export_of[o.delivery_id]].append(o)
    frames = []
    for export, some in sorted(by_export.items()):
        table = BY_NAME[export]
        files = [packs.path(night.settings, packs.QUARANTINE, export, p) for p in sorted({o.pack for o in some})]
        rows = packs.scan(files, pl.DataFrame({"delivery_id": [o.delivery_id for o in some]}))
        frames.append(reasons(rows.select("delivery_id", "row_number", "broken_rules").collect(), table))
    return pl.concat(frames) if frames else pl.DataFrame()


def link_persons(night: Night) -> Mapping[str, Any] | None:
    """Bring the person index up to date when registers in use, decisions or code have changed; its report, None when it stands."""
    if card_persons.fingerprint(night.settings.card_persons_file) == linking.made_from(night.settings, night.ledger):
        return None
    with night.timed("persons"):
        return linking.link_persons(night.settings, night.ledger, night.run_id)


def attach_claims(night: Night) -> None:
    """Look for the persons of claims that no identifier leads to a register: new ones, and those that changed cards may be of."""
    asked = attaching.due(night.settings, night.ledger)
    if asked is not None:
        with night.timed("attach claims") as step:
            step.records = attaching.attach_claims(night.settings, asked)


def wanted(settings: Settings, ledger: Ledger) -> dict[str, str]:
    """Fingerprints of all relations that the ledger as it stands calls for."""
    # The run too: the same cards linked anew may be other persons.
    index = sha256(linking.made_from(settings, ledger), card_persons.run_of(settings.card_persons_file))
    given = given_fingerprints(settings, ledger.deliveries(), index)
    return of_relations(given, person_key(settings))


def up_to_date(settings: Settings, ledger: Ledger) -> bool:
    """Whether the latest version is what the ledger calls for (also when a person went back to an earlier one)."""
    made = publish.versions(settings)
    if not made or publish.current(settings) is None:
        return False
    if made[-1].name < max(ledger.runs(), default=""):
        return False  # the ledger tells of what no version shows yet: a night died before it published, or a person has decided
    return published_fingerprints(made[-1] / "coverage.duckdb") == of_tables(wanted(settings, ledger))


def build(night: Night) -> Built:
    """Build the next version in a directory of its own, beside the published one."""
    settings = night.settings
    night.note_timings()
    with night.timed("build"), scratch_directory(settings.spool_dir) as scratch:
        built = Built(night.run_id, publish.staging_directory(settings, night.run_id), wanted(settings, night.ledger))
        previous = manifests.of_version(publish.current(settings))
        maker = Build(settings, night.ledger, scratch, previous, person_key(settings))
        return maker.run(built, night.received_at, code_version())


def audit(night: Night, built: Built) -> list[RuleResult]:
    """Great Expectations over every table of the version; its results go into `quality.results`. Raises AuditFailed."""
    with night.timed("audit"):
        results = night.validator.validate(built.coverage_file, BI_TABLES, name="coverage")
        results += night.validator.validate(built.analyst_file, ANALYST_TABLES, name="analyst")
        complete(night.settings, built, results)
    broken = [r for r in results if r.severity == Severity.ERROR and r.failed != 0]
    if broken:
        raise AuditFailed("; ".join(f"{r.rule}: {r.error or f'{r.failed} rows'}" for r in broken))
    return results


def complete(settings: Settings, built: Built, results: Sequence[RuleResult]) -> None:
    """Add what the audit found to the version, and the manifest that says what it consists of: parts before what names them."""
    assert built.manifest
    noted = audit_rows(built, results)
    assemble.note_audit(built.coverage_file, noted)
    name = RESULTS.qualified_name
    kept = parts.write(settings, name, assemble.AUDIT, noted, "")
    built.manifest = replace(built.manifest, parts=(*built.manifest.parts, kept))
    sync_all()
    manifests.write_of_version(built.directory, built.manifest)


def audit_rows(built: Built, results: Sequence[RuleResult]) -> pl.DataFrame:
    """Rows of `quality.results` about the marts' rules."""
    rows = [
        {"delivery_id": r.table, "rule": r.rule, "severity": r.severity, "checked": checked, "failed": r.failed,
         "failed_pct": 100 * r.failed / checked if checked and r.failed is not None else None,
         "status": "error" if r.failed is None else "failed" if r.failed else "passed" if checked else "not_applicable"}
        for r in results
        for checked in (built.rows.get(r.table, 0),)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=RESULTS.polars_schema)


def put_in_place(night: Night, built: Built) -> Path:
    """Publish the version, keep its manifest, and remove parts that nothing has named for long."""
    settings = night.settings
    with night.timed("publish"):
        version = publish.publish(settings, built.directory, built.run_id)
        manifests.keep(settings)
        if night.sequence % ORPHANS_EVERY == 0:  # to know what is named, all manifests are read
            parts.remove_orphans(settings, manifests.named_files(settings))
        return version
