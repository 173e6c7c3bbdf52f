"""Compared records → pairs of cards, and what people decided about cards, as edges. Used by a linkage of all cards and by an increment."""

from __future__ import annotations

import polars as pl

from transforms.persons.evidence import PAIRS, named_levels
from transforms.persons.guard import DECIDED
from transforms.persons.standardise import Records


def scored_cards(records: Records, pairs: pl.DataFrame, weighed: pl.DataFrame, least: float) -> pl.DataFrame:
    """Pairs of cards (`left` < `right`) that reach `least` bits, with the best `weight` of their states and its `pattern`; sorted."""
    enough = weighed.filter(pl.col("weight") >= least).select("pattern", "weight")
    kept = pairs.join(enough, on="pattern")
    card = records.rows["card"]
    one, two = card.gather(kept["left"]), card.gather(kept["right"])
    return (
        pl.DataFrame({"one": one, "two": two, "weight": kept["weight"], "pattern": kept["pattern"]})
        .select("weight", "pattern", left=pl.min_horizontal("one", "two"), right=pl.max_horizontal("one", "two"))
        .sort(["left", "right", "weight", "pattern"], descending=[False, False, True, False])
        .unique(["left", "right"], keep="first", maintain_order=True)
        .select("left", "right", "weight", "pattern")
    )


def evidence_of(scored: pl.DataFrame, weighed: pl.DataFrame, records: Records) -> pl.DataFrame:
    """`evidence.PAIRS` of scored pairs of cards, in their order."""
    keys = records.cards["card_key"]
    pairs = scored.join(named_levels(weighed).drop("weight"), on="pattern", how="left", maintain_order="left")
    return pairs.with_columns(card_key_a=keys.gather(scored["left"]), card_key_b=keys.gather(scored["right"])).select(*PAIRS)


def decided(records: Records, decisions: pl.DataFrame | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Pairs of cards that a person put together (as edges) and told apart. Cards that no register knows are left out."""
    if decisions is None or decisions.is_empty():
        nobody = pl.DataFrame(schema={"left": pl.UInt32, "right": pl.UInt32, "weight": pl.Float64})
        return nobody, nobody.drop("weight")
    known = (
        decisions.join(records.numbers.rename({"card_number": "card_key_a", "card": "a"}), on="card_key_a")
        .join(records.numbers.rename({"card_number": "card_key_b", "card": "b"}), on="card_key_b")
        .filter(pl.col("a") != pl.col("b"))
        .select("same", left=pl.min_horizontal("a", "b"), right=pl.max_horizontal("a", "b"), weight=pl.lit(DECIDED))
        .unique()
        .sort("left", "right", "same")
    )
    return known.filter("same").drop("same"), known.filter(~pl.col("same")).drop("same", "weight")
