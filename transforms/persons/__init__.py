"""Cards → persons: which cards, of whatever provinces and groups, belong to one person.

`standardise → candidates → compare → weigh → cluster → identify`, each a module of pure functions on frames; `link` runs them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from transforms.persons.cluster import DECIDED, cluster
from transforms.persons.compare import compare
from transforms.persons.evidence import PAIRS, named_levels
from transforms.persons.identify import BEFORE_ALL_RUNS, identify
from transforms.persons.report import estimate
from transforms.persons.score import score
from transforms.persons.standardise import Records, standardise
from transforms.persons.weigh import Model, contributions, chances, pinned, weigh

PEOPLE_PER_CARD = 20
FEWEST_PEOPLE = 1_000_000  # about a province: a register of a few cards is an excerpt of at least that

__all__ = ["Linkage", "Model", "explain", "link", "pinned"]


@dataclass(frozen=True)
class Linkage:
    """`card_persons`: `identify.INDEX`, one row per number as delivered, sorted.
    `pairs`: `evidence.PAIRS`, every pair from the review band upwards, sorted; restricted, like the cards.
    `report`: counts only, no personal values; see docs/linkage.md."""

    card_persons: pl.DataFrame
    pairs: pl.DataFrame
    report: dict[str, Any]


def link(
    cards: pl.DataFrame | pl.LazyFrame,
    former: pl.DataFrame | None = None,
    decisions: pl.DataFrame | None = None,
    model: Model | None = None,
    run: int = BEFORE_ALL_RUNS,
    retired: pl.Series | None = None,
) -> Linkage:
    """Finds the persons behind cards.

    `cards`: rows of all registers in use: `card_number`, the columns of `standardise.EVIDENCE`, `period` (Date), `received_rank` (integer).
    `former`: the index of an earlier run; its ids are kept where the persons are. `run`: the running number of this one; `retired`: ids
    that were in use once (see `identify`). `decisions`: `card_key_a`,
    `card_key_b`, `same` (Boolean): what a person decided, by card key or number; where two decisions contradict, they stay apart.
    `model`: unless given the pinned one, reckoning with as many people as registers of this size may hold.
    Neither the order of rows nor the number of threads changes anything.
    """
    records = standardise(cards)
    model = model or _for_registers_of(records.cards.height)
    found = score(records, chances(records, model), model, model.review_bits)
    weighed = found.patterns
    scored = _scored_cards(records, found.pairs, weighed, model.review_bits)
    together, apart = _decided(records, decisions)
    edges = pl.concat([scored.filter(pl.col("weight") >= model.merge_bits).select("left", "right", "weight"), together])
    edges = edges.group_by("left", "right").agg(pl.col("weight").max())
    clusters = cluster(records, edges, apart)
    card_persons = identify(records, clusters.members, former, run, retired)
    keys = records.cards["card_key"]
    pairs = scored.join(named_levels(weighed).drop("weight"), on="pattern", how="left", maintain_order="left")
    pairs = pairs.with_columns(card_key_a=keys.gather(scored["left"]), card_key_b=keys.gather(scored["right"])).select(*PAIRS)
    sizes = clusters.members.group_by("cluster").agg(cards=pl.len()).group_by("cards").agg(persons=pl.len()).sort("cards")
    report = {
        "model": model.version,
        "card_numbers": records.numbers.height,
        "cards": records.cards.height,
        "records": records.rows.height,
        "names": records.names.height,
        "persons": int(sizes["persons"].sum()),
        "persons_with_several_cards": int(sizes.filter(pl.col("cards") > 1)["persons"].sum()),
        "pairs_compared": int(found.counts["new"].sum()),
        "pairs_left_out": int(found.counts["left_out"].sum()),
        "rules": found.counts,
        "patterns": weighed.height,
        "pairs_merged": scored.filter(pl.col("weight") >= model.merge_bits).height,
        "pairs_to_review": scored.filter(pl.col("weight") < model.merge_bits).height,
        "weights": _histogram(weighed),
        "merge_bits": model.merge_bits,
        "review_bits": model.review_bits,
        "population": model.population,
        "estimate": estimate(weighed, model.merge_bits, model.review_bits),
        "cluster_sizes": sizes,
        "clusters_guarded": clusters.guarded,
        "links_cut": clusters.cut.height,
        "numbers_set_aside": records.crowded,
        "decisions": {"together": together.height, "apart": apart.height},
    }
    return Linkage(card_persons, pairs, report)


def _for_registers_of(cards: int) -> Model:
    """The pinned model for registers with this many cards.

    The chance that two cards agree by coincidence grows with the people among whom it may happen: 100 million in the nation, fewer in a
    province. The registers of a pilot hold a part of the people that their names come from, hence the factor (docs/linkage.md).
    """
    model = pinned()
    return replace(model, population=min(model.population, float(max(PEOPLE_PER_CARD * cards, FEWEST_PEOPLE))))


def _scored_cards(records: Records, pairs: pl.DataFrame, weighed: pl.DataFrame, least: float) -> pl.DataFrame:
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
    )


def _decided(records: Records, decisions: pl.DataFrame | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Pairs of cards that a person put together (as edges) and told apart. Cards that no register knows are left out."""
    if decisions is None:
        decisions = pl.DataFrame(schema={"card_key_a": pl.String, "card_key_b": pl.String, "same": pl.Boolean})
    known = (
        decisions.join(records.numbers.rename({"card_number": "card_key_a", "card": "a"}), on="card_key_a")
        .join(records.numbers.rename({"card_number": "card_key_b", "card": "b"}), on="card_key_b")
        .filter(pl.col("a") != pl.col("b"))
        .select("same", left=pl.min_horizontal("a", "b"), right=pl.max_horizontal("a", "b"), weight=pl.lit(DECIDED))
        .unique()
        .sort("left", "right", "same")
    )
    return known.filter("same").drop("same"), known.filter(~pl.col("same")).drop("same", "weight")


def _histogram(weighed: pl.DataFrame) -> pl.DataFrame:
    """`from_bits` (2 bits wide), `pairs`."""
    return weighed.group_by(from_bits=(pl.col("weight") / 2).floor().cast(pl.Int32) * 2).agg(pl.col("pairs").sum()).sort("from_bits")


def explain(cards: pl.DataFrame | pl.LazyFrame, card_a: str, card_b: str, model: Model | None = None) -> pl.DataFrame:
    """Why two cards are one person or are not: `field`, `level`, `weight` (bits), from the prior to the `total`.

    The pair of states of the two cards that weighs most speaks. Field `household` (class) is what the possibility of another person of
    the same household takes away. Raises KeyError where a number is in no register.
    """
    records = standardise(cards)
    model = model or _for_registers_of(records.cards.height)
    number = dict(records.numbers.iter_rows())
    one, two = number[card_a], number[card_b]
    rows = records.rows.with_row_index("row")
    pairs = rows.filter(pl.col("card") == one).select("row").join(rows.filter(pl.col("card") == two).select(other="row"), how="cross")
    pairs = pairs.select(left=pl.min_horizontal("row", "other").cast(pl.Int32), right=pl.max_horizontal("row", "other").cast(pl.Int32))
    patterns = weigh(compare(records, pairs, chances(records, model)).patterns, model)
    best = patterns.sort("weight", "pattern", descending=[True, False]).head(1)
    return contributions(best, model)
