"""The picture of a night: numbers as Vietnamese write them, a shape for each state, nothing fetched, nothing unescaped."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from lxml import etree, html

from expectations.marts.coverage import NATION, PROVINCE
from flows.picture import Figures, Month, Province, billions, coverage_svg, draw, page_of, percent, points
from flows.summary import Summary

AUGUST = Month(date(2025, 8, 1), 1_234_567, 95.7149, 95.15, 0, 4_321, 34)
JULY = Month(date(2025, 7, 1), 1_200_000, 94.0, 95.15, 12_000, 4_000, 33)
JUNE = Month(date(2025, 6, 1), 1_100_000, None, 95.15, None, 3_000, 30)
BELOW = Province("Cao Bằng", 90.0, 95.0, -5.0)
REACHED = Province("Huế", 97.25, 95.0, 2.25)
UNTOLD = Province("Lào Cai", 93.0, None, None)
NOTHING = Province("Sơn La", None, 95.0, None)
FIGURES = Figures((JUNE, JULY, AUGUST), (BELOW, REACHED, UNTOLD, NOTHING))
HEADLINE = [{"month": date(2025, 8, 1), "visits": 5_678, "fund_paid": Decimal("2054909475.10")}]
NIGHT = Summary(
    "000001-20250901T013000",
    True,
    "versions/000001",
    deliveries=[
        {"delivery_id": "a" * 16, "path": "provinces/cards/<b>&.csv", "status": "refused", "reason": "the file is empty (0 bytes)",
         "records_read": 0, "records_loaded": 0, "records_quarantined": 0, "records_repeated": 0},
        {"delivery_id": "b" * 16, "path": "hospitals/claims/x.xml", "status": "loaded", "reason": "",
         "records_read": 1_300, "records_loaded": 1_290, "records_quarantined": 10, "records_repeated": 0},
    ],
    broken=[{"rule": "claims.episode.missing", "severity": "error", "failed": 10, "checked": 1_300, "deliveries": 1}],
    headline=HEADLINE,
)  # fmt: skip


def words(page: str) -> str:
    return " ".join(" ".join(html.fromstring(page.encode()).find("body").itertext()).split())


def marks(svg: str) -> list[str]:
    """Shape and class of each province's dot, in order."""
    root = etree.fromstring(svg.encode())
    rows = [g for g in root.iter("{*}g") if g.find("{*}title") is not None]
    return [f"{etree.QName(e).localname} {e.get('class')}" for g in rows for e in g if etree.QName(e).localname in ("circle", "rect")]


@pytest.mark.parametrize(("rate", "text"), [(95.7149, "95,71 %"), (100.0, "100,00 %"), (None, "–")])
def test_a_rate(rate: float | None, text: str) -> None:
    assert percent(rate) == text.replace(" ", "\N{NO-BREAK SPACE}")


@pytest.mark.parametrize(("gap", "text"), [(-4.728, "−4,73"), (2.25, "+2,25"), (0.0, "+0,00"), (None, "")])
def test_a_gap(gap: float | None, text: str) -> None:
    assert points(gap) == text


def test_large_sums_are_told_in_billions() -> None:
    assert billions(Decimal("1234567890123")).split() == ["1.234,57", "tỷ", "đ"]


def test_a_province_is_told_by_shape_and_not_by_colour_alone() -> None:
    assert marks(coverage_svg(FIGURES)) == ["circle below", "rect reached", "circle untold"]


def test_a_province_without_a_rate_says_so() -> None:
    assert "no rate: no register or no population figure" in coverage_svg(FIGURES)


def test_a_month_without_a_rate_breaks_the_line_and_not_the_target() -> None:
    root = etree.fromstring(coverage_svg(FIGURES).encode())
    paths = {p.get("class"): p.get("d") for p in root.iter("{*}path")}
    assert (paths["line"].count("M"), paths["line"].count("L")) == (1, 1)
    assert (paths["goal"].count("M"), paths["goal"].count("L")) == (1, 2)


