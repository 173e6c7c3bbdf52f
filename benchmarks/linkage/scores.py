"""How right a linkage is, from the cards it put together and the persons they are.

Cards are numbered 0, 1, …; `found` and `truth` are arrays that give each its person (any whole numbers). `edges` has `left`, `right`
(cards) and `weight` (bits).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Array = npt.NDArray[Any]

STEP = 0.25  # bits between thresholds that are tried, from -3 to FINE; above, one bit
FINE = 25.0
PRECISIONS = (0.999, 0.9995, 0.9998)
FEWEST_PAIRS = 100  # of a bin of weights, before its calibration says anything


def pairs(*labels: Array) -> int:
    """Pairs of cards that agree in all labels."""
    size = pl.DataFrame([pl.Series(f"l{i}", values) for i, values in enumerate(labels)]).group_by(pl.all()).len()["len"].cast(pl.Int64)
    return int((size * (size - 1) // 2).sum())


def _f1(right: int, said: int, true: int) -> dict[str, float]:
    precision, recall = right / max(said, 1), right / max(true, 1)
    return {"precision": precision, "recall": recall, "f1": 2 * right / max(said + true, 1)}


def pair_scores(found: Array, truth: Array) -> dict[str, float]:
    """Precision, recall and F1 over pairs of cards."""
    return _f1(pairs(found, truth), pairs(found), pairs(truth))


def b_cubed(found: Array, truth: Array) -> dict[str, float]:
    """Precision, recall and F1 over cards (Bagga and Baldwin 1998): of a card's cluster, how much is its person's; of its person, in it."""
    both = pl.DataFrame({"f": found, "t": truth}).group_by("f", "t").agg(both=pl.len().cast(pl.Float64))
    sizes = both.with_columns(in_f=pl.col("both").sum().over("f"), in_t=pl.col("both").sum().over("t"))
    square = pl.col("both") ** 2
    precision, recall = sizes.select(p=(square / pl.col("in_f")).sum(), r=(square / pl.col("in_t")).sum()).row(0)
    p, r = precision / len(truth), recall / len(truth)
    return {"precision": p, "recall": r, "f1": 2 * p * r / (p + r)}


def components(size: int, left: Array, right: Array) -> Array:
    """A label for each of `size` cards, equal where they are connected."""
    graph = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(size, size))  # type: ignore[no-untyped-call]
    labels: Array = connected_components(graph, directed=False)[1]
    return labels


def curve(edges: pl.DataFrame, truth: Array, thresholds: Iterable[float] | None = None) -> pl.DataFrame:
    """`threshold`, `precision`, `recall`, `f1` of plain components (no guard) of the edges at or above each threshold, highest first."""
    weight = edges["weight"]
    usual = np.r_[np.arange(-3, FINE, STEP), np.arange(FINE, max(float(weight.max() or 0), FINE) + 1)]  # type: ignore[arg-type]
    tried = sorted(usual if thresholds is None else thresholds, reverse=True)
    true = pairs(truth)
    # Only cards with an edge can be in a pair: the others are left out of the counting.
    nodes, ends = np.unique(np.r_[edges["left"].to_numpy(), edges["right"].to_numpy()], return_inverse=True)
    left, right, person = ends[: edges.height], ends[edges.height :], truth[nodes]
    weights = weight.to_numpy()
    label = np.arange(len(nodes))
    rows = []
    above = np.inf
    for threshold in tried:
        # The components so far, joined by the edges between this threshold and the last.
        new = (weights >= threshold) & (weights < above)
        label = components(len(nodes), label[left[new]], label[right[new]])[label]
        rows.append({"threshold": float(threshold), **_f1(pairs(label, person), pairs(label), true)})
        above = threshold
    return pl.DataFrame(rows)


def recall_at(points: pl.DataFrame, precision: float) -> float:
    """The best recall among thresholds whose precision is at least `precision`; 0 where none is."""
    return float(points.filter(pl.col("precision") >= precision)["recall"].max() or 0.0)  # type: ignore[arg-type]


def best(points: pl.DataFrame) -> dict[str, float]:
    """The threshold of the best F1 (the highest of several), and its scores."""
    return points.sort(["f1", "threshold"], descending=True).row(0, named=True)


def calibration(edges: pl.DataFrame, truth: Array, bins: Sequence[float] = tuple(range(2, 17, 2))) -> pl.DataFrame:
    """`from_bits` (2 wide, the last one open), `pairs`, `expected` (mean probability by the weights), `observed` (share of true pairs)."""
    left, right = edges["left"].to_numpy(), edges["right"].to_numpy()
    weight = pl.col("weight")
    return (
        edges.select("weight", same=pl.Series(truth[left] == truth[right]))
        .filter(weight >= bins[0])
        .with_columns(from_bits=pl.lit(np.array(bins)[0]) + ((weight - bins[0]) / 2).floor().clip(0, len(bins) - 1) * 2)
        .group_by("from_bits")
        .agg(pairs=pl.len(), expected=(1 / (1 + 2.0 ** (-weight))).mean(), observed=pl.col("same").mean())
        .sort("from_bits")
    )


def calibration_error(bins: pl.DataFrame) -> float:
    """The largest difference between expected and observed of any bin with enough pairs."""
    enough = bins.filter(pl.col("pairs") >= FEWEST_PAIRS)
    return float(enough.select((pl.col("expected") - pl.col("observed")).abs().max()).item() or 0.0)


def two_citizens(found: Array, citizen: pl.Series, verified: pl.Series) -> int:
    """Persons that hold two different verified CCCDs which are more than a digit apart."""
    held = pl.DataFrame({"person": found, "citizen": citizen, "verified": verified}).filter(
        pl.col("verified") & pl.col("citizen").is_not_null()
    )
    held = held.select("person", "citizen").unique().filter(pl.len().over("person") > 1)
    pairs = held.join(held, on="person").filter(pl.col("citizen") < pl.col("citizen_right"))
    text, other = (pairs[c].cast(pl.String).str.zfill(12).to_list() for c in ("citizen", "citizen_right"))
    apart = [sum(a != b for a, b in zip(one, two, strict=True)) > 1 for one, two in zip(text, other, strict=True)]
    return pairs.filter(pl.Series(apart, dtype=pl.Boolean))["person"].n_unique()
