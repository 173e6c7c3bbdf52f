"""What a BI tool meets: five publishes under its hands, comments everywhere, the contract's tables, and files that are its to open."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.conftest import FIRST_NIGHT, RunNight
from tests.nights import ROOT, Place, environment
from warehouse.samples import write

PUBLISHES = 5
MANNERS = ("a_connection_per_query", "one_connection_for_all", "both_files_of_one_version", "sqlalchemy_without_a_pool")


@dataclass(frozen=True)
class Story:
    """The runs that were published in order, and what each reader saw of them."""

    place: Place
    runs: list[str]
    seen: dict[str, dict[str, object]]


@contextmanager
def reading(place: Place, stop: Path, manners: tuple[str, ...]) -> Iterator[subprocess.Popen[str]]:
    """A process that reads in these manners until `stop` is there; it has begun with all of them."""
    published = place.home / "warehouse" / "current" / "coverage.duckdb"
    words = [sys.executable, str(Path(__file__).with_name("reader_loop.py")), str(published), str(stop), *manners]
    with subprocess.Popen(words, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            for _ in manners:
                assert process.stdout.readline() == "reading\n"
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, run_night: RunNight) -> Story:
    root = tmp_path_factory.mktemp("bi")
    place = Place(root)
    write(root, persons=500, months=(date(2025, 7, 1), date(2025, 7, 1)), seed=6, provinces=("22",), visits_per_person_year=1.0)
    waiting = sorted((place.landing / "hospitals" / "claims").rglob("2200*_202507_*"))[:PUBLISHES]
    assert len(waiting) == PUBLISHES
    (root / "later").mkdir()
    for path in waiting:
        shutil.move(path, root / "later" / path.name)
    run_night(place.home, place.landing)
    runs = [place.current.name]
    stop = root / "stop"
    seen: dict[str, dict[str, object]] = {}
    with ExitStack() as stack:
        processes = [stack.enter_context(reading(place, stop, manners)) for manners in (MANNERS[:3], MANNERS[3:])]
        for n, path in enumerate(sorted((root / "later").iterdir()), start=1):
            shutil.move(path, place.landing / "hospitals" / "claims" / path.name)
            run_night(place.home, place.landing, FIRST_NIGHT + n * timedelta(days=1))
            runs.append(place.current.name)
        stop.touch()
        for process in processes:
            seen |= json.loads(process.communicate(timeout=60)[0].splitlines()[-1])
    return Story(place, runs, seen)


def test_five_nights_publish_five_versions_of_which_the_last_are_kept(story: Story) -> None:
    assert len(set(story.runs)) == 1 + PUBLISHES
    assert sorted(p.name for p in (story.place.home / "warehouse" / "versions").iterdir()) == story.runs[-5:]
    visits = [
        duckdb.connect(str(story.place.home / "warehouse" / "versions" / run / "coverage.duckdb"), read_only=True)
        .execute("SELECT sum(visits) FROM marts.facility_month").fetchone()
        for run in story.runs[-5:]
    ]  # fmt: skip
    assert len(set(visits)) == 5, "each night adds visits, or a mixture could not be told"


@pytest.mark.parametrize("manner", MANNERS)
def test_a_reader_gets_no_error_and_never_a_mixture(story: Story, manner: str) -> None:
    seen = story.seen[manner]
    assert "error" not in seen, seen["error"]
    assert "mixture" not in seen, seen["mixture"]
    assert int(str(seen["queries"])) > PUBLISHES


@pytest.mark.parametrize("manner", [m for m in MANNERS if m != "one_connection_for_all"])
def test_a_new_connection_sees_each_publish_and_never_goes_back(story: Story, manner: str) -> None:
    assert story.seen[manner]["runs"] == story.runs


def test_an_open_connection_keeps_its_version_also_when_that_is_removed(story: Story) -> None:
    assert story.seen["one_connection_for_all"]["runs"] == story.runs[:1]


@pytest.mark.parametrize("file", ["coverage.duckdb", "analyst.duckdb"])
def test_every_table_and_column_has_a_comment(story: Story, file: str) -> None:
    bare = story.place.ask(
        """
        SELECT schema_name, table_name, NULL FROM duckdb_tables() WHERE coalesce(comment, '') = ''
        UNION ALL SELECT schema_name, table_name, column_name FROM duckdb_columns() WHERE NOT internal AND coalesce(comment, '') = ''
        """,
        file,
    )
    assert bare == []


def test_the_dictionary_explains_every_table_and_column(story: Story) -> None:
    unexplained = story.place.ask(
        """
        SELECT schema_name || '.' || table_name, column_name FROM duckdb_columns() WHERE NOT internal
        EXCEPT SELECT table_name, column_name FROM meta.dictionary
        """
    )
    assert unexplained == []


COUNTS = """insured_persons valid_cards duplicate_cards population population_year persons_to_target provinces_reporting ending_cards
    renewed_persons lapsed_persons persons cards visits patients treatment_days referred_in_visits referred_out_visits inpatient_visits
    lines enterprises_registered employers_active employees_paid employers_insuring employees_insured employers_missing employees_missing
    new_enterprises_missing claims year age_years records_declared records_read records_loaded records_quarantined records_repeated checked
    failed row_number"""


def kind(column: str) -> str:
    """The type that the contract's words call for."""
    if column in ("month", "service_month", "register_month", "registered_on", "period", "months_from", "months_to"):
        return "DATE"
    if column in ("received_at", "published_at"):
        return "TIMESTAMP"
    if column in ("total_cost", "covered_cost", "fund_paid", "copayment", "self_paid", "other_sources", "budget"):
        return "DECIMAL(18,2)"
    if column.endswith(("_pct", "_share", "_points")) or column.startswith(("avg_", "cost_per", "visits_per")) or column == "value":
        return "DOUBLE"
    if column in COUNTS.split():
        return "INTEGER"
    return "VARCHAR"


