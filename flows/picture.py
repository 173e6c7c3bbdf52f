"""The picture of a night: `coverage.svg`, and `index.html` for people who open a page, not a database. Aggregates only.

Both are drawn from the published version with the templates beside this module: nothing is fetched, no script runs, and the same night
gives the same bytes. Sizes are in the units of the SVG's view box, 420 wide: about a phone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from flows.summary import LISTED, Summary, grouped

MONTHS_SHOWN = 24
WIDTH = 420
ROW = 22  # one province
PLOT_LEFT, PLOT_RIGHT = 108, 282
TREND_TOP, TREND_HEIGHT = 14, 120
HIGHEST = 105.0  # a rate far above 100 comes from a wrong population figure: its dot stands at the edge with a › beside it
LABELS = 5  # as many months as fit below the trend

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,  # file names come from outside
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def template(name: str) -> Template:
    """A template of the folder beside this module."""
    return _TEMPLATES.get_template(name)


@dataclass(frozen=True)
class Province:
    """One province in the latest month; rates in percent, None where there is none."""

    name: str
    coverage: float | None
    target: float | None
    gap: float | None

    @property
    def state(self) -> str:
        """How the dot is drawn: by shape as well as by colour."""
        if self.coverage is None:
            return "none"
        return "untold" if self.gap is None else "reached" if self.gap >= 0 else "below"


@dataclass(frozen=True)
class Month:
    """The nation in one month."""

    month: date
    insured: int
    coverage: float | None
    target: float | None
    to_target: int | None
    duplicates: int
    provinces: int


@dataclass(frozen=True)
class Figures:
    """What is drawn. `provinces` are those of the latest month, the furthest below its target first."""

    months: tuple[Month, ...]
    provinces: tuple[Province, ...]


@dataclass(frozen=True)
class Scale:
    """A straight axis from `low` at `start` to `high` at `end`."""

    low: float
    high: float
    start: float
    end: float
    step: float

    def __call__(self, value: float) -> float:
        inside = min(max(value, self.low), self.high)
        return round(self.start + (inside - self.low) / (self.high - self.low) * (self.end - self.start), 1)

    @property
    def ticks(self) -> list[float]:
        return [self.low + i * self.step for i in range(round((self.high - self.low) / self.step) + 1)]


def figures(coverage_file: Path) -> Figures:
    """Read `marts.coverage_nation_month` (its last months) and `marts.coverage_province_month` (the latest) of a version."""
    with duckdb.connect(str(coverage_file), read_only=True) as connection:
        months = connection.execute(
            """
            SELECT month, insured_persons, coverage_pct, target_pct, persons_to_target, duplicate_cards, provinces_reporting
            FROM marts.coverage_nation_month ORDER BY month DESC LIMIT ?
            """,
            [MONTHS_SHOWN],
        ).fetchall()
        provinces = connection.execute(
            """
            SELECT coalesce(regexp_replace(province_name, '^(Tỉnh|Thành phố) ', ''), province_code), coverage_pct, target_pct, gap_points
            FROM marts.coverage_province_month
            WHERE month = (SELECT max(month) FROM marts.coverage_nation_month)
            ORDER BY gap_points NULLS LAST, coverage_pct NULLS LAST, province_code
            """
        ).fetchall()
    return Figures(tuple(Month(*m) for m in reversed(months)), tuple(Province(*p) for p in provinces))


def draw(report_dir: Path, coverage_file: Path, summary: Summary, docs: Path | None) -> Path:
    """Write `coverage.svg` and `index.html` into the report folder; returns the page. `docs` is the index of Data Docs, if built."""
    found = figures(coverage_file)
    (report_dir / "coverage.svg").write_text(coverage_svg(found), encoding="utf-8")
    page = report_dir / "index.html"
    page.write_text(
        page_of(summary, found, docs.relative_to(report_dir).as_posix() if docs else None, (report_dir / "persons.html").exists()),
        encoding="utf-8",
    )
    return page


def coverage_svg(found: Figures) -> str:
    """The picture by itself: the nation's months above, the provinces of the latest below."""
    return _TEMPLATES.get_template("coverage.svg").render(
        width=WIDTH, row=ROW, left=PLOT_LEFT, right=PLOT_RIGHT, trend=_trend(found.months), chart=_chart(found.provinces),
        found=found, latest=found.months[-1] if found.months else None, number=grouped, percent=percent,
    )  # fmt: skip


