"""Pictures of the report: Vega-Lite through Altair, drawn to SVG inside this process by vl-convert. No browser, no network, no script in
the result.

Orange is below the target and blue at or above it (ColorBrewer's blue and orange, told apart by every kind of colour blindness), and no
picture says anything by colour alone: numbers or shapes say it too. Altair and vl-convert are imported when a page is drawn.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path
from typing import Any

from flows.report.figures import Figures, Province
from flows.report.numbers import NOTHING, Style

INK, SOFT, EDGE, PAPER = "#1f2933", "#5c6773", "#dfe5eb", "#ffffff"
BLUE, ORANGE, UNKNOWN = "#2166ac", "#b35806", "#e9edf1"
# Classes of the gap to the target in points: lower bound (None: no lower one), colour, colour of the text on it.
GAP_CLASSES: tuple[tuple[float | None, str, str], ...] = (
    (None, "#b35806", PAPER),
    (-5.0, "#f1a340", INK),
    (-2.0, "#fee0b6", INK),
    (0.0, "#c9dff0", INK),
    (2.0, "#2166ac", PAPER),
)
PICTURES = ("map", "provinces", "months", "trend")
FONT = "Liberation Sans, Arial, Helvetica, DejaVu Sans, sans-serif"
# vl-convert carries a Liberation Sans of its own without Vietnamese letters: pixels are drawn with a font of the machine that has them.
PIXEL_FONT = "DejaVu Sans Condensed, DejaVu Sans, Noto Sans, sans-serif"
HIGHEST = 105.0  # a rate far above 100 comes from a wrong population figure: it is drawn at the edge
_TILE_WIDTH, _TILE_HEIGHT = 66, 40
_CONFIG: dict[str, Any] = {
    "background": PAPER,
    "font": FONT,
    "view": {"stroke": None},
    "axis": {"labelColor": SOFT, "titleColor": SOFT, "labelFontSize": 12, "gridColor": EDGE, "domainColor": EDGE, "tickColor": EDGE,
             "titleFontWeight": "normal", "titleFontSize": 12},
    "text": {"fontSize": 12, "fill": INK},
    "padding": {"left": 4, "right": 6, "top": 4, "bottom": 4},
}  # fmt: skip


@cache
def tiles() -> tuple[tuple[str, str, int, int], ...]:
    """Province code (34), short name, column and row of its tile: a map of our own making, see docs/decisions.md."""
    with (Path(__file__).with_name("province_tiles.csv")).open(encoding="utf-8", newline="") as file:
        return tuple((r["province_code"], r["short_name"], int(r["column"]), int(r["row"])) for r in csv.DictReader(file))


def gap_class(gap: float | None) -> tuple[str, str]:
    """Fill and text colour of a gap in points."""
    if gap is None:
        return UNKNOWN, SOFT
    found = GAP_CLASSES[0]
    for step in GAP_CLASSES[1:]:
        if step[0] is not None and gap >= step[0]:
            found = step
    return found[1], found[2]


def draw(found: Figures, style: Style, words: dict[str, str]) -> dict[str, str]:
    """Name → SVG. A picture that has nothing to show is left out."""
    pictures: dict[str, str] = {}
    if found.provinces:
        pictures["map"] = _svg(_map(found.provinces, style), style)
        pictures["provinces"] = _svg(_provinces(found.provinces, style), style)
    if any(m.coverage is not None for m in found.months):
        pictures["months"] = _svg(_months(found, style, words), style)
    if found.published:
        pictures["trend"] = _svg(_trend(found, style, words), style)
    return pictures


def png(svg: str) -> bytes:
    """The picture in pixels, twice the size for print."""
    import vl_convert

    return bytes(vl_convert.svg_to_png(svg.replace(FONT, PIXEL_FONT), scale=2))


def _altair() -> Any:
    """Imported when a page is drawn; its types are too strict for specifications put together from parts."""
    import altair

    return altair


def _svg(chart: Any, style: Style) -> str:
    """Fixed width and height become a view box, so that the picture fits a phone."""
    import vl_convert

    spec = chart.to_dict()
    spec["config"] = _CONFIG
    spec.pop("$schema", None)
    svg: str = vl_convert.vegalite_to_svg(spec, format_locale=style.d3)
    head, body = svg.split(">", 1)
    width = re.search(r'width="([\d.]+)"', head)
    head = re.sub(r' (?:width|height)="[\d.]+"', "", head)
    return f'{head} style="max-width:{width.group(1) if width else 700}px">{body}'


def _map(provinces: tuple[Province, ...], style: Style) -> Any:
    alt = _altair()

    known = {p.code: p for p in provinces}
    rows: list[dict[str, Any]] = []
    for code, name, column, row in tiles():
        p = known.get(code)
        fill, ink = gap_class(p.gap if p else None)
        told = style.signed(p.gap, 1) if p and p.gap is not None else style.percent(p.coverage, 1) if p else NOTHING
        rows.append(
            {
                "x": column * _TILE_WIDTH,
                "x2": (column + 1) * _TILE_WIDTH - 3,
                "y": row * _TILE_HEIGHT,
                "y2": (row + 1) * _TILE_HEIGHT - 3,
                "middle": column * _TILE_WIDTH + _TILE_WIDTH / 2 - 1.5,
                "upper": row * _TILE_HEIGHT + 13,
                "lower": row * _TILE_HEIGHT + 28,
                "name": name,
                "told": told,
                "fill": fill,
                "ink": ink,
                "hint": f"{p.name if p else name}: {style.percent(p.coverage if p else None)}",
            }
        )
    for name, province, row in (("Hoàng Sa", "48", 9), ("Trường Sa", "56", 13)):  # the islands of Đà Nẵng and Khánh Hòa, in their colours
        p = known.get(province)
        fill, ink = gap_class(p.gap if p else None)
        rows.append(
            {
                "x": 5.25 * _TILE_WIDTH,
                "x2": 6.15 * _TILE_WIDTH,
                "y": row * _TILE_HEIGHT + 9,
                "y2": (row + 1) * _TILE_HEIGHT - 12,
                "middle": 5.7 * _TILE_WIDTH,
                "upper": row * _TILE_HEIGHT + 19,
                "lower": row * _TILE_HEIGHT + 19,
                "name": name,
                "told": "",
                "fill": fill,
                "ink": ink,
                "hint": name,
            }
        )
    wide, high = round(6.2 * _TILE_WIDTH), 17 * _TILE_HEIGHT
    base = alt.Chart(alt.Data(values=rows), width=wide, height=high)
    x = {"scale": alt.Scale(domain=[0, wide]), "axis": None}
    y = {"scale": alt.Scale(domain=[high, 0]), "axis": None}
    box = base.mark_rect(cornerRadius=4).encode(
        x=alt.X("x:Q", **x), x2="x2:Q", y=alt.Y("y:Q", **y), y2="y2:Q", fill=alt.Fill("fill:N", scale=None), description="hint:N"
    )
    ink = alt.Color("ink:N", scale=None)
    name = base.mark_text(fontSize=10).encode(x=alt.X("middle:Q", **x), y=alt.Y("upper:Q", **y), text="name:N", color=ink)
    told = base.mark_text(fontSize=12, fontWeight="bold").encode(
        x=alt.X("middle:Q", **x), y=alt.Y("lower:Q", **y), text="told:N", color=ink
    )
    return alt.layer(box, name, told)


def _provinces(provinces: tuple[Province, ...], style: Style) -> Any:
    """Each province's rate as a dot and its target as a bar across; the furthest below first. A diamond has reached its target."""
    alt = _altair()

    rows: list[dict[str, Any]] = [
        {"name": p.name, "order": i, "rate": None if p.coverage is None else min(p.coverage, HIGHEST), "target": p.target,
         "state": "none" if p.gap is None else "reached" if p.gap >= 0 else "below",
         "told": style.percent(p.coverage, 1), "gap": style.signed(p.gap, 1) if p.gap is not None else ""}
        for i, p in enumerate(provinces)
    ]  # fmt: skip
    rates = [v for r in rows for v in (r["rate"], r["target"]) if isinstance(v, float)]
    low, high = (min(rates), max(rates)) if rates else (0.0, 100.0)
    margin = max(1.0, (high - low) * 0.08)
    scale = alt.Scale(domain=[low - margin, high + margin], zero=False, nice=False)
    names = [r["name"] for r in rows]
    base = alt.Chart(alt.Data(values=rows), width=210, height=max(60, 21 * len(rows)))
    y = alt.Y("name:N", sort=names, title=None, axis=alt.Axis(domain=False, ticks=False, labelColor=INK, labelLimit=120, grid=False))
    x = alt.X("rate:Q", scale=scale, title=None, axis=alt.Axis(orient="top", tickCount=4, domain=False))
    colour = alt.Color("state:N", scale=alt.Scale(domain=["below", "reached", "none"], range=[ORANGE, BLUE, SOFT]), legend=None)
    shape = alt.Shape("state:N", scale=alt.Scale(domain=["below", "reached", "none"], range=["circle", "diamond", "square"]), legend=None)
    with_target = base.transform_filter("isValid(datum.target) && isValid(datum.rate)")
    link = with_target.mark_rule(strokeWidth=3, opacity=0.35).encode(y=y, x=x, x2="target:Q", color=colour)
    goal = (
        base.transform_filter("isValid(datum.target)")
        .mark_tick(thickness=2, size=13, color=INK)
        .encode(y=y, x=alt.X("target:Q", scale=scale))
    )
    dot = (
        base.transform_filter("isValid(datum.rate)").mark_point(filled=True, size=85, opacity=1).encode(y=y, x=x, color=colour, shape=shape)
    )
    told = base.mark_text(align="right", color=INK).encode(y=y, x=alt.value(266), text="told:N")
    gap = base.mark_text(align="right", fontWeight="bold").encode(y=y, x=alt.value(314), text="gap:N", color=colour)
    return alt.layer(link, goal, dot, told, gap)


