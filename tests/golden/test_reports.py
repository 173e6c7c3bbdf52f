"""What people get out of a published version: every number is the mart's, and what leaves holds no small count."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import duckdb
import fastexcel
import polars as pl
import pytest

from expectations.marts.public import PUBLIC, REFUSED
from flows.report import figures
from flows.report.official import Period, WrongPeriod, read
from flows.report.public import PublicTables, public_figures
from tests.golden.published import Published
from tests.nights import Place
from transforms.disclosure import THRESHOLD


@pytest.fixture(scope="module")
def place(small: Published) -> Place:
    return Place(small.home.parent)


@pytest.fixture(scope="module")
def told(small: Published) -> figures.Figures:
    with duckdb.connect(str(small.coverage_file), read_only=True) as connection:
        return figures.read(connection)


def mart(small: Published, name: str) -> pl.DataFrame:
    return small.tables[f"marts.{name}"]


def latest(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.filter(pl.col("month") == frame["month"].max())


def test_the_night_leaves_the_page_in_both_languages_and_its_pictures(small: Published) -> None:
    left = {p.name for p in (small.home / "reports" / small.summary.run_id).iterdir()}
    assert left >= {
        "index.html",
        "index.en.html",
        "map.svg",
        "map.png",
        "provinces.svg",
        "months.svg",
        "trend.svg",
        "summary.md",
        "persons.html",
    }
    assert 'href="persons.html"' in (small.home / "reports" / small.summary.run_id / "index.html").read_text(encoding="utf-8")


def test_the_headline_is_the_nations(small: Published, told: figures.Figures) -> None:
    row = latest(mart(small, "coverage_nation_month")).row(0, named=True)
    now = told.latest
    assert now is not None
    assert (now.insured, now.coverage, now.target, now.gap, now.to_target, now.duplicates) == (
        row["insured_persons"], row["coverage_pct"], row["target_pct"], row["gap_points"], row["persons_to_target"], row["duplicate_cards"]
    )  # fmt: skip


def test_provinces_are_the_marts(small: Published, told: figures.Figures) -> None:
    rows = latest(mart(small, "coverage_province_month"))
    assert {(p.code, p.insured, p.coverage, p.gap) for p in told.provinces} == set(
        rows.select("province_code", "insured_persons", "coverage_pct", "gap_points").iter_rows()
    )


@pytest.mark.parametrize(("kind", "column"), [("payer_groups", "payer_group"), ("plan_groups", "plan_group")])
def test_groups_are_sums_of_the_mart(small: Published, told: figures.Figures, kind: str, column: str) -> None:
    rows = latest(mart(small, "coverage_group_month")).group_by(column).agg(pl.col("insured_persons").sum())
    assert {(g.code, g.insured) for g in getattr(told, kind)} == set(rows.iter_rows())


def test_claims_and_facilities_are_sums_of_the_mart(small: Published, told: figures.Figures) -> None:
    rows = latest(mart(small, "facility_month"))
    assert (told.claims[0].visits, told.claims[0].fund_paid) == (rows["visits"].sum(), rows["fund_paid"].sum())
    by_facility = rows.group_by("facility_code").agg(pl.col("fund_paid").sum()).sort("fund_paid", "facility_code", descending=[True, False])
    assert [(f.code, f.fund_paid) for f in told.facilities] == by_facility.head(figures.LISTED).rows()


def test_what_arrived_adds_up(small: Published, told: figures.Figures) -> None:
    rows = small.tables["quality.deliveries"]
    assert sum(told.arrived.deliveries.values()) == rows.height
    assert told.arrived.read == rows["records_read"].sum() == told.arrived.loaded + told.arrived.quarantined + told.arrived.repeated


def test_the_report_can_be_drawn_again_and_is_the_same(small: Published, place: Place, tmp_path: Path) -> None:
    said = place.here("report", "--out", str(tmp_path / "again"), "--lang", "vi")
    assert said.returncode == 0, said.stderr
    night = small.home / "reports" / small.summary.run_id
    assert (tmp_path / "again" / "map.svg").read_bytes() == (night / "map.svg").read_bytes()


def sheets(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Rows below the headings of each table sheet, as Excel has them."""
    book = fastexcel.read_excel(path)
    return {n: book.load_sheet(n, header_row=None, skip_rows=3).to_polars().rows() for n in book.sheet_names if n != "Báo cáo"}


