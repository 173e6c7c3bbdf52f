"""The report of a linkage: `persons.html` and `persons.json` in the report folder of the night. Counts, nothing about one person."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flows.report.template import TEMPLATES
from flows.summary import grouped

WIDTH, LEFT, TOP, HEIGHT = 720, 60, 14, 200
FIGURES = (
    ("cards", "cards", "thẻ"), ("persons", "persons", "người"),
    ("persons_with_several_cards", "persons with several cards", "người có nhiều thẻ"),
    ("pairs_compared", "pairs compared", ""), ("pairs_merged", "pairs that merge", ""),
    ("pairs_to_review", "pairs for people", "chờ xem xét"), ("links_cut", "links refused by the guard", ""),
    ("cards_changed", "cards new or changed", ""), ("cards_gone", "cards changed or gone", ""),
)  # fmt: skip
ABSENT: dict[str, Any] = dict.fromkeys(
    ("base", "because", "warnings", "weights", "rules", "cluster_sizes", "events", "estimate")
)  # a report has what its way of linking tells
ESTIMATE: dict[str, float | None] = dict.fromkeys(("precision", "recall", "recall_with_review"))


def write(report_dir: Path, told: Mapping[str, Any]) -> Path:
    """Write both files; returns the page. `told`: as `transforms.persons.report.told_as_json`."""
    (report_dir / "persons.json").write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    page = report_dir / "persons.html"
    page.write_text(page_of(told), encoding="utf-8")
    return page


def page_of(told: Mapping[str, Any]) -> str:
    """The page. An increment has no rules and no histogram of its own: it links only what changed."""
    change = {"run": None} | (told.get("change") or {})
    told = ABSENT | dict(told)
    figures = [(words, vietnamese, told[n], change.get(n)) for n, words, vietnamese in FIGURES if told.get(n) is not None]
    return TEMPLATES.get_template("persons.html").render(
        told=told, figures=figures, chart=histogram(told), number=grouped, estimate=ESTIMATE | (told["estimate"] or {}), width=WIDTH,
        change=change,
    )  # fmt: skip


def histogram(told: Mapping[str, Any]) -> dict[str, Any] | None:
    """Bars of `weights` (bins of bits), their height by the logarithm of the number of pairs; the two thresholds."""
    bins = [(b["from_bits"], b["pairs"]) for b in told.get("weights") or [] if b["pairs"]]
    if not bins:
        return None
    low, high = min(b for b, _ in bins), max(b for b, _ in bins) + 2
    tallest = math.log10(max(n for _, n in bins)) + 1

    def x(bits: float) -> float:
        return round(float(LEFT + (bits - low) / (high - low) * (WIDTH - LEFT - 20)), 1)

    bars = [
        {"x": x(b), "width": max(x(b + 2) - x(b) - 1, 1), "height": round((math.log10(n) + 1) / tallest * HEIGHT, 1), "bits": b, "pairs": n}
        for b, n in bins
    ]
    step = max(2, 2 * math.ceil((high - low) / 24))
    return {
        "bars": bars, "bottom": TOP + HEIGHT, "height": TOP + HEIGHT + 40, "merge": x(told["merge_bits"]), "review": x(told["review_bits"]),
        "ticks": [(x(b), b) for b in range(low, high + 1, step)],
    }  # fmt: skip
