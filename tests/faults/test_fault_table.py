"""Each row of the contract's table "What a bad input gets" (and each row rule of severity `error`), through a whole night."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from expectations.declare import Table
from expectations.exports import EXPORTS
from expectations.marts import BI_TABLES
from flows.deliveries import let_go
from tests.conftest import FIRST_NIGHT, RunNight
from tests.golden.published import WITHOUT_TRUTH, Published, all_tables, distance, unlike
from warehouse.samples import write
from warehouse.settings import Settings

PERSONS_WITHIN = 0.01  # a world of 2,000 has few second cards: one pair that is not seen weighs ten times as much as in the golden world


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory, run_night: RunNight) -> Published:
    """2,000 persons over the reform with one of each fault, after one night."""
    out = tmp_path_factory.mktemp("faulty")
    months = (date(2025, 6, 1), date(2025, 7, 1))
    write(out, persons=2_000, months=months, seed=7, faults=True, provinces=("01", "22", "24", "27", "30", "31"))
    return Published(out / "data", out, run_night(out / "data", out / "landing"))


@dataclass(frozen=True)
class Answer:
    """What a file with the fault gets; `says` is found in the reason, ignoring case."""

    fault: str
    status: str
    says: str
    like: str = ""  # part of the path, where one fault comes in several shapes


ANSWERS = (
    Answer("empty file", "refused", r"empty", "rong_38"),
    Answer("empty file", "refused", r"empty", "lo.zip!/rong.xml"),
    Answer("not the format", "refused", r"holds a PDF, not CSV, XLSX or Parquet", ".pdf"),
    Answer("not the format", "refused", r"delimited text, not claim XML", "bang_tinh.xml"),
    Answer("unreadable file", "refused", r"damaged", "hong_38"),
    Answer("unreadable file", "refused", r"gzip file is cut off", "dut_38"),
    Answer("encrypted zip", "refused", r"encrypted.*password"),
    Answer("zip bomb", "refused", r"more than 200 MB and more than 100 times.*stopped after", ".zip!/"),
    Answer("zip bomb", "refused", r"more than 200 MB and more than 100 times.*stopped after", ".csv.gz"),
    Answer("XML with DTD", "refused", r"DOCTYPE.*\(line \d+"),
    Answer("XML with entities", "refused", r"entities.*\(line \d+"),
    Answer("truncated XML", "refused", r"breaks off.*\(line \d+, column \d+\)", "loi/cut.xml"),
    Answer("truncated XML", "refused", r"breaks off.*\(line \d+, column \d+\)", "lo.zip!/cut.xml"),
    Answer("fewer HOSO than declared", "refused", r"declares 4 HOSO and holds 3"),
    Answer("fewer rows than the manifest", "refused", r"manifest declares 43 records, the file holds 40"),
    Answer("wrong sha256", "refused", r"sha256"),
    Answer("more HOSO than declared", "loaded", r"holds \d+ records and declares \d+"),
    Answer("required column missing", "refused", r"missing: NGAY_SINH; headers found: MA_THE_BHYT, HO_TEN, GIOI_TINH", "cards"),
    Answer("required column missing", "refused", r"missing: TEN_CSKCB; headers found: MA_CSKCB, MATINH", "facilities"),
    Answer("no province or period", "refused", r"manifest\.json.*province=22 and period=2025-09.*_22_2025-09"),
    Answer("more than the limit of bad rows", "held", r"5 of 40 records are bad, more than 5 %.*bhyt release"),
    Answer("the same file again", "repeated", r"same bytes as delivery [0-9a-f]+", "provinces/cards"),
    Answer("the same file again", "repeated", r"same bytes as delivery [0-9a-f]+", "hospitals/claims"),
    Answer("two files for the same province and month", "superseded", r"later delivery for the same province and month"),
)

# Rules that a row of the world breaks -> the reason that quality.quarantine gives.
ROW_RULES = {
    "cards.row.nul_byte": "NUL byte",
    "cards.row.damaged": "cannot be taken apart",
    "cards.card_number.missing": "MA_THE_BHYT is empty",
    "cards.card_number.unreadable": "MA_THE_BHYT cannot be read",
    "cards.full_name.missing": "HO_TEN is empty",
    "cards.birth_date.missing": "NGAY_SINH is empty",
    "cards.birth_date.unreadable": "NGAY_SINH cannot be read",
    "cards.sex.missing": "GIOI_TINH is empty",
    "cards.sex.unreadable": "GIOI_TINH cannot be read",
    "cards.residence_province.missing": "MATINH_CU_TRU is empty",
    "cards.residence_province.unknown": "MATINH_CU_TRU is no province",
    "cards.valid_from.missing": "GT_THE_TU is empty",
    "cards.valid_from.unreadable": "GT_THE_TU cannot be read",
    "cards.valid_to.unreadable": "GT_THE_DEN cannot be read",
    "cards.withdrawn_on.unreadable": "NGAY_GIAM cannot be read",
    "claims.episode.missing": "MA_LK is empty",
    "claims.facility_code.missing": "MA_CSKCB is empty",
    "claims.discharged_at.missing": "NGAY_RA is empty",
    "claims.discharged_at.unreadable": "NGAY_RA cannot be read",
    "claims.settlement_year.missing": "NAM_QT is empty",
    "claims.settlement_month.unreadable": "THANG_QT cannot be read",
    "claims.fund_paid.missing": "T_BHTT is empty",
    "claims.total_cost.unreadable": "T_TONGCHI_BV cannot be read",
    "claims.lines.unreadable": "XML2 or XML3",
    "claims.row.no_xml1": "no XML1",
}
COUNTS = ["records_read", "records_loaded", "records_quarantined", "records_repeated"]


def delivery(published: Published, path: str) -> dict[str, object]:
    return published.tables["quality.deliveries"].row(by_predicate=pl.col("path") == path, named=True)


def test_the_world_has_every_fault_and_each_has_its_test(faulty: Published) -> None:
    faults = faulty.truth("faults")["fault"]
    assert set(faults) == {a.fault for a in ANSWERS} | set(ROW_RULES)


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda a: "-".join(filter(None, (a.fault, a.like))).replace(" ", "_"))
def test_a_bad_file_gets_its_answer(faulty: Published, answer: Answer) -> None:
    of_fault = faulty.truth("faults").filter((pl.col("fault") == answer.fault) & pl.col("path").str.contains(answer.like, literal=True))
    assert of_fault.height >= 1
    sent = faulty.truth("deliveries")
    for fault in of_fault.iter_rows(named=True):
        got = delivery(faulty, fault["path"])
        wanted = sent.row(by_predicate=pl.col("path") == fault["path"], named=True)
        assert got["status"] == answer.status
        assert re.search(answer.says, str(got["reason"]), re.IGNORECASE | re.DOTALL), got["reason"]
        assert [got[c] for c in COUNTS] == [wanted[c] for c in COUNTS]
        if answer.status == "refused":
            assert [got[c] for c in COUNTS] == [0, 0, 0, 0]


@pytest.mark.parametrize("rule", ROW_RULES)
def test_a_bad_row_is_quarantined_and_the_rest_of_its_file_loads(faulty: Published, rule: str) -> None:
    fault = faulty.truth("faults").row(by_predicate=pl.col("fault") == rule, named=True)
    got = delivery(faulty, fault["path"])
    assert got["status"] == "loaded"
    assert got["records_quarantined"] == fault["records_quarantined"]
    assert got["records_loaded"] == got["records_read"] - fault["records_quarantined"] > 0
    quarantine = faulty.tables["quality.quarantine"].filter(pl.col("delivery_id") == got["delivery_id"])
    assert quarantine["row_number"].n_unique() == fault["records_quarantined"], "only the rows that were spoilt"
    rows = quarantine.filter(pl.col("rule") == rule)
    assert rows.height >= 1
    assert rows["reason"].str.contains(ROW_RULES[rule], literal=True).all()
    counted = faulty.tables["quality.results"].row(
        by_predicate=(pl.col("delivery_id") == got["delivery_id"]) & (pl.col("rule") == rule), named=True
    )
    assert (counted["severity"], counted["failed"], counted["status"]) == ("error", rows.height, "failed")
    assert counted["checked"] == got["records_read"]


def test_the_quarantine_names_the_row_as_a_spreadsheet_numbers_it(faulty: Published) -> None:
    """The spoilt rows of a register stand below its sound ones; the header is row 1."""
    register = faulty.truth("faults").filter(pl.col("fault").str.starts_with("cards.") & pl.col("path").str.ends_with(".csv"))["path"][0]
    got = delivery(faulty, register)
    rows = faulty.tables["quality.quarantine"].filter(pl.col("delivery_id") == got["delivery_id"])["row_number"].unique().sort().to_list()
    last = got["records_read"] + 1  # type: ignore[operator]
    assert rows == list(range(last - len(rows) + 1, last + 1))


def test_an_odd_value_loads_and_is_counted(faulty: Published) -> None:
    results = faulty.tables["quality.results"].join(faulty.tables["quality.deliveries"], on="delivery_id")
    odd = results.filter((pl.col("severity") == "warning") & (pl.col("failed") > 0) & (pl.col("records_quarantined") == 0))
    assert odd.filter(pl.col("status_right") == "loaded").height > 0
    assert (odd["records_loaded"] == odd["records_read"]).all()


def test_only_rules_of_severity_error_quarantine(faulty: Published) -> None:
    errors = {r.name for t in EXPORTS for r in t.rules if r.severity == "error"}
    assert set(faulty.tables["quality.quarantine"]["rule"]) <= errors


def test_no_record_disappears(faulty: Published) -> None:
    received = faulty.tables["quality.deliveries"]
    parted = received["records_loaded"] + received["records_quarantined"] + received["records_repeated"]
    assert received["records_read"].equals(parted.alias("records_read"))
    sent = faulty.truth("deliveries")
    assert received.select(pl.col(COUNTS).sum()).row(0) == sent.select(pl.col(COUNTS).sum()).row(0)
    of_status = dict(received.group_by("status").agg(pl.col(COUNTS).sum()).select("status", pl.concat_list(COUNTS)).iter_rows())
    assert of_status["refused"] == [0, 0, 0, 0]
    read, loaded, quarantined, repeated = of_status["repeated"]
    assert (loaded, quarantined) == (0, 0)
    assert read == repeated > 0
    assert of_status["held"][3] == of_status["superseded"][3] == 0


def test_every_delivery_gets_what_was_sent_and_none_is_invented(faulty: Published) -> None:
    columns = ["path", "export", "status", *COUNTS]
    sent = faulty.truth("deliveries").select(columns).sort("path")
    assert faulty.tables["quality.deliveries"].select(columns).sort("path").cast(sent.schema).equals(sent)


def test_rows_lie_on_disk_only_for_what_was_taken_in(faulty: Published) -> None:
    """What the counts say is what the restricted area holds; a refused or repeated delivery leaves nothing there."""
    received = faulty.tables["quality.deliveries"]
    for verdict in ("loaded", "quarantine"):
        column = "records_loaded" if verdict == "loaded" else "records_quarantined"
        for table in EXPORTS:
            files = sorted((faulty.home / "restricted" / verdict / table.name).glob("*"))
            packs = [pl.read_parquet(p, columns=["delivery_id"]) for p in files]
            rows = dict(pl.concat(packs)["delivery_id"].value_counts().iter_rows()) if packs else {}
            of_export = received.filter((pl.col("export") == table.name) & (pl.col(column) > 0))
            assert rows == dict(of_export.select("delivery_id", column).iter_rows())


EXACT = {"facility_month", "facility_service_month", "facility_cost_group_month", "diagnosis_month", "referral_month"}


@pytest.mark.parametrize("mart", [t for t in BI_TABLES if t.schema == "marts" and t.name not in WITHOUT_TRUTH], ids=lambda t: t.name)
def test_faults_disturb_no_mart(faulty: Published, mart: Table) -> None:
    """The rows of the truth are there; money is the truth's, persons as nearly as linkage finds them in so small a world."""
    truth, got = faulty.truth(mart.name), faulty.tables[mart.qualified_name]
    if mart.name == "claim_signals_month":  # several_cards depends on linkage
        truth, got = (f.filter(~pl.col("signal").is_in(["several_cards"])) for f in (truth, got))
    pairs = truth.join(got, on=list(mart.key), how="left", suffix="_got", nulls_equal=True)
    for column in (f.name for f in mart.fields if f"{f.name}_got" in pairs.columns):
        if pairs[column].dtype.is_decimal():
            assert pairs[column].cast(pl.Decimal(18, 2)).equals(pairs[f"{column}_got"].alias(column), null_equal=True), column
        elif column in ("insured_persons", "patients", "valid_cards", "visits", "lines", "employees_insured", "claims"):
            assert distance(pairs, column) <= (0 if mart.name in EXACT and column in ("visits", "lines") else PERSONS_WITHIN), column