def page_of(summary: Summary, found: Figures, docs: str | None, persons: bool = False) -> str:
    """The page of a night, with the picture inside. `docs`: address of Data Docs, relative to the page; `persons`: a linkage has a page."""
    trouble = sorted(
        (d for d in summary.deliveries if d["status"] in ("held", "refused") or (d["status"] == "loaded" and d["reason"])),
        key=lambda d: (d["status"], d["path"]),
    )
    claims = next((r for r in summary.headline if found.months and r["month"] == found.months[-1].month), {})
    return _TEMPLATES.get_template("night.html").render(
        summary=summary, latest=found.months[-1] if found.months else None, picture=coverage_svg(found), docs=docs, persons=persons,
        number=grouped,
        percent=percent, trouble=trouble[:LISTED], more_trouble=max(0, len(trouble) - LISTED), broken=summary.broken[:LISTED],
        more_broken=max(0, len(summary.broken) - LISTED), visits=claims.get("visits"), fund_paid=billions(claims.get("fund_paid")),
    )  # fmt: skip


def percent(rate: float | None) -> str:
    """A rate the Vietnamese way: 95,71 %; a dash for none."""
    return "–" if rate is None else f"{grouped(rate, 2)}\N{NO-BREAK SPACE}%"


def billions(amount: Decimal | None) -> str:
    """Đồng as people say large sums, in tỷ (10⁹): 2,05 tỷ đ."""
    return "–" if amount is None else f"{grouped(amount / 1_000_000_000, 2)}\N{NO-BREAK SPACE}tỷ\N{NO-BREAK SPACE}đ"


def points(gap: float | None) -> str:
    """A gap with its sign: +0,71, −4,73."""
    if gap is None:
        return ""
    return f"{'−' if gap < 0 else '+'}{grouped(abs(gap), 2)}"


def _nice(values: list[float], start: float, end: float) -> Scale:
    """An axis over `values` (percent) with round ends and a few ticks; not from zero, since dots are read by place, not by length."""
    low, high = (min(values), min(max(values), HIGHEST)) if values else (0.0, 100.0)
    low = min(low, high)
    step = next((s for s in (1, 2, 5, 10) if (high - low) / s <= 5), 20)
    bottom, top = math.floor(low / step) * step, math.ceil(high / step) * step
    if bottom == top:
        bottom, top = bottom - step, top + step
    return Scale(bottom, top, start, end, step)


def _chart(provinces: tuple[Province, ...]) -> dict[str, object]:
    rates = [v for p in provinces for v in (p.coverage, p.target) if v is not None]
    scale = _nice(rates, PLOT_LEFT, PLOT_RIGHT)
    rows = [
        {
            "y": 34 + i * ROW, "name": p.name, "state": p.state, "coverage": percent(p.coverage),
            "target": percent(p.target), "gap": points(p.gap),
            "x": None if p.coverage is None else scale(p.coverage),
            "beyond": p.coverage is not None and p.coverage > scale.high,
            "target_x": None if p.target is None else scale(p.target),
        }
        for i, p in enumerate(provinces)
    ]  # fmt: skip
    return {"rows": rows, "ticks": [(scale(t), f"{t:g}") for t in scale.ticks], "height": 34 + len(provinces) * ROW}


def _trend(months: tuple[Month, ...]) -> dict[str, object]:
    rates = [v for m in months for v in (m.coverage, m.target) if v is not None]
    y = _nice(rates, TREND_TOP + TREND_HEIGHT, TREND_TOP)
    inset = 28  # room for the labels of the first and last month
    x = Scale(0, max(1, len(months) - 1), 38 + inset, WIDTH - 12 - inset, 1)
    place = [x(i) if len(months) > 1 else round((x.start + x.end) / 2, 1) for i in range(len(months))]
    every = max(1, math.ceil(len(months) / LABELS))
    dots = [
        {
            "x": at, "y": None if m.coverage is None else y(m.coverage), "rate": percent(m.coverage), "month": f"{m.month:%m/%Y}",
            "provinces": m.provinces, "labelled": (len(months) - 1 - i) % every == 0,
            "told": i in (0, len(months) - 1) or len(months) <= LABELS,
        }
        for i, (at, m) in enumerate(zip(place, months, strict=True))
    ]  # fmt: skip
    return {
        "dots": dots,
        "line": _path([(at, m.coverage) for at, m in zip(place, months, strict=True)], y),
        "target": _path([(at, m.target) for at, m in zip(place, months, strict=True)], y, reach=inset),
        "ticks": [(y(t), f"{t:g}") for t in y.ticks],
        "bottom": TREND_TOP + TREND_HEIGHT,
        "height": TREND_TOP + TREND_HEIGHT + 44,
    }


def _path(points_: list[tuple[float, float | None]], y: Scale, reach: float = 0) -> str:
    """An SVG path that is broken where there is no value. With `reach` each value is a level that goes on so far to both sides at most."""
    parts: list[str] = []
    pen_down = False
    gap = min((b[0] - a[0] for a, b in pairwise(points_)), default=2 * reach)
    half = round(min(reach, gap / 2), 1)
    for at, value in points_:
        if value is None:
            pen_down = False
            continue
        parts.append(f"{'L' if pen_down else 'M'}{at - half:g},{y(value):g}" + (f" H{at + half:g}" if reach else ""))
        pen_down = True
    return " ".join(parts)
