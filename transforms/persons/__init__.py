"""Cards → persons: which cards, of whatever provinces and groups, belong to one person.

`standardise → candidates → compare → weigh → cluster → identify`, each a module of pure functions on frames; `link` runs them.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.persons.at_hand import at_hand
from transforms.persons.cluster import Clusters, cluster, components
from transforms.persons.compare import compare
from transforms.persons.frequencies import Frequencies, frequencies, pinned_chances, with_borne
from transforms.persons.identify import BEFORE_ALL_RUNS, identify
from transforms.persons.model_file import as_text
from transforms.persons.numbers import NAMES_PER_NUMBER
from transforms.persons.pairing import decided, evidence_of, scored_cards
from transforms.persons.report import estimate
from transforms.persons.score import score
from transforms.persons.standardise import Records, records_of, said_of, standardise
from transforms.persons.standing import Standing, latest_said, stand
from transforms.persons.weigh import Model, chances, contributions, pinned, weigh

__all__ = ["Linkage", "Model", "Standing", "explain", "link", "link_to_stand", "pinned"]


@dataclass(frozen=True)
class Linkage:
    """`card_persons`: what `identify.identify` gives, one row per number as delivered, sorted.
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
    known: Frequencies | None = None,
) -> Linkage:
    """Finds the persons behind cards.

    `cards`: rows of all registers in use: `card_number`, the columns of `standardise.EVIDENCE`, `period` (Date), `received_rank` (integer);
    those of `standardise.OPTIONAL` may be left out.
    `former`: the index of an earlier run; its ids are kept where the persons are. `run`: the running number of this one; `retired`: ids
    that were in use once (see `identify`). `decisions`: `card_key_a`, `card_key_b`, `same` (Boolean): what a person decided, by card key or
    number; where two decisions contradict, they stay apart. `model`: unless given the pinned one, reckoning with as many people as
    registers of this size may hold. `known`: how often names and places occur, unless counted in these cards.
    Neither the order of rows nor the number of threads changes anything.
    """
    return _linked(standardise(cards), former, decisions, model, run, retired, known)[0]


def link_to_stand(
    cards: pl.DataFrame | pl.LazyFrame,
    former: pl.DataFrame | None = None,
    decisions: pl.DataFrame | None = None,
    model: Model | None = None,
    run: int = BEFORE_ALL_RUNS,
    retired: pl.Series | None = None,
    known: Frequencies | None = None,
) -> tuple[Linkage, Standing]:
    """As `link`, and leaves the index on which later nights link only what changed (`increment.link_new`)."""
    said = said_of(cards)
    linkage, found = _linked(records_of(said), former, decisions, model, run, retired, known)
    connected = components(found.records.cards.height, found.edges["left"].to_numpy(), found.edges["right"].to_numpy())
    pairs = linkage.pairs.with_columns(left=found.scored["left"], right=found.scored["right"])
    named = [] if decisions is None else sorted({*decisions["card_key_a"], *decisions["card_key_b"]})
    standing = stand(
        found.records, said, latest_said(cards.lazy()), pairs, connected, found.clusters.members.sort("card")["cluster"].to_numpy(),
        known or frequencies(found.records), {"decided": named, "model": as_text(found.model)},
    )  # fmt: skip
    return linkage, standing


@dataclass(frozen=True)
class _Found:
    records: Records
    model: Model
    scored: pl.DataFrame
    clusters: Clusters
    edges: pl.DataFrame


def _linked(
    records: Records,
    former: pl.DataFrame | None,
    decisions: pl.DataFrame | None,
    model: Model | None,
    run: int,
    retired: pl.Series | None,
    known: Frequencies | None,
) -> tuple[Linkage, _Found]:
    model = model or at_hand(records, pinned())
    if known is not None:
        records = replace(records, names=with_borne(records.names, known))
    rare = chances(records, model) if known is None else pinned_chances(records, model, known)
    found = score(records, rare, model, model.review_bits)
    weighed = found.patterns
    scored = scored_cards(records, found.pairs, weighed, model.review_bits)
    together, apart = decided(records, decisions)
    edges = scored.filter(pl.col("weight") >= model.merge_bits).select("left", "right", "weight")
    if together.height:
        edges = pl.concat([edges, together]).group_by("left", "right").agg(pl.col("weight").max())
    with ThreadPoolExecutor(1) as pool:
        telling = pool.submit(evidence_of, scored, weighed, records)
        clusters = cluster(records, edges, apart)
        card_persons = identify(records, clusters.members, former, run, retired)
    pairs = telling.result()
    sizes = _sizes(clusters.members["cluster"].to_numpy())
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
        "warnings": _warnings(records, found.counts),
        "decisions": {"together": together.height, "apart": apart.height},
    }
    return Linkage(card_persons, pairs, report), _Found(records, model, scored, clusters, edges)


_NUMBERS = {
    "citizen": "CCCD", "short_citizen": "CMND", "insured": "social insurance number (last ten digits of cards)",
    "insured_too": "listed social insurance number",
}  # fmt: skip


def _sizes(cluster_of: npt.NDArray[np.uint32]) -> pl.DataFrame:
    """`cards`, `persons`: how many people have so many cards."""
    # Most cards are in a cluster by themselves, and one is called after its smallest card.
    further = np.bincount(cluster_of[cluster_of != np.arange(len(cluster_of))])
    persons = np.bincount(further + 1, minlength=2)
    persons[1] = len(cluster_of) - int((persons * np.arange(len(persons)))[2:].sum())
    cards = np.flatnonzero(persons[1:]) + 1
    return pl.DataFrame({"cards": cards.astype(np.uint32), "persons": persons[cards].astype(np.uint32)})


UNKNOWN = 0.5  # of the cards: from there on it is said that a register leaves something out


def _warnings(records: Records, counts: pl.DataFrame) -> list[str]:
    """What is wrong with the registers as a whole, in counts, never in values."""
    said = [
        f"{records.crowded[kind]:,} {name} set aside: each is carried by more than {NAMES_PER_NUMBER} names, together by "
        f"{records.carriers[kind]:,} records"
        for kind, name in _NUMBERS.items()
        if records.crowded[kind]
    ]
    latest = records.rows.select("latest", "name", "year")
    for column, what in (("name", "a name"), ("year", "a birth date")):
        missing = int((latest["latest"] & latest[column].is_null()).sum())
        if missing > UNKNOWN * int(latest["latest"].sum()):
            said.append(f"{missing:,} of {latest.height:,} cards are without {what}: they are recognised by their numbers only")
    left_out = counts.filter(pl.col("left_out") > 0)
    said += [
        f"rule {rule}: {cut:,} blocks too large, {pairs:,} pairs not compared; neighbours in order of name and date were"
        for rule, cut, pairs in left_out.select("rule", "blocks_cut", "left_out").iter_rows()
    ]
    return said


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
