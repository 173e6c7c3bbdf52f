"""The morning report's page: complete in one file, in both languages, with whatever there is to show."""

from __future__ import annotations

import re
import string
import tomllib
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree, html

from flows.report import charts, page
from flows.report.figures import (
    Arrived,
    Broken,
    Claims,
    Facility,
    Figures,
    Group,
    Month,
    Province,
    Published,
    Snapshot,
    Waiting,
)
from flows.report.grades import Delivered
from flows.report.numbers import LANGUAGES, Style
from flows.report.words import words

ROOT = Path(page.__file__).parent
JULY = Month(date(2025, 7, 1), 1_200_000, 1_276_000, 2025, 94.0, 95.15, -1.15, 14_114, 4_000, 33)
AUGUST = Month(date(2025, 8, 1), 1_234_567, 1_289_838, 2025, 95.7149, 95.15, 0.5649, 0, 4_321, 34)
CAO_BANG = Province("04", "Cao Bằng", 100, 90.0, 95.0, -5.0, 6, 0.4, date(2025, 8, 1))
HUE = Province("46", "Huế", 200, 97.25, 95.0, 2.25, 0, -0.1, date(2025, 8, 1))
LAO_CAI = Province("15", "Lào Cai", 200, 93.0, None, None, None, None, date(2025, 7, 1))
SON_LA = Province("14", "Sơn La", 3, None, 95.0, None, None, None, None)
CLAIMS = Claims(date(2025, 8, 1), 5_678, Decimal("2054909475.10"), Decimal("3000000000.00"))
HOSPITAL = Facility("22001", "Bệnh viện <b>&", "Quảng Ninh", 99, Decimal("71520000"), Decimal("43860000"), Decimal("27660000"), 1, 1)
FULL = Figures(
    snapshot=Snapshot("000001-20250901T013000", datetime(2025, 9, 1, 1, 30), date(2025, 7, 1), date(2025, 8, 1)),
    months=(JULY, AUGUST),
    provinces=(CAO_BANG, HUE, LAO_CAI, SON_LA),
    published=(Published(date(1993, 12, 1), 5.4, False, "at 1993-12", "memory", None),
               Published(date(2025, 8, 1), 95.0, True, "at 2025-08", "a paper", 95.7149)),
    payer_groups=(Group("1", 500_000, 490_000, 40.5, 81.5, 91.0, 4), Group(None, 12, None, 0.1, None, None, 0)),
    plan_groups=(Group("K1", 510_000, 490_000, 41.3, 81.5, 81.5, 1),),
    under_six=(90, 100),
    claims=(CLAIMS, replace(CLAIMS, month=date(2025, 7, 1))),
    facilities=(HOSPITAL,),
    changes=(replace(HOSPITAL, change=Decimal("-27660000")),),
    grades=(Delivered("04", "Cao Bằng", 3, 3, 1000, 0, date(2025, 8, 1), 0), Delivered("46", "Huế", 0, 0, 0, 0, None, None)),
    arrived=Arrived(datetime(2025, 9, 1, 1, 30), {"loaded": 2, "refused": 1}, 1300, 1290, 10, 0),
    waiting=(Waiting("a" * 16, "cards", "provinces/cards/<b>&.csv", "held", "5 of 40 records are bad", datetime(2025, 9, 1)),),
    waiting_count=3,
    broken=(Broken("claims.episode.missing", "error", 10, 1300, 1),),
    broken_count=1,
)  # fmt: skip
PARTIAL = {
    "nothing": Figures(None),
    "one month": replace(FULL, months=(AUGUST,)),
    "no targets": replace(FULL, months=tuple(replace(m, target=None, gap=None, to_target=None) for m in FULL.months), provinces=(LAO_CAI,)),
    "no population": replace(
        FULL,
        months=(replace(AUGUST, coverage=None, population=None, population_year=None, gap=None, to_target=None),),
        provinces=(SON_LA,),
        under_six=(None, None),
    ),
    "no claims": replace(FULL, claims=(), facilities=(), changes=()),
    "one claim month": replace(FULL, claims=(CLAIMS,), changes=()),
    "no registers": replace(FULL, months=(), provinces=(), payer_groups=(), plan_groups=(), under_six=(None, None), published=()),
    "hidden counts": replace(
        FULL,
        public=True,
        months=(replace(AUGUST, insured=None, coverage=None, duplicates=None, gap=None, to_target=None),),
        payer_groups=(Group("1", None, None, None, None, None, 0),),
        claims=(Claims(CLAIMS.month, None, None, None),),
    ),
}