@pytest.fixture(scope="module")
def official(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("official")
    said = place.here("official", "--period", "2025", "--out", str(out))
    assert said.returncode == 0, said.stderr
    return out / "bao_cao_bhyt_2025.xlsx"


def test_the_workbook_holds_the_marts_numbers(small: Published, official: Path) -> None:
    found = sheets(official)
    provinces = latest(mart(small, "coverage_province_month")).sort("province_code")
    nation = latest(mart(small, "coverage_nation_month")).row(0, named=True)
    assert [(r[0], int(r[2]), r[4]) for r in found["1 Bao phủ"][:-1]] == [  # type: ignore[call-overload]
        (c, n, pytest.approx(p)) for c, n, p in provinces.select("province_code", "insured_persons", "coverage_pct").iter_rows()
    ]
    assert found["1 Bao phủ"][-1][2] == nation["insured_persons"]
    groups = latest(mart(small, "coverage_group_month")).group_by("plan_group").agg(pl.col("insured_persons").sum())
    assert sorted(r[2] for r in found["2 Nhóm"][:7]) == sorted(groups["insured_persons"])
    funds = mart(small, "fund_quarter").filter(pl.col("facility_code").is_not_null() & pl.col("quarter").str.starts_with("2025"))
    assert sum(r[4] for r in found["3 Quỹ"][:-2] if isinstance(r[4], float | int)) == pytest.approx(float(funds["fund_paid"].sum()))
    missing = mart(small, "employers_missing_quarter")
    listed = missing.filter(pl.col("quarter") == missing["quarter"].max())
    written = [r for r in found["4b Danh sách đơn vị"] if isinstance(r[6], float | int)]
    assert (len(written), sum(r[6] for r in written)) == (listed.height, listed["employees_missing"].sum())
    doubles = latest(mart(small, "duplicate_cards_month"))
    total = next(r for r in found["5 Thẻ trùng"] if r[0] == "Cộng")
    assert (total[3], total[4]) == (doubles["persons"].sum(), doubles["cards"].sum())
    registered = latest(mart(small, "registration_level_month"))["insured_persons"].sum()
    assert next(r for r in found["6 Cơ sở KCB"] if r[0] == "Cộng")[6] == registered


def test_employers_who_are_persons_are_not_told(official: Path) -> None:
    codes = [str(r[0]) for r in sheets(official)["4b Danh sách đơn vị"] if r[0]]
    assert all(len(c) in (9, 10, 13, 14) or c == "(cá nhân)" for c in codes[:-1])


def test_the_page_of_an_official_report_has_heading_and_signatures(official: Path) -> None:
    page = official.with_suffix(".html").read_text(encoding="utf-8")
    for words in ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc", "THỦ TRƯỞNG CƠ QUAN", "Nơi nhận", "size: A4"):
        assert words in page
    assert "http" not in page


def test_one_province_reports_its_own(small: Published) -> None:
    with duckdb.connect(str(small.coverage_file), read_only=True) as connection:
        report = read(connection, Period.of("2025-H1"), "24")
    assert report.place == "Tỉnh Bắc Ninh"
    assert report.month == date(2025, 6, 1)
    rows = mart(small, "coverage_province_month").filter((pl.col("month") == date(2025, 6, 1)) & (pl.col("province_code") == "24"))
    assert [r[2] for r in report.sheets[0].rows] == rows["insured_persons"].to_list()


@pytest.mark.parametrize("text", ["2025H1", "2025-H3", "25", "2025-Q1", ""])
def test_a_period_that_is_none(text: str) -> None:
    with pytest.raises(WrongPeriod, match="write a half-year as 2025-H1"):
        Period.of(text)


def test_a_half_year_has_its_months_and_quarters() -> None:
    half = Period.of("2025-H2")
    assert (half.first, half.last, half.last_day, half.quarters) == (
        date(2025, 7, 1),
        date(2025, 12, 1),
        date(2025, 12, 31),
        ("2025-Q3", "2025-Q4"),
    )


@pytest.mark.parametrize(("form", "reader"), [("parquet", pl.read_parquet), ("csv", pl.read_csv), ("xlsx", pl.read_excel)])
def test_an_export_holds_every_row(small: Published, place: Place, tmp_path: Path, form: str, reader: object) -> None:
    said = place.here("export", "coverage_province_month", "dims.province", "--format", form, "--out", str(tmp_path))
    assert said.returncode == 0, said.stderr
    found = reader(tmp_path / f"marts.coverage_province_month.{form}")
    rows = mart(small, "coverage_province_month")
    assert found["insured_persons"].sum() == rows["insured_persons"].sum()
    assert found.columns == rows.columns
    assert (tmp_path / f"dims.province.{form}").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("facts.claim",), "still personal data"),
        (("quality.deliveries", "--public"), "not for the public"),
        (("fund_quarter", "--public"), "amounts"),
        (("nowhere",), "there is no table"),
        ((), "say which tables"),
    ],
)
def test_what_may_not_leave_is_refused_and_nothing_is_written(place: Place, tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    said = place.here("export", "dims.province", *words, "--out", str(tmp_path)) if words else place.here("export", "--out", str(tmp_path))
    assert said.returncode == 2
    assert says in said.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_leaves_holds_no_count_of_few_persons(small: Published) -> None:
    with duckdb.connect(str(small.coverage_file), read_only=True) as connection:
        tables = PublicTables(connection)
        for spec in PUBLIC:
            shown, exact = tables.table(spec.name), mart(small, spec.name)
            assert (shown.height, shown.columns) == (exact.height, exact.columns)
            for column in spec.persons:
                left = shown[column].drop_nulls()
                assert left.filter((left < THRESHOLD - 1) | (left % 5 != 0)).is_empty(), (spec.name, column)
            for column in spec.left_out:
                assert shown[column].null_count() == shown.height
            if spec.persons:
                gone = shown.filter(pl.col(spec.persons[0]).is_null())
                measures = [*spec.counts, *spec.amounts, *spec.derived]
                assert all(gone[c].null_count() == gone.height for c in measures), spec.name


def test_the_same_rows_are_hidden_whatever_else_is_asked_for(small: Published) -> None:
    with duckdb.connect(str(small.coverage_file), read_only=True) as connection:
        alone = PublicTables(connection).table("coverage_group_month")
        together = PublicTables(connection)
        for spec in PUBLIC:
            together.table(spec.name)
        assert alone.equals(together.table("coverage_group_month"))


def test_every_mart_that_is_refused_says_what_does_instead() -> None:
    assert all(len(reason) > 20 for reason in REFUSED.values())


def test_the_public_edition_is_drawn_from_public_numbers(small: Published, told: figures.Figures) -> None:
    public = public_figures(small.coverage_file)
    assert public.latest is not None
    assert told.latest is not None
    assert public.latest.insured is not None
    assert public.latest.insured % 5 == 0
    assert abs(public.latest.insured - told.latest.insured) <= 2
    assert public.latest.duplicates is None
    assert public.waiting == public.broken == public.grades == ()


def test_status_tells_machines_what_it_tells_people(small: Published, place: Place) -> None:
    said = place.here("status", "--json")
    assert said.returncode == 0
    told = json.loads(said.stdout)
    assert set(told) == {"published", "nation", "exports", "provinces", "waiting", "plans", "runs", "disk"}
    assert told["published"]["run_id"] == small.summary.run_id
    assert {e["export"] for e in told["exports"]} >= {"cards", "claims"}
    assert {p["province_code"]: p["grade"] for p in told["provinces"]}["24"] == "A"
    assert told["disk"]["free"] > 0
    assert told["runs"][0]["deliveries"] == small.tables["quality.deliveries"].height
    people = place.here("status").stdout
    assert small.summary.run_id in people
    assert "Nothing waits for a person" in people


@pytest.mark.parametrize(
    "words", [("report",), ("export", "dims.province", "--out", "x"), ("official", "--period", "2025", "--out", "x"), ("status",)]
)
def test_without_a_published_version_each_command_says_what_to_do(tmp_path: Path, words: tuple[str, ...]) -> None:
    said = Place(tmp_path).here(*words)
    assert said.returncode == 1
    assert "bhyt nightly" in said.stdout + said.stderr


def test_status_names_the_backfills_that_wait(tmp_path: Path) -> None:
    for plan, files in {
        "000001-a": ["plan"],
        "000002-b": ["plan", "approved"],
        "000003-c": ["plan"],
        "000004-d": ["plan", "cancelled"],
    }.items():
        folder = tmp_path / "data" / "backfills" / plan
        folder.mkdir(parents=True)
        for file in files:
            (folder / f"{file}.json").touch()
    (tmp_path / "data" / "warehouse" / "staged" / "000003-c").mkdir(parents=True)
    told = json.loads(Place(tmp_path).here("status", "--json").stdout)
    assert told["plans"] == [{"plan": "000001-a", "state": "planned"}, {"plan": "000003-c", "state": "waiting"}]


def test_a_disk_that_cannot_be_written_is_told_in_a_line(small: Published, place: Place, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = place.here("report", "--out", str(tmp_path / "file" / "below"))
    assert said.returncode == 1
    assert said.stderr.startswith("bhyt: cannot read or write ")
    assert said.stderr.count("\n") == 1


def test_sums_of_the_public_edition_are_the_marts_rounded_or_hidden(small: Published, told: figures.Figures) -> None:
    public = public_figures(small.coverage_file)
    for shown, exact in zip((*public.payer_groups, *public.plan_groups), (*told.payer_groups, *told.plan_groups), strict=True):
        assert shown.code == exact.code
        assert exact.insured is not None
        if exact.insured < THRESHOLD:
            assert shown.insured is None
        elif shown.insured is not None:
            assert abs(shown.insured - exact.insured) <= 2
    assert public.claims[0].visits is None or abs(public.claims[0].visits - (told.claims[0].visits or 0)) <= 2
