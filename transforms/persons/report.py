"""The model report of a run: how the pairs were found, what they weighed, what became of them, and how sure that is. Counts only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

# Figures that are set against those of the last run.
COMPARED = (
    "card_numbers",
    "cards",
    "persons",
    "persons_with_several_cards",
    "pairs_compared",
    "pairs_merged",
    "pairs_to_review",
    "links_cut",
)


def chance(weight: pl.Expr) -> pl.Expr:
    """The probability that a weight in bits stands for."""
    return 1 / (1 + (-weight * 0.6931471805599453).exp())


def estimate(weighed: pl.DataFrame, merge_bits: float, review_bits: float) -> dict[str, float | None]:
    """How good the merging is, if the weights mean what they say: `weighed` has `weight` and `pairs`.

    `precision`: the mean chance of the pairs that merge. `recall`: of all matches among the pairs that were compared the share that
    merges; `recall_with_review`: if people found those of the band too. Pairs that no rule made are in neither.
    """
    rows = weighed.select("weight", "pairs", matches=chance(pl.col("weight")) * pl.col("pairs"))
    merged, band = rows.filter(pl.col("weight") >= merge_bits), rows.filter(pl.col("weight") >= review_bits)
    everywhere, found = float(rows["matches"].sum()), float(merged["matches"].sum())
    return {
        "matches": round(everywhere, 1),
        "precision": round(found / float(merged["pairs"].sum()), 6) if merged["pairs"].sum() else None,
        "recall": round(found / everywhere, 6) if everywhere else None,
        "recall_with_review": round(float(band["matches"].sum()) / everywhere, 6) if everywhere else None,
    }


def told_as_json(report: Mapping[str, Any], run_id: str, happened: pl.DataFrame, last: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """`Linkage.report` as plain numbers and lists, with the run, the events and the change since the report `last`."""
    plain: dict[str, Any] = {name: value.to_dicts() if isinstance(value, pl.DataFrame) else value for name, value in report.items()}
    kinds = happened.group_by("event").len().sort("event")
    change = None
    if last is not None:
        change = {"run": last["run"], **{n: plain[n] - last[n] for n in COMPARED if n in plain and isinstance(last.get(n), int)}}
        for name in ("precision", "recall"):
            now, then = plain.get("estimate", {}).get(name), last.get("estimate", {}).get(name)
            if now is not None and then is not None:
                change[name] = round(now - then, 6)
    return {"run": run_id, **plain, "events": dict(kinds.iter_rows()), "change": change}
