"""Public data sets: how right the unsupervised model is on records of other countries."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.linkage import generic, scores
from benchmarks.linkage.run import child, peer


def measured(classes: int = 3) -> dict[str, dict[str, Any]]:
    """Of each data set: records, true pairs, the share that blocking found, F1 over pairs at the best and at the fixed threshold."""
    with tempfile.TemporaryDirectory() as folder:
        child(peer("public_sets.py", Path(folder)))
        records = {name: pl.read_parquet(Path(folder) / f"{name}.parquet") for name in generic.SETS}
    return {name: _measured(records[name], mapped, classes) for name, mapped in generic.SETS.items()}


def _measured(records: pl.DataFrame, mapped: generic.Mapped, classes: int) -> dict[str, Any]:
    truth = records["person"].to_numpy().astype(np.int64)
    edges = generic.linked(records, mapped, classes)
    likely = edges.filter(pl.col("weight") >= -8)
    points = scores.curve(likely, truth, np.arange(-8, 30, 0.5))
    top = scores.best(points)
    enough = edges.filter(pl.col("weight") >= generic.MERGE_BITS)
    found = scores.components(len(truth), enough["left"].to_numpy(), enough["right"].to_numpy())
    true = scores.pairs(truth)
    return {
        "records": records.height,
        "true_pairs": true,
        "blocked": float((truth[edges["left"].to_numpy()] == truth[edges["right"].to_numpy()]).sum()) / true,
        "best_f1": top["f1"],
        "best_threshold": top["threshold"],
        **scores.pair_scores(found, truth),
        "b3_f1": scores.b_cubed(found, truth)["f1"],
    }


def table(figures: dict[str, dict[str, Any]]) -> str:
    lines = [f"{'public data':14}{'records':>9}{'pairs':>8}{'blocked':>9}{'best F1':>9}{'F1':>9}{'P':>9}{'R':>9}{'B3':>9}"]
    for name, of in figures.items():
        lines.append(
            f"{name:14}{of['records']:9,}{of['true_pairs']:8,}{of['blocked']:9.4f}{of['best_f1']:9.4f}{of['f1']:9.4f}{of['precision']:9.4f}"
            f"{of['recall']:9.4f}{of['b3_f1']:9.4f}"
        )
    return "\n".join(lines)
