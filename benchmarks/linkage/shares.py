"""What a made-up nation is like, beside what the study of linkage says of its own.

    python -m benchmarks.linkage.shares FOLDER

FOLDER as `benchmarks.linkage.standardised` leaves it. Prints a line for each share: what it is in FOLDER, and in the study.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import polars as pl

# Section 3 and 4 of the study, at a million cards; `homonyms` falls with fewer cards and rises where births lie in four years.
STUDY = {
    "second and further cards, of all": 0.10,
    "true pairs for each of them": 1.20,  # 601,088 pairs at five million
    "true pairs that share the citizen id": 0.34,
    "true pairs that share the card's social insurance number": 0.35,
    "true pairs that share neither": 0.43,
    "cards with a verified CCCD": 0.72,
    "people with a namesake of the same birth date": 0.013,
    "CCCDs on cards of several people, of a million cards": 1_636.0,
}


def reached(folder: Path) -> dict[str, float]:
    """The shares that `STUDY` names, as they are in these cards."""
    columns = ["card", "citizen", "short_citizen", "verified", "insured", "plain", "birth"]
    cards = pl.read_parquet(folder / "standardised.parquet", columns=columns)
    cards = cards.join(pl.read_parquet(folder / "persons.parquet"), on="card").sort("card")
    first = cards.unique("person", keep="first", maintain_order=True)
    several = cards.filter(pl.len().over("person") > 1)
    pairs = several.join(several, on="person").filter(pl.col("card") < pl.col("card_right"))
    same = {c: (pl.col(c) == pl.col(f"{c}_right")).fill_null(False) for c in ("citizen", "short_citizen", "insured")}
    id_ = same["citizen"] | same["short_citizen"]
    share = pairs.select(id=id_.mean(), number=same["insured"].mean(), neither=(~id_ & ~same["insured"]).mean()).row(0, named=True)
    dated = first.drop_nulls("birth")
    of_several = cards.drop_nulls("citizen").group_by("citizen").agg(pl.col("person").n_unique()).filter(pl.col("person") > 1)
    further = cards.height - first.height
    found = [
        further / cards.height,
        pairs.height / max(further, 1),
        share["id"],
        share["number"],
        share["neither"],
        cards["verified"].mean(),
        dated.select((pl.len().over("plain", "birth") > 1).mean()).item(),
        of_several.height * 1_000_000 / cards.height,
    ]
    return {what: float(value or 0.0) for what, value in zip(STUDY, found, strict=True)}  # type: ignore[arg-type]


def told(shares: Mapping[str, float]) -> str:
    """A line for each share."""
    return "\n".join(f"  {_number(value):>8}  (study {_number(STUDY[what])})  {what}" for what, value in shares.items())


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.3f}"


if __name__ == "__main__":
    print(told(reached(Path(sys.argv[1]))))