def _months(found: Figures, style: Style, words: dict[str, str]) -> Any:
    """The nation's last months against the target of each year."""
    alt = _altair()

    shown = [m for m in found.months if m.coverage is not None or m.target is not None]
    rows: list[dict[str, Any]] = [
        {"month": style.month(m.month), "rate": m.coverage, "target": m.target,
         "told": style.percent(m.coverage, 1) if m is shown[0] or m is shown[-1] else ""}
        for m in shown
    ]  # fmt: skip
    every = max(1, -(-len(rows) // 6))
    labelled = [r["month"] for i, r in enumerate(rows) if (len(rows) - 1 - i) % every == 0]
    base = alt.Chart(alt.Data(values=rows), width=380, height=180)
    x = alt.X("month:O", sort=[r["month"] for r in rows], title=None, axis=alt.Axis(values=labelled, labelAngle=0, grid=False))
    y = alt.Y("rate:Q", title=words["axis_coverage"], scale=alt.Scale(zero=False, nice=True, padding=8), axis=alt.Axis(tickCount=5))
    line = base.mark_line(color=BLUE, strokeWidth=2.5, point=alt.OverlayMarkDef(color=BLUE, size=45)).encode(x=x, y=y)
    goal = base.mark_line(color=INK, strokeDash=[5, 4], strokeWidth=1.5, interpolate="step").encode(x=x, y=alt.Y("target:Q"))
    told = base.mark_text(dy=-12, fontWeight="bold", align="center").encode(x=x, y=y, text="told:N")
    return alt.layer(goal, line, told)


def _trend(found: Figures, style: Style, words: dict[str, str]) -> Any:
    """Published rates since 1993 (an open dot: from memory, to be checked) and ours as a line."""
    alt = _altair()

    published: list[dict[str, Any]] = [
        {
            "at": p.month.year + (p.month.month - 0.5) / 12,
            "rate": p.rate,
            "kind": words["trend_published" if p.certain else "trend_uncertain"],
        }
        for p in found.published
    ]
    ours: list[dict[str, Any]] = [
        {"at": m.month.year + (m.month.month - 0.5) / 12, "rate": m.coverage, "kind": words["trend_ours"]}
        for m in found.months
        if m.coverage is not None
    ]
    last = max([*(r["at"] for r in published), *(r["at"] for r in ours)])
    kinds = [words["trend_published"], words["trend_uncertain"], words["trend_ours"]]
    x = alt.X("at:Q", title=None, scale=alt.Scale(domain=[1992, last + 1.5], nice=False),
              axis=alt.Axis(values=list(range(1995, int(last) + 2, 5)), format="d", grid=False))  # fmt: skip
    y = alt.Y("rate:Q", title=words["axis_coverage"], scale=alt.Scale(domain=[0, 100]), axis=alt.Axis(values=[0, 25, 50, 75, 100]))
    colour = alt.Color(
        "kind:N",
        title=None,
        scale=alt.Scale(domain=kinds, range=[INK, SOFT, BLUE]),
        legend=alt.Legend(orient="bottom", columns=1, labelColor=INK, labelFontSize=12, symbolStrokeWidth=2, labelLimit=360),
    )
    shape = alt.Shape("kind:N", title=None, scale=alt.Scale(domain=kinds, range=["circle", "circle", "diamond"]))
    filled = alt.Fill("kind:N", title=None, scale=alt.Scale(domain=kinds, range=[INK, PAPER, BLUE]))
    between = alt.Chart(alt.Data(values=published), width=380, height=210).mark_line(color=EDGE, strokeWidth=1.5).encode(x=x, y=y)
    dots = (
        alt.Chart(alt.Data(values=published + ours)).mark_point(size=45, opacity=1).encode(x=x, y=y, color=colour, shape=shape, fill=filled)
    )
    line = alt.Chart(alt.Data(values=ours)).mark_line(color=BLUE, strokeWidth=2).encode(x=x, y=y)
    firsts = [{**published[0], "told": style.percent(published[0]["rate"], 1)}]
    newest = [{**published[-1], "told": style.percent(published[-1]["rate"], 1)}]
    first = alt.Chart(alt.Data(values=firsts)).mark_text(dy=-12).encode(x=x, y=y, text="told:N")
    latest = alt.Chart(alt.Data(values=newest)).mark_text(dy=-12, align="right", dx=8, fontWeight="bold").encode(x=x, y=y, text="told:N")
    return alt.layer(between, line, dots, first, latest)