def drawn(found: Figures, directory: Path) -> dict[str, str]:
    page.write_figures(directory, found)
    return {p.name: p.read_text(encoding="utf-8") for p in directory.iterdir() if p.suffix in (".html", ".svg")}


def shown(text: str) -> str:
    return " ".join(" ".join(html.fromstring(text.encode()).find("body").itertext()).split()).replace("\N{NO-BREAK SPACE}", " ")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def pages(folder: Path) -> dict[str, str]:
    return drawn(FULL, folder)


def test_every_phrase_is_in_both_languages_with_the_same_gaps() -> None:
    for key, phrase in tomllib.loads((ROOT / "words.toml").read_text(encoding="utf-8")).items():
        gaps = {lang: {f[1] for f in string.Formatter().parse(phrase[lang]) if f[1]} for lang in LANGUAGES}
        assert all(phrase[lang].strip() for lang in LANGUAGES), key
        assert gaps["vi"] == gaps["en"] or key.endswith("_todo"), key


def test_no_phrase_is_left_over() -> None:
    code = "".join(p.read_text(encoding="utf-8") for p in [*ROOT.rglob("*.py"), *ROOT.rglob("*.html")])
    made = {
        f"{a}_{b}" for a, bs in (("payer", "123456"), ("plan", ("K1", "K2", "K3", "K4", "K5", "K6")), ("status", page.STATUSES)) for b in bs
    }
    made |= {"severity_error", "severity_warning", "held", "refused", "held_todo", "refused_todo"}
    assert [k for k in words("vi") if k not in made and not re.search(rf"\b{k}\b", code)] == []


def test_the_page_stands_in_both_languages_and_each_names_the_other(pages: dict[str, str]) -> None:
    vi, en = html.fromstring(pages["index.html"].encode()), html.fromstring(pages["index.en.html"].encode())
    assert (vi.get("lang"), en.get("lang")) == ("vi", "en")
    assert vi.xpath("//header/a/@href") == ["index.en.html"]
    assert en.xpath("//header/a/@href") == ["index.html"]


def test_the_setting_decides_which_language_is_the_first_page(tmp_path: Path) -> None:
    page.write_figures(tmp_path, FULL, "en")
    assert html.parse(tmp_path / "index.html").getroot().get("lang") == "en"
    assert html.parse(tmp_path / "index.vi.html").getroot().get("lang") == "vi"


def test_the_vietnamese_page_writes_numbers_the_vietnamese_way(pages: dict[str, str]) -> None:
    text = shown(pages["index.html"])
    for told in (
        "95,71 %",
        "1.234.567",
        "+34.567",
        "+0,56",
        "5.678",
        "2,05 tỷ đ",
        "34/34 tỉnh",
        "71,52 triệu đ",
        "1.300 đọc được = 1.290 nạp + 10 cách ly",
    ):
        assert told in text, told


def test_the_english_page_writes_numbers_the_english_way(pages: dict[str, str]) -> None:
    text = shown(pages["index.en.html"])
    for told in (
        "95.71%",
        "1,234,567",
        "+34,567",
        "5,678",
        "2.05 bn đ",
        "34 of 34 provinces",
        "1,300 read = 1,290 loaded + 10 in quarantine",
    ):
        assert told in text, told


def test_what_comes_from_outside_is_escaped(pages: dict[str, str]) -> None:
    assert "provinces/cards/<b>&.csv" in shown(pages["index.html"])
    assert "Bệnh viện <b>&" in shown(pages["index.html"])
    assert not re.search(r"<b>&(?!amp;)", pages["index.html"])


