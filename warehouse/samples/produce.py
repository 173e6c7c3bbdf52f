"""A simulated world as sample exports, and the truth about it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import polars as pl

from expectations.exports.cards import CARDS
from expectations.exports.facilities import FACILITIES
from warehouse.samples import (
    claim_files,
    claim_lists,
    costs,
    faults,
    lists,
    registers,
    truth_claims,
    truth_coverage,
    truth_duplicates,
    truth_lapse,
)
from warehouse.samples.cards import spans as make_spans
from warehouse.samples.damage import BadRows, card_faults
from warehouse.samples.dialects import dialect_of
from warehouse.samples.employers import employers as make_employers
from warehouse.samples.facilities import facilities as make_facilities
from warehouse.samples.outbox import Outbox
from warehouse.samples.people import people as make_people
from warehouse.samples.places import load
from warehouse.samples.visits import visits as make_visits
from warehouse.samples.window import Window, after_reform


def write(
    out: Path,
    *,
    persons: int,
    months: tuple[date, date],
    seed: int,
    faults: bool = False,  # shadows the module on purpose: the name is the command's
    provinces: Sequence[str] | None = None,
    progress: Callable[[str], None] | None = None,
    visits_per_person_year: float = 2.0,
    flat_lists: bool = False,
) -> None:
    """Write `out/landing` (a landing zone as in the contract) and `out/truth` (Parquet files) of a world of `persons` people.

    `months`: any day of the first and of the last month. `provinces`: codes before 2025-07-01; default fifteen whose mergers cover the
    reform's traps. `flat_lists`: a few facilities send some claims as lists 79a/80a or 01/BH too, or only so. `faults` adds one of
    every row of the contract's fault table, which changes nothing in the expected marts. The same
    arguments give the same bytes and modification times. What stood in `out/landing` and `out/truth` is removed first.

    Truth: `persons` (card_number as delivered, person), `deliveries` (path, status, expected counts), `faults` (path, status, reason),
    `markers` (kind, text: what must never be seen downstream), and one file for each expected mart. Raises ValueError for unknown
    provinces, months in the wrong order, or fewer than 500 persons.
    """
    if persons < 500:
        raise ValueError("a world needs at least 500 persons")
    tell = progress or (lambda _: None)
    window = Window.of(months)
    places = load(provinces, persons, seed)
    for part in ("landing", "truth"):
        shutil.rmtree(out / part, ignore_errors=True)
    outbox = Outbox(out / "landing")
    tell("people")
    people = make_people(places, persons, window.first, window.last, seed)
    employers = make_employers(places, persons, window.first, window.last, seed)
    listed_facilities = make_facilities(places, persons, seed)
    facilities = listed_facilities.all
    spans = make_spans(people, places, facilities, employers, window, seed)

    zips: dict[str, dict[str, bytes]] = {}
    for month in registers.facility_months(window):
        for province in places.groups() if after_reform(month) else places.provinces:
            rows = registers.facility_rows(facilities, places, province, month)
            registers.write_register(outbox, FACILITIES, "cskcb", rows, province, month, zips)
    bad: BadRows = card_faults() if faults else BadRows()
    parts = []
    for listing in registers.listings(spans, places, facilities, employers, window):
        province, month = str(listing["register"][0]), listing["period"][0]
        tell(f"register {province} {month:%Y-%m}")
        registers.write_register(outbox, CARDS, "the", registers.card_rows(listing, dialect_of(province)), province, month, zips, bad)
        parts.append(listing.select(_KEPT))
    registers.write_zips(outbox, zips)
    listed = pl.concat(parts, how="vertical_relaxed")
    delivered = registers.schedule(places, window)

    staff = (
        spans.filter(pl.col("employer").is_not_null())
        .group_by("employer")
        .agg(insured=pl.col("person").n_unique().cast(pl.Int64))
        .sort("employer")
    )
    known = lists.write_lists(outbox, people, places, facilities, employers, staff, window, seed)

    tell("claims")
    seen = spans.join(listed.select("span").unique(), on="span", how="semi", maintain_order="left")
    visits = make_visits(seen, places, listed_facilities, window, persons, seed, visits_per_person_year)
    lines = costs.lines(visits, seed)
    records = claim_files.records(visits, places, seed)
    claims, claim_lines = truth_claims.current_claims(records, lines, visits, places, facilities)
    flat = claim_lists.chosen(claims if flat_lists else claims.clear())
    sent = records.join(flat.filter("only_listed"), on="claim", how="anti", maintain_order="left")
    claim_files.write_claims(outbox, sent, lines, under_declared=faults, progress=progress)
    claim_lists.write_lists(outbox, claims, flat)
    claims, claim_lines = claim_lists.as_listed(claims, claim_lines, flat)

    expected_faults = _faults(outbox, bad, claims, lines, spans, window, faults)

    tell("truth")
    truth = out / "truth"
    truth.mkdir(parents=True)
    counted = truth_coverage.counted(listed, delivered, places, window)
    marts = truth_coverage.coverage(counted, delivered, known, places, facilities, window)
    marts["duplicate_cards_month"] = truth_duplicates.duplicates(listed, counted, delivered, places, window)
    marts["lapse_month"] = truth_lapse.lapses(listed, counted, delivered, places, window)
    marts |= truth_coverage.employers(listed, delivered, known, places, window)
    marts |= truth_claims.claim_marts(claims, claim_lines, known, marts["coverage_province_month"], facilities)
    raised = truth_claims.signals(claims, listed)
    marts["claim_signals_month"] = truth_claims.signals_mart(claims, raised)
    for name, frame in marts.items():
        frame.write_parquet(truth / f"{name}.parquet")
    cards = listed.select("person", "card", "full", cause="cause").rename({"card": "card_number"})
    cards.unique(["card_number", "person"]).sort("card_number", "person").write_parquet(truth / "persons.parquet")
    pl.DataFrame(outbox.deliveries, infer_schema_length=None).sort("path").write_parquet(truth / "deliveries.parquet")
    expected_faults.write_parquet(truth / "faults.parquet")
    _markers(people, spans, records).write_parquet(truth / "markers.parquet")


_KEPT = ["period", "register", "span", "person", "card", "full", "object", "province", "commune", "valid_from", "valid_to",
"withdrawn_on", "reason",
         "sex", "birth", "year_only", "tax_code", "registered", "cause", "citizen_id"]  # fmt: skip


def _faults(
    outbox: Outbox, bad: BadRows, claims: pl.DataFrame, lines: pl.DataFrame, spans: pl.DataFrame, window: Window, wanted: bool
) -> pl.DataFrame:
    if not wanted:
        return pl.DataFrame(schema=faults.SCHEMA)
    return faults.write_faults(outbox, bad, claims, lines, spans, window)


def _markers(people: pl.DataFrame, spans: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """`kind, text`: names and identifiers of at most two thousand people, and every marker hidden in XML6 and XML15."""
    few = spans.filter(pl.col("cause").is_null()).head(2_000)
    modern = records.filter(pl.col("standard") == "130")
    parts = [
        few.select(kind=pl.lit("name"), text="full_name").filter(pl.col("text").str.split(" ").list.len() >= 3),
        few.select(kind=pl.lit("card"), text="full"),
        few.select(kind=pl.lit("number"), text="number"),
        few.select(kind=pl.lit("citizen_id"), text="citizen_id").drop_nulls(),
        modern.filter(pl.col("claim") % 61 == 4).select(kind=pl.lit("xml6"), text=pl.concat_str(pl.lit("HIV-MARKER-"), "claim")),
        modern.filter(pl.col("claim") % 67 == 5).select(kind=pl.lit("xml15"), text=pl.concat_str(pl.lit("TB-MARKER-"), "claim")),
    ]
    return pl.concat(parts).unique().sort("kind", "text")
