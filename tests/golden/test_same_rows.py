"""The same deliveries give the same rows: on another night, on another machine, in another order, and a night does only what it must."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from expectations.marts import BI_TABLES
from tests.conftest import FIRST_NIGHT, RunNight
from tests.golden.published import Published, all_tables, unlike, without_ids
from tests.golden.worlds import BOOKKEEPING, ButOne, give

FROM_REGISTERS = {
    "marts.coverage_province_month", "marts.coverage_nation_month", "marts.coverage_commune_month", "marts.coverage_group_month",
    "marts.coverage_age_sex_month", "marts.registration_level_month", "marts.lapse_month", "marts.duplicate_cards_month",
    "marts.employer_compliance_quarter", "marts.employers_missing_quarter", "marts.national_series",
    "marts.coverage_old_province_month", "marts.subsidy_end_month", "marts.province_series",
    *(t.qualified_name for t in BI_TABLES if t.schema == "dims"),
}  # fmt: skip
FROM_CLAIMS = {
    "marts.facility_month", "marts.facility_service_month", "marts.facility_cost_group_month", "marts.diagnosis_month",
    "marts.referral_month", "marts.province_claims_month", "marts.claim_signals_month", "marts.fund_quarter",
    "marts.national_reconciliation", "facts.claim", "facts.claim_cost", "facts.claim_likely_person",
}  # fmt: skip
ALWAYS_MADE_ANEW = {"quality.deliveries", "quality.results", "quality.quarantine", "quality.timings"}


def files(home: Path) -> dict[str, tuple[int, int]]:
    """Every file that a night writes: size and modification time."""
    found = [
        p for part in ("warehouse", "restricted", "reports") for p in (home / part).rglob("*") if p.is_file() and p.name != "night.lock"
    ]
    return {str(p.relative_to(home)): (p.stat().st_size, p.stat().st_mtime_ns) for p in found}


def test_the_same_night_again_changes_nothing(small: Published, run_night: RunNight) -> None:
    before = files(small.home)
    summary = run_night(small.home, small.landing, FIRST_NIGHT + timedelta(days=1))
    assert not summary.new
    assert summary.deliveries == summary.computed == []
    assert files(small.home) == before


def test_two_machines_give_the_same_rows_in_every_table(
    small: Published, run_night: RunNight, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same landing zone, same time of receipt, same key file: even ids of runs and keyed hashes are the same.

    One reads in its own process, the other in two more, and in batches of another size.
    """
    monkeypatch.setattr("flows.processes.WORTH_IT_BYTES", 0)
    monkeypatch.setattr("flows.batches.BATCH_FILES", 3)
    home = tmp_path / "data"
    give(small.home / "restricted" / "person_key", home / "restricted")
    run_night(home, small.landing)
    other = Published(home, small.world, small.summary)
    assert other.tables.keys() >= FROM_REGISTERS | FROM_CLAIMS | ALWAYS_MADE_ANEW | {"meta.dictionary", "meta.snapshot"}
    assert unlike(small.tables, other.tables, ("quality.timings",)) == []


def test_no_table_depends_on_the_order_in_which_files_arrive(
    small: Published, all_but_one: ButOne, run_night: RunNight, tmp_path: Path
) -> None:
    """Three nights: the later half first, then the earlier half but one file of claims, then that one – and only claims are made anew."""
    world = all_but_one.copy(tmp_path)
    before = all_tables(world.home / "warehouse/current/coverage.duckdb")
    assert "marts.facility_month" in unlike(small.tables, before, BOOKKEEPING), "the file that is still to come counts for something"
    world.deliver_the_last()
    summary = run_night(world.home, world.landing, FIRST_NIGHT + timedelta(days=2))
    after = Published(world.home, small.world, summary)
    assert unlike(without_ids(small.tables), without_ids(after.tables), BOOKKEEPING) == []

    assert {d["path"].split("!/")[0] for d in summary.deliveries} == {all_but_one.last}
    assert set(summary.copied) == FROM_REGISTERS
    assert set(summary.computed) == FROM_CLAIMS | ALWAYS_MADE_ANEW


def test_of_two_registers_of_one_month_the_one_received_on_a_later_night_counts(
    small: Published, run_night: RunNight, tmp_path: Path
) -> None:
    """Such a pair, and only such a pair, has an order; between nights it is that of receipt, whatever the files' own times say."""
    landing, home, folder = tmp_path / "landing", tmp_path / "data", "provinces/cards"
    source = next(p for p in sorted((small.landing / folder).rglob("*.csv")) if "2025-06" in p.name)
    lines = source.read_bytes().splitlines(keepends=True)
    for night, (where, part) in enumerate((("first", lines), ("second", lines[:-1]))):
        path = landing / folder / where / source.name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"".join(part))
        os.utime(path, (1_750_000_000 - night, 1_750_000_000 - night))
        run_night(home, landing, FIRST_NIGHT + timedelta(days=night))
    deliveries = all_tables(home / "warehouse/current/coverage.duckdb")["quality.deliveries"]
    status = {Path(p).parent.name: s for p, s in deliveries.select("path", "status").iter_rows()}
    assert status == {"first": "superseded", "second": "loaded"}