def test_a_held_delivery_counts_after_a_person_released_it_and_the_next_night(
    faulty: Published, run_night: RunNight, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "data"
    shutil.copytree(faulty.home, home, symlinks=True)
    held = faulty.tables["quality.deliveries"].row(by_predicate=pl.col("status") == "held", named=True)
    province = "38"  # of the held register; people of this province live in others' registers too
    key = (pl.col("province_code") == province) & (pl.col("month") == held["period"])
    before = faulty.tables["marts.coverage_province_month"].filter(key)
    assert before["register_month"].null_count() == before.height, "no register of the province counts"

    monkeypatch.setenv("COVERAGE_HOME", str(home))
    monkeypatch.setenv("COVERAGE_LANDING", str(faulty.landing))
    assert let_go(Settings(), held["path"], "someone", "looked at") == 0
    assert unlike(faulty.tables, all_tables(home / "warehouse/current/coverage.duckdb"), ("facts", "meta")) == [], "not before the night"

    summary = run_night(home, faulty.landing, FIRST_NIGHT + timedelta(days=1))
    assert summary.new
    after = all_tables(home / "warehouse/current/coverage.duckdb")
    got = after["quality.deliveries"].row(by_predicate=pl.col("delivery_id") == held["delivery_id"], named=True)
    assert (got["status"], *(got[c] for c in COUNTS)) == ("loaded", *(held[c] for c in COUNTS))
    mart = after["marts.coverage_province_month"].filter(key)
    assert mart["register_month"].to_list() == [held["period"]]
    assert mart["insured_persons"].sum() > before["insured_persons"].sum()
    assert "dims.facility" in summary.copied, "what a card register has nothing to do with is not made anew"


def test_the_same_faulty_landing_zone_again_is_nothing_new(faulty: Published, run_night: RunNight) -> None:
    version = (faulty.home / "warehouse" / "current").resolve()
    summary = run_night(faulty.home, faulty.landing, FIRST_NIGHT + timedelta(days=1))
    assert not summary.new
    assert (faulty.home / "warehouse" / "current").resolve() == version
