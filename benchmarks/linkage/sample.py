"""How right the persons of a night over sample exports are.

    bhyt sample FOLDER --persons 60000 --seed 2
    COVERAGE_HOME=HOME COVERAGE_LANDING=FOLDER/landing bhyt nightly
    python -m benchmarks.linkage.sample FOLDER HOME

Prints precision, recall and F1 over pairs of cards, and how many persons there are, found and true. One person in a thousand has
the name, birth date and sex of somebody else.
"""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl

from benchmarks.linkage.scores import pair_scores
from warehouse import card_persons
from warehouse.settings import Settings


def scores(folder: Path, settings: Settings) -> dict[str, float]:
    """`precision`, `recall`, `f1`; `found`, `true`: persons."""
    index = card_persons.read(settings.card_persons_file)
    if index is None:
        raise FileNotFoundError(f"{settings.card_persons_file}: no night has linked cards there")
    truth = pl.read_parquet(folder / "truth" / "persons.parquet")
    known = pl.concat([truth.select("person", "card_number"), truth.select("person", card_number="full")]).drop_nulls().unique()
    cards = index.filter(pl.col("card_number") == pl.col("card_key")).join(known, on="card_number")
    found, true = cards["person_id"].rank("dense").to_numpy(), cards["person"].to_numpy()
    return {**pair_scores(found, true), "found": cards["person_id"].n_unique(), "true": cards["person"].n_unique()}


if __name__ == "__main__":
    reached = scores(Path(sys.argv[1]), Settings(home=Path(sys.argv[2])))
    print(", ".join(f"{name} {value:.4f}" if isinstance(value, float) else f"{name} {value:,}" for name, value in reached.items()))