def test_what_waits_says_what_to_do(pages: dict[str, str]) -> None:
    assert f"bhyt release {'a' * 16} --by NAME" in shown(pages["index.en.html"])
    assert "And 2 more" in shown(pages["index.en.html"])


def in_one_language(found: Figures) -> dict[str, str]:
    style = Style("vi")
    pictures = charts.draw(found, style, words("vi"))
    return {"index.html": page.html(found, style, pictures, page.Links(), "index.en.html"), **pictures}


@pytest.mark.parametrize("found", [FULL, *PARTIAL.values()], ids=["full", *PARTIAL])
def test_a_page_loads_nothing_runs_nothing_and_needs_nothing(found: Figures) -> None:
    for name, text in in_one_language(found).items():
        assert re.findall(r"https?://(?!www\.w3\.org/)|<script|<link|<iframe|<img|@import|url\(", text) == [], name
        assert not re.search(r"\bNone\b|\bnan\b|\bundefined\b|\bNaN\b|\{\w+\}", shown(text) if name.endswith("html") else text), name


def test_a_public_page_tells_nothing_of_deliveries() -> None:
    text = page.html(replace(FULL, public=True), Style("en"), {}, page.Links(), "index.html")
    assert "provinces/cards" not in text
    assert "are hidden" in shown(text)


def test_pictures_are_also_files_of_their_own(pages: dict[str, str], folder: Path) -> None:
    for name in ("map", "provinces", "months", "trend"):
        assert etree.fromstring(pages[f"{name}.svg"].encode()).get("viewBox")
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_the_map_has_a_tile_for_each_of_the_34_provinces_and_none_lies_on_another() -> None:
    tiles = charts.tiles()
    units = (ROOT.parents[1] / "warehouse" / "reference" / "province_units.csv").read_text(encoding="utf-8").splitlines()[1:]
    today = {line.split(",")[0] for line in units if line.split(",")[3] == ""}
    assert {t[0] for t in tiles} == today
    assert len({t[2:] for t in tiles}) == len(tiles) == 34


@pytest.mark.parametrize(
    ("gap", "place"), [(-5.01, 0), (-5.0, 1), (-2.01, 1), (-2.0, 2), (-0.01, 2), (0.0, 3), (1.99, 3), (2.0, 4), (90.0, 4)]
)
def test_the_colour_of_a_gap(gap: float, place: int) -> None:
    assert charts.gap_class(gap)[0] == charts.GAP_CLASSES[place][1]


def test_the_same_figures_give_the_same_bytes(pages: dict[str, str], tmp_path: Path) -> None:
    assert drawn(FULL, tmp_path) == pages


def test_the_pictures_write_vietnamese_with_its_marks(pages: dict[str, str]) -> None:
    assert {"Cao Bằng", "Huế", "Đà Nẵng"} <= set(re.findall(r">([^<>]+)</text>", pages["map.svg"]))
    assert "−5,0" in pages["map.svg"]
    assert "−5.0" in pages["map.en.svg"]
    assert Style("vi").d3["decimal"] == ","


@pytest.mark.parametrize(
    ("accepted", "bad", "behind", "grade"),
    [
        (100, 5, 0, "A"),
        (100, 6, 0, "B"),
        (100, 0, 1, "B"),
        (95, 20, 1, "B"),
        (94, 0, 0, "C"),
        (80, 50, 3, "C"),
        (79, 0, 0, "D"),
        (100, 0, 4, "D"),
        (100, 51, 0, "D"),
        (100, 0, None, "D"),
    ],
)
def test_a_grade_is_the_worst_of_three(accepted: int, bad: int, behind: int | None, grade: str) -> None:
    assert Delivered("01", "Hà Nội", 100, accepted, 1000, bad, None, behind).grade == grade


def test_who_delivers_nothing_has_no_grade() -> None:
    assert Delivered("01", "Hà Nội", 0, 0, 0, 0, None, None).grade is None
