"""The best that any weights could reach with these fields, rules and levels.

    python -m benchmarks.linkage.ceiling FOLDER

FOLDER as `benchmarks.linkage.run` leaves it (`--folder`). All pairs that the rules make are compared; an oracle knows for each pattern of
levels and rarity which share of its pairs are one person's, and takes the patterns from the surest down to where F1 is best. What no rule
makes is lost to it too. `told`: it knows the shares of these very pairs, so a pattern of one pair is always right: more than can be had.
`learnt`: for half of the people it has the shares of the other half, and the model's word counts as `PRIOR` pairs of each pattern. `model`:
the weights of the pinned model, pairs only. Prints JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.linkage.ours import load
from benchmarks.linkage.scores import PRECISIONS
from transforms.persons import pinned
from transforms.persons.at_hand import at_hand
from transforms.persons.report import chance
from transforms.persons.score import score
from transforms.persons.weigh import chances

EVERYTHING = -1_000.0
PRIOR = 4.0


def compared(folder: Path) -> tuple[pl.DataFrame, int]:
    """`pattern`, `weight`, `same` (one person), `half` (0 or 1, by the person of the left card) of each pair; and how many are true."""
    records = load(folder / "records")
    person = pl.read_parquet(folder / "persons.parquet").sort("card")["person"]
    model = at_hand(records, pinned())
    found = score(records, chances(records, model), model, EVERYTHING)
    pairs = found.pairs.join(found.patterns.select("pattern", "weight"), on="pattern", maintain_order="left")
    left, right = (person.gather(records.rows["card"].gather(pairs[side])) for side in ("left", "right"))
    cards = person.value_counts()["count"].cast(pl.Int64)
    told = pl.DataFrame({"pattern": pairs["pattern"], "weight": pairs["weight"], "same": left == right, "half": left.cast(pl.Int64) % 2})
    return told, int((cards * (cards - 1) // 2).sum())


def best(pairs: pl.DataFrame, true_pairs: int) -> dict[str, float]:
    """`pairs`: `share` (how sure the oracle is), `same`. What the threshold of the best F1 gives; and the recall of the best one at each of
    `scores.PRECISIONS`."""
    steps = pairs.group_by("share").agg(pl.len(), pl.col("same").sum()).sort("share", descending=True)
    taken, right = steps["len"].cum_sum().to_numpy().astype(np.int64), steps["same"].cum_sum().to_numpy().astype(np.int64)
    precision, recall = right / taken, right / true_pairs
    f1 = 2 * right / (taken + true_pairs)
    at = int(np.argmax(f1))
    found = {"precision": precision[at], "recall": recall[at], "f1": f1[at]}
    return found | {f"recall at {p}": recall[precision >= p].max(initial=0.0) for p in PRECISIONS}


def ceiling(folder: Path) -> dict[str, float | dict[str, float]]:
    pairs, true_pairs = compared(folder)
    told = pairs.with_columns(share=pl.col("same").mean().over("pattern"))
    other = pairs.group_by("pattern", half=1 - pl.col("half")).agg(met=pl.len(), matches=pl.col("same").sum())
    known = pairs.join(other, on=["pattern", "half"], how="left").with_columns(pl.col("met", "matches").fill_null(0))
    known = known.with_columns(share=(pl.col("matches") + PRIOR * chance(pl.col("weight"))) / (pl.col("met") + PRIOR))
    return {
        "found_by_rules": int(pairs["same"].sum()) / true_pairs,
        "told": best(told, true_pairs),
        "learnt": best(known, true_pairs),
        "model": best(pairs.with_columns(share="weight"), true_pairs),
    }


if __name__ == "__main__":
    print(json.dumps(ceiling(Path(sys.argv[1]))))