FACILITY = """facility_code facility_name province_code facility_level ownership care_type visits patients total_cost covered_cost fund_paid
    copayment self_paid other_sources treatment_days avg_cost_per_visit avg_length_of_stay referred_in_visits"""
MEASURES = "insured_persons valid_cards duplicate_cards population population_year coverage_pct target_pct gap_points persons_to_target"
CONTRACT = {
    "marts.coverage_province_month": f"month province_code province_name {MEASURES} register_month",
    "marts.coverage_nation_month": f"month {MEASURES} provinces_reporting",
    "marts.coverage_commune_month": "month province_code commune_code commune_name insured_persons population coverage_pct",
    "marts.coverage_group_month": "month province_code payer_group plan_group insured_persons target_pct",
    "marts.coverage_age_sex_month": "month province_code age_band sex insured_persons population coverage_pct",
    "marts.registration_level_month": "month province_code facility_level ownership insured_persons",
    "marts.lapse_month": "month province_code payer_group ending_cards renewed_persons lapsed_persons",
    "marts.duplicate_cards_month": "month province_code other_province_code reason persons cards",
    "marts.facility_month": f"month {FACILITY}",
    "marts.facility_service_month": f"service_month {FACILITY}",
    "marts.facility_cost_group_month": "month facility_code care_type cost_group cost_group_name lines total_cost covered_cost fund_paid",
    "marts.diagnosis_month": "month province_code icd_chapter icd_code care_type visits patients fund_paid",
    "marts.referral_month": "month home_province_code care_province_code care_type visits fund_paid",
    "marts.province_claims_month": """month province_code visits patients inpatient_visits fund_paid visits_per_insured cost_per_visit
        copayment_share referred_in_visits referred_out_visits""",
    "marts.fund_quarter": "quarter province_code facility_code budget fund_paid budget_used_pct",
    "marts.employer_compliance_quarter": """quarter province_code enterprises_registered employers_active employees_paid employers_insuring
        employees_insured employers_missing employees_missing new_enterprises_missing""",
    "marts.employers_missing_quarter": """quarter province_code tax_code name registered_on employees_paid employees_insured
        employees_missing""",
    "marts.claim_signals_month": "month facility_code signal claims persons fund_paid",
    "marts.national_series": "year measure value basis source",
    "dims.province": "", "dims.commune": "", "dims.facility": "", "dims.object_code": "", "dims.icd": "", "dims.cost_group": "",
    "quality.deliveries": """delivery_id export path sha256 province_code period received_at status reason records_declared records_read
        records_loaded records_quarantined records_repeated""",
    "quality.results": "delivery_id rule severity checked failed failed_pct status",
    "quality.quarantine": "delivery_id row_number rule reason",
    "meta.snapshot": "run_id published_at code_version months_from months_to",
    "meta.dictionary": "",
}  # fmt: skip
FACTS = {
    "facts.claim": """claim_key person_key facility_code month service_month care_type object_code payer_group age_years sex
        home_province_code main_icd discharge_outcome treatment_days total_cost covered_cost fund_paid copayment self_paid other_sources""",
    "facts.claim_cost": "claim_key cost_group lines total_cost covered_cost fund_paid",
}
WHOLE_NUMBERS = ("SMALLINT", "INTEGER", "BIGINT")


@pytest.mark.parametrize(("file", "contract"), [("coverage.duckdb", CONTRACT), ("analyst.duckdb", FACTS)])
def test_the_tables_and_columns_of_the_contract_are_there_with_fitting_types(story: Story, file: str, contract: dict[str, str]) -> None:
    there: dict[str, dict[str, str]] = {}
    for table, column, type_ in story.place.ask(
        "SELECT schema_name || '.' || table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal", file
    ):
        there.setdefault(str(table), {})[str(column)] = "INTEGER" if type_ in WHOLE_NUMBERS else str(type_)
    assert set(contract) <= set(there)
    wanted = {(t, c, kind(c)) for t, columns in contract.items() for c in columns.split()}
    assert wanted - {(t, c, type_) for t, columns in there.items() for c, type_ in columns.items()} == set()


def test_modes_keep_the_restricted_area_and_the_claims_from_others(story: Story) -> None:
    def modes(*paths: Path) -> set[str]:
        return {oct(p.stat().st_mode & 0o777) for p in paths}

    restricted = story.place.home / "restricted"
    inside = [restricted, *restricted.rglob("*")]
    assert modes(*(p for p in inside if p.is_dir())) == {"0o700"}
    assert modes(*(p for p in inside if p.is_file())) == {"0o600"}
    versions = list((story.place.home / "warehouse" / "versions").iterdir())
    assert modes(*versions) == {"0o755"}
    assert modes(*(v / "coverage.duckdb" for v in versions)) == {"0o644"}
    assert modes(*(v / "analyst.duckdb" for v in versions)) == {"0o640"}
    own = ("manifest.parquet", "memory.parquet")  # whoever keeps the work area
    assert modes(*(v / name for v in versions for name in own)) == {"0o600"}
    assert {p.name for v in versions for p in v.iterdir()} == {"coverage.duckdb", "analyst.duckdb", *own}


def test_a_bi_role_can_reach_the_published_file_from_the_work_area(story: Story) -> None:
    assert story.place.home.stat().st_mode & 0o055 == 0o055, "the work area itself must let others through to the warehouse"
