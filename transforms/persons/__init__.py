"""Cards → persons: which cards, of whatever provinces and groups, belong to one person.

`standardise → candidates → compare → weigh → cluster → identify`, each a module of pure functions on frames; `link` runs them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from transforms.persons.cluster import DECIDED, cluster
from transforms.persons.compare import compare
from transforms.persons.identify import identify
from transforms.persons.score import score
from transforms.persons.standardise import NAMES_PER_NUMBER, Records, standardise
from transforms.persons.weigh import Model, at_hand, chances, contributions, pinned, weigh

__all__ = ["Linkage", "Model", "explain", "link", "pinned"]


@dataclass(frozen=True)
class Linkage:
    """`card_persons`: `card_number` (as delivered), `card_key`, `person_id`; one row per number, sorted.
    `pairs`: `card_key_a`, `card_key_b`, `weight` (bits) of every pair from the review band upwards, sorted; restricted, like the cards.
    `report`: counts only, no personal values; see docs/linkage.md."""

    card_persons: pl.DataFrame
    pairs: pl.DataFrame
    report: dict[str, Any]


def link(
    cards: pl.DataFrame | pl.LazyFrame,
    former: pl.DataFrame | None = None,
    decisions: pl.DataFrame | None = None,
    model: Model | None = None,
) -> Linkage:
    """Finds the persons behind cards.

    `cards`: rows of all registers in use: `card_number`, the columns of `standardise.EVIDENCE`, `period` (Date), `received_rank` (integer).
    `former`: `card_number`, `person_id` of an earlier run; its ids are kept where the persons are. `decisions`: `card_key_a`,
    `card_key_b`, `same` (Boolean): what a person decided, by card key or number; where two decisions contradict, they stay apart.
    `model`: unless given the pinned one, reckoning with as many people as registers of this size may hold.
    Neither the order of rows nor the number of threads changes anything.
    """
    records = standardise(cards)
    model = model or at_hand(records, pinned())
    found = score(records, chances(records, model), model, model.review_bits)
    weighed = found.patterns
    scored = _scored_cards(records, found.pairs, weighed, model.review_bits)
    together, apart = _decided(records, decisions)
    edges = pl.concat([scored.filter(pl.col("weight") >= model.merge_bits), together])
    edges = edges.group_by("left", "right").agg(pl.col("weight").max())
    clusters = cluster(records, edges, apart)
    card_persons = identify(records, clusters.members, former)
    keys = records.cards["card_key"]
    pairs = scored.select(card_key_a=keys.gather(scored["left"]), card_key_b=keys.gather(scored["right"]), weight="weight")
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
        "cluster_sizes": sizes,
        "clusters_guarded": clusters.guarded,
        "links_cut": clusters.cut.height,
        "numbers_set_aside": records.crowded,
        "warnings": _warnings(records, found.counts),
        "decisions": {"together": together.height, "apart": apart.height},
    }
    return Linkage(card_persons, pairs, report)


_NUMBERS = {
    "citizen": "CCCD", "short_citizen": "CMND", "insured": "social insurance number (last ten digits of cards)",
    "insured_too": "listed social insurance number",
}  # fmt: skip
UNKNOWN = 0.5  # of the cards: from there on it is said that a register leaves something out


def _warnings(records: Records, counts: pl.DataFrame) -> list[str]:
    """What is wrong with the registers as a whole, in counts, never in values."""
    said = [
        f"{records.crowded[kind]:,} {name} set aside: each is carried by more than {NAMES_PER_NUMBER} names, together by "
        f"{records.carriers[kind]:,} records"
        for kind, name in _NUMBERS.items()
        if records.crowded[kind]
    ]
    latest = records.rows.filter("latest")
    for column, what in (("name", "a name"), ("year", "a birth date")):
        missing = latest[column].null_count()
        if missing > UNKNOWN * latest.height:
            said.append(f"{missing:,} of {latest.height:,} cards are without {what}: they are recognised by their numbers only")
    left_out = counts.filter(pl.col("left_out") > 0)
    said += [
        f"rule {rule}: {cut:,} blocks too large, {pairs:,} pairs not compared; neighbours in order of name and date were"
        for rule, cut, pairs in left_out.select("rule", "blocks_cut", "left_out").iter_rows()
    ]
    return said


def _scored_cards(records: Records, pairs: pl.DataFrame, weighed: pl.DataFrame, least: float) -> pl.DataFrame:
    """Pairs of cards (`left` < `right`) that reach `least` bits, with the best `weight` of their states; sorted."""
    enough = weighed.filter(pl.col("weight") >= least).select("pattern", "weight")
    kept = pairs.join(enough, on="pattern")
    card = records.rows["card"]
    one, two = card.gather(kept["left"]), card.gather(kept["right"])
    return (
        pl.DataFrame({"one": one, "two": two, "weight": kept["weight"]})
        .group_by(left=pl.min_horizontal("one", "two"), right=pl.max_horizontal("one", "two"))
        .agg(pl.col("weight").max())
        .sort("left", "right")
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
    model = model or at_hand(records, pinned())
    number = dict(records.numbers.iter_rows())
    one, two = number[card_a], number[card_b]
    rows = records.rows.with_row_index("row")
    pairs = rows.filter(pl.col("card") == one).select("row").join(rows.filter(pl.col("card") == two).select(other="row"), how="cross")
    pairs = pairs.select(left=pl.min_horizontal("row", "other").cast(pl.Int32), right=pl.max_horizontal("row", "other").cast(pl.Int32))
    patterns = weigh(compare(records, pairs, chances(records, model)).patterns, model)
    best = patterns.sort("weight", "pattern", descending=[True, False]).head(1)
    return contributions(best, model)