def test_a_rate_far_above_100_stands_at_the_edge_and_does_not_squeeze_the_others() -> None:
    far = Province("Hà Nội", 950.0, 95.0, 855.0)
    svg = coverage_svg(Figures((AUGUST,), (BELOW, far)))
    assert "›" in svg
    assert re.findall(r'<text class="tick mid"[^>]*>(\d+)</text>', svg) == ["90", "95", "100", "105"]


def test_the_page_shows_the_numbers_of_the_night() -> None:
    text = words(page_of(NIGHT, FIGURES, None))
    for shown in (
        "95,71 %",
        "1.234.567",
        "4.321",
        "5.678",
        "2,05 tỷ đ",
        "34 of 34 provinces report",
        "records read 1.300",
        "quarantined cách ly 10",
    ):
        assert shown in text.replace("\N{NO-BREAK SPACE}", " ")


def test_the_page_names_what_was_refused_and_escapes_what_came_from_outside() -> None:
    page = page_of(NIGHT, FIGURES, None)
    assert "provinces/cards/<b>&.csv the file is empty (0 bytes)" in words(page)
    assert "<b>" not in page


def test_the_page_links_data_docs_only_where_they_were_built() -> None:
    assert 'href="data_docs/index.html"' in page_of(NIGHT, FIGURES, "data_docs/index.html")
    assert "data_docs" not in page_of(NIGHT, FIGURES, None)


@pytest.mark.parametrize("found", [FIGURES, Figures((), ()), Figures((JUNE,), ()), Figures((AUGUST,), (NOTHING,))])
def test_the_page_and_the_picture_load_nothing_and_run_nothing(found: Figures) -> None:
    for text in (page_of(NIGHT, found, None), coverage_svg(found)):
        assert re.findall(r"https?://(?!www\.w3\.org/)|<script|@import|url\(", text) == []
        assert "None" not in text


def test_a_night_without_a_register_says_that_there_is_nothing_to_show() -> None:
    assert "No card register is loaded yet" in words(page_of(NIGHT, Figures((), ()), None))


@pytest.fixture
def version(tmp_path: Path) -> Path:
    path = tmp_path / "coverage.duckdb"
    with duckdb.connect(str(path)) as c:
        c.execute("CREATE SCHEMA marts")
        for table in (NATION, PROVINCE):
            columns = ", ".join(f"{f.name} {f.kind.duckdb}" for f in table.fields)
            c.execute(f"CREATE TABLE {table.qualified_name} ({columns})")
        c.execute(
            """
            INSERT INTO marts.coverage_nation_month BY NAME
            SELECT DATE '2025-08-01' AS month, 150 AS insured_persons, 75 AS coverage_pct, 95 AS target_pct, 40 AS persons_to_target,
                   3 AS duplicate_cards, 2 AS provinces_reporting
            UNION ALL SELECT DATE '2025-07-01', 90, NULL, 95, NULL, 1, 1
            """
        )
        c.execute(
            """
            INSERT INTO marts.coverage_province_month BY NAME
            SELECT DATE '2025-08-01' AS month, '01' AS province_code, 'Thành phố Hà Nội' AS province_name, 80 AS coverage_pct,
                   80 AS target_pct, 0 AS gap_points
            UNION ALL SELECT DATE '2025-08-01', '04', 'Tỉnh Cao Bằng', 70, 90, -20
            UNION ALL SELECT DATE '2025-07-01', '08', 'Tỉnh Tuyên Quang', 10, 90, -80
            """
        )
    return path


def test_the_latest_month_of_a_version_is_drawn_the_furthest_below_its_target_first(version: Path) -> None:
    page = draw(version.parent, version, NIGHT, None)
    svg = (version.parent / "coverage.svg").read_text(encoding="utf-8")
    assert re.findall(r"<title>([^<:]+): [^<]*target", svg) == ["Cao Bằng", "Hà Nội"]
    assert marks(svg)[-2:] == ["circle below", "rect reached"]
    assert "75,00" in page.read_text(encoding="utf-8")


def test_the_same_version_gives_the_same_bytes(version: Path) -> None:
    first = draw(version.parent, version, NIGHT, None).read_bytes()
    assert draw(version.parent, version, NIGHT, None).read_bytes() == first
