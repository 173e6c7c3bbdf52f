"""A night's new, changed and gone cards, linked against the standing index: the persons that a linkage of all cards would find.

Why it is the same. A pair of cards is made by rules that look at the two of them and at the block that they share; so only pairs of which
one card changed can be others, and the pairs of a block that is cut to windows, which are all made again. A person depends on the pairs of
his connected component; so only components that hold a changed card, or one that a pair links with it, before or after, are built again,
with guard. What depends on all cards together (model, population, frequencies, numbers set aside) is pinned in the index; where a change
would move it, `Relink` is raised.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.persons.candidates import BLOCK_LIMIT, candidates_of, distinct
from transforms.persons.cluster import cluster
from transforms.persons.compare import compare
from transforms.persons.evidence import PAIRS
from transforms.persons.exchange import before_which, exchanged, places_in
from transforms.persons.frequencies import Frequencies, pinned_chances
from transforms.persons.identify import BEFORE_ALL_RUNS, identify
from transforms.persons.numbers import CROWDED, NAMES_PER_NUMBER, looks_verified, structured, without_crowded
from transforms.persons.pairing import decided, evidence_of, scored_cards
from transforms.persons.standardise import Records, records_of, said_of, together, whole
from transforms.persons.standing import (
    Relink,
    Standing,
    joined,
    latest_said,
    numbers_alike,
    numbers_of,
    part,
    partners,
    places_of,
    probes,
    row_hash,
    said_before,
    tails_of,
)
from transforms.persons.weigh import Model, weigh

Array = npt.NDArray[Any]
MOST_TOUCHED = 0.25  # of all cards: with more, linking all of them anew is about as fast


@dataclass(frozen=True)
class Increment:
    """`card_persons`: the whole index. `former`, `now`: the rows of the last index and of this one that may differ. `pairs`:
    `evidence.PAIRS` of all cards. `unsettled`: numbers whose persons may differ from those of the standing index. `report`: counts."""

    card_persons: pl.DataFrame
    former: pl.DataFrame
    now: pl.DataFrame
    pairs: pl.DataFrame
    unsettled: pl.Series
    report: dict[str, Any]


@dataclass(frozen=True)
class Changed:
    """What registers say otherwise than the standing index: the `touched` numbers (`changed_numbers`), and as `records` what is said of
    them now (`standardise_again`, or `standardise` of all their rows); none for those that are gone."""

    touched: pl.Series
    records: Records


def changed_numbers(standing: Standing, added: pl.LazyFrame, removed: pl.LazyFrame) -> pl.Series:
    """The card numbers of which something may have changed since the index: sorted, with all that may be the same card.

    `added`, `removed`: the rows of registers that came into use and went out of use, as for `link`. A row that says what the latest row of
    its number said changes nothing; nor does a removed row that an added one of the same month repeats.
    """
    came = latest_rows(added)
    known = standing.numbers[numbers_alike(standing, tails_of(came["card_number"]))].drop_nulls("latest")
    known = known.select("card_number", "latest", since=standing.cards["began"].gather(known["card"]).fill_null(date.max))
    # Each January most cards are valid from another day: only one before all others says something new.
    odd = came.join(known, on=["card_number", "latest"], how="left").filter(pl.col("since").is_null() | (pl.col("began") < pl.col("since")))
    left = latest_rows(removed).join(came, on=came.columns, how="anti", nulls_equal=True)
    touched = pl.concat([odd["card_number"], left["card_number"]]).unique()
    tails = distinct(tails_of(touched))
    alike = standing.numbers["card_number"].gather(numbers_alike(standing, tails))
    arrived = came["card_number"].filter(pl.Series(np.isin(tails_of(came["card_number"]), tails)))
    return pl.concat([touched, alike, arrived]).unique().sort()


def standardise_again(standing: Standing, touched: pl.Series, added: pl.DataFrame | pl.LazyFrame) -> Records:
    """The records of the `touched` numbers (as `changed_numbers`), as `standardise` of all their rows would give them.

    `added`: the rows of registers that came into use since the index, `touched` or not. Only where none went out of use: what those said
    is in the index too.
    """
    numbers = touched.rename("card_number")
    rows = added.lazy().join(numbers.to_frame().lazy(), on="card_number", how="semi").collect(engine="streaming")
    return records_of(together(said_before(standing, numbers), said_of(rows)))


def latest_rows(cards: pl.LazyFrame) -> pl.DataFrame:
    """`card_number`, `period`, `latest` (hash of what the row says), `began` (the day it is valid from), each combination once."""
    rows = whole(cards.filter(pl.col("card_number").is_not_null())).select("card_number", "period", latest=row_hash(), began="valid_from")
    return rows.unique().collect(engine="streaming")


def link_new(
    standing: Standing,
    touched: pl.Series,
    new: Records,
    former: pl.DataFrame,
    model: Model,
    decisions: pl.DataFrame | None = None,
    unsettled: pl.Series | None = None,
    run: int = BEFORE_ALL_RUNS,
    retired: pl.Series | None = None,
    most: float = MOST_TOUCHED,
) -> Increment:
    """Links again the cards of the `touched` numbers (as `changed_numbers`): `new` is what all rows of theirs in registers in use say now,
    none for those that are gone (`standardise_again`, or `standardise` of these rows). `former`: the last index; `unsettled`: as the
    `Increment` that made it said. `model`: that of the standing index. `most`: the share of all cards up to which this is worth while.

    Raises Relink where all cards must be linked anew.
    """
    gone = cards_of(standing, touched)
    new = replace(new, rows=as_pinned(standing, new.rows))
    old = part(standing, gone)
    _check_pinned(standing, new, old, gone)
    met, repaired = _met(standing, new, old, gone)
    if len(met) + len(gone) > most * max(standing.cards.height, 1):
        raise Relink("too many cards changed, or share a block with one that did")

    # First the pairs of cards that changed, with all that share a block with them ...
    looked_at = joined(standing, met, new, numbered=False)
    if not without_crowded(looked_at.rows, looked_at.names)[1].is_empty():
        raise Relink("a number has come to be carried by too many names to be anybody's")
    base = _base_of(looked_at, met, new)
    scored, weighed = scored_fresh(looked_at, (base < 0) | np.isin(base, repaired), model, standing.frequencies)

    # ... then the persons of the components that these pairs, or those that are no more, belong to.
    linked = scored.filter(pl.col("weight") >= model.merge_bits).select("left", "right", "weight")
    ends = base[np.concatenate([linked["left"].to_numpy(), linked["right"].to_numpy()])]
    settled = _component_of(standing, [ends[ends >= 0], gone, repaired, _decided_cards(standing, decisions)])
    if len(settled) > most * max(standing.cards.height, 1):
        raise Relink("too many cards are connected with those that changed")
    kept = np.setdiff1d(settled, gone, assume_unique=True)
    records = joined(standing, kept, new)
    key, now_key = looked_at.cards["card_key"], records.cards["card_key"]
    linked = linked.with_columns(now_key.search_sorted(key.gather(linked[end])).cast(pl.UInt32).alias(end) for end in ("left", "right"))
    void, inside = _standing_pairs(standing, _base_of(records, kept, new), gone, repaired)
    together, apart = decided(records, decisions)
    edges = pl.concat([linked, inside.filter(pl.col("weight") >= model.merge_bits), together])
    clusters = cluster(records, edges.group_by("left", "right").agg(pl.col("weight").max()), apart)

    now_unsettled = pl.concat([records.numbers["card_number"], touched.rename("card_number")]).unique().sort()
    again = _settled_again(standing, unsettled, settled)
    numbers, cards, members = _with(standing, again, records, clusters.members)
    affected = pl.concat([now_unsettled, *([] if unsettled is None else [unsettled])]).rename("card_number").unique().sort()
    at = places_in(former["card_number"], affected)
    was = former[at]
    taken = [s.rename("person_id") for s in (former["person_id"], retired) if s is not None]
    now = identify(replace(records, numbers=numbers, cards=cards), members, was, run, pl.concat(taken))
    index = exchanged(former, at, now, former["card_number"].search_sorted(now["card_number"]).to_numpy())
    evidence, told = standing.pairs.select(*PAIRS), evidence_of(scored, weighed, looked_at)
    pairs = exchanged(evidence, void, told, before_which(evidence, told, "card_key_a", "card_key_b"))
    report = {
        "way": "increment",
        "card_numbers": index.height,
        "cards_changed": new.cards.height,
        "cards_gone": len(gone),
        "cards_looked_at": looked_at.cards.height,
        "pairs_merged": pairs.filter(pl.col("weight") >= model.merge_bits).height,
        "pairs_to_review": pairs.filter(pl.col("weight") < model.merge_bits).height,
        "clusters_guarded": clusters.guarded,
        "decisions": {"together": together.height, "apart": apart.height},
    }
    return Increment(index, was, now, pairs, now_unsettled, report)


def cards_of(standing: Standing, touched: pl.Series) -> Array:
    """Standing cards with one of these numbers, sorted. Numbers that may be one card come together (`changed_numbers`)."""
    return distinct(standing.numbers["card"].gather(places_of(standing, touched.unique())[0]).to_numpy()).astype(np.int64)


def _met(standing: Standing, new: Records, old: Records, gone: Array) -> tuple[Array, Array]:
    """Standing cards whose pairs are looked at, all that share a key with one that changed (`new`, `old`); and those of them of which every
    pair is made again, as they share a block with one that is, or may be, cut to windows. Both without the `gone` ones."""
    met, crowds = partners(standing, [*probes(new), *probes(old)], BLOCK_LIMIT)
    repaired = np.setdiff1d(crowds, gone, assume_unique=True)
    if len(repaired):
        met = distinct(np.concatenate([met, partners(standing, probes(part(standing, repaired)), 1 << 62)[0]]))
    return np.setdiff1d(met, gone, assume_unique=True), repaired


def _check_pinned(standing: Standing, new: Records, before: Records, gone: Array) -> None:
    """Raises Relink where what is pinned for all cards would be another."""
    if standing.facts["degenerate"]:
        raise Relink("a rule makes so many pairs that how its blocks are cut depends on all cards")
    checkable, verified = standing.facts["checkable"], standing.facts["verified"]
    for rows, sign in ((before.rows, -1), (new.rows, 1)):
        seen = rows.filter(pl.col("citizen").is_not_null() & pl.col("year").is_not_null()).select(looks_verified()).to_series()
        checkable, verified = checkable + sign * seen.len(), verified + sign * int(seen.sum())
    if structured(checkable, verified) != structured(standing.facts["checkable"], standing.facts["verified"]):
        raise Relink("whether CCCDs have their structure here has changed")
    known = standing.set_aside.select("kind", "number").unique()
    if not new.set_aside.join(known, on=["kind", "number"], how="anti").is_empty():
        raise Relink("a number has come to be carried by too many names to be anybody's")
    carriers = standing.set_aside
    touched = carriers.filter(pl.col("card").is_in(pl.Series(gone, dtype=pl.UInt32).implode())).select("kind", "number").unique()
    others = carriers.join(touched, on=["kind", "number"], how="semi").filter(
        ~pl.col("card").is_in(pl.Series(gone, dtype=pl.UInt32).implode())
    )
    left = touched.join(
        others.drop_nulls("plain").group_by("kind", "number").agg(pl.col("plain").n_unique()), on=["kind", "number"], how="left"
    )
    if not left.filter(pl.col("plain").fill_null(0) <= NAMES_PER_NUMBER).is_empty():
        raise Relink("a number that was set aside is carried by fewer names now")


def as_pinned(standing: Standing, rows: pl.DataFrame) -> pl.DataFrame:
    """New rows without the numbers that are set aside, verified by the rule of the index."""
    for kind in CROWDED:
        numbers = standing.set_aside.filter(pl.col("kind") == kind)["number"].unique()
        rows = rows.with_columns(pl.when(~pl.col(kind).is_in(numbers.implode())).then(pl.col(kind)))
    if structured(standing.facts["checkable"], standing.facts["verified"]):
        return rows.with_columns(verified=looks_verified())
    return rows.with_columns(verified=pl.col("citizen").is_not_null())


def _decided_cards(standing: Standing, decisions: pl.DataFrame | None) -> Array:
    """Standing cards that a decision names, in force now or when the index was made."""
    named = [standing.facts["decided"], *([] if decisions is None else [*decisions["card_key_a"], *decisions["card_key_b"]])]
    keys = [k for n in named for k in (n if isinstance(n, list) else [n])]
    return cards_of(standing, pl.Series("card_number", keys, dtype=pl.String))


def _component_of(standing: Standing, cards: list[Array]) -> Array:
    """All standing cards that are connected with one of these, sorted."""
    wanted = np.zeros(standing.cards.height, bool)
    wanted[standing.component[np.concatenate(cards)]] = True
    return np.flatnonzero(wanted[standing.component])


def scored_fresh(records: Records, fresh: Array, model: Model, known: Frequencies) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Pairs of cards (`left`, `right`, `weight`, `pattern`) of which one is fresh, and the patterns."""
    compared = compare(records, candidates_of(records, fresh[records.rows["card"].to_numpy()]), pinned_chances(records, model, known))
    weighed = weigh(compared.patterns, model)
    return scored_cards(records, compared.pairs, weighed, model.review_bits), weighed


def _base_of(records: Records, cards: Array, new: Records) -> Array:
    """Which card of the standing index each card of `records` (`joined` from these `cards` and `new`) is; -1 where it is a new one."""
    base = np.full(records.cards.height, -1, np.int64)
    standing = np.ones(len(base), bool)
    standing[records.cards["card_key"].search_sorted(new.cards["card_key"]).to_numpy()] = False
    base[standing] = cards
    return base


def _standing_pairs(standing: Standing, base: Array, gone: Array, repaired: Array) -> tuple[Array, pl.DataFrame]:
    """Which pairs of the index hold no longer, by place; and those that do between two cards of the records (`base`: as `_base_of`):
    `left`, `right`, `weight`."""
    again = np.zeros(standing.cards.height, bool)
    again[gone] = again[repaired] = True
    left, right = standing.pairs["left"].to_numpy(), standing.pairs["right"].to_numpy()
    void = again[left] | again[right]
    card = np.full(standing.cards.height, -1, np.int64)
    card[base[base >= 0]] = np.flatnonzero(base >= 0)
    left, right = card[left], card[right]
    inside = np.flatnonzero(~void & (left >= 0) & (right >= 0))
    ends = pl.DataFrame({"left": left[inside], "right": right[inside]}, schema={"left": pl.UInt32, "right": pl.UInt32})
    return np.flatnonzero(void), ends.with_columns(weight=standing.pairs["weight"].gather(inside))


def _settled_again(standing: Standing, unsettled: pl.Series | None, settled: Array) -> Array:
    """Standing cards that an earlier night had looked at and this one does not: they are as they stand in the index."""
    if unsettled is None:
        return np.zeros(0, np.int64)
    before = _component_of(standing, [cards_of(standing, unsettled)])
    return np.setdiff1d(before, settled, assume_unique=True)


def _with(standing: Standing, again: Array, records: Records, members: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """`numbers`, `cards`, `members` of the records and of the cards that are as they stand in the index."""
    if not len(again):
        return records.numbers, records.cards, members
    keys = pl.concat([records.cards, standing.cards[again]]).with_row_index("before").sort("card_key").with_row_index("card")
    to = keys.sort("before")["card"].cast(pl.UInt32)
    size = records.cards.height
    held = numbers_of(standing, again)
    at = pl.Series(np.searchsorted(again, held["card"].to_numpy()) + size)
    cluster_of = np.searchsorted(again, standing.cluster[again]) + size
    numbers = pl.concat([
        records.numbers.select("card_number", card=to.gather(records.numbers["card"])),
        pl.DataFrame({"card_number": held["card_number"], "card": to.gather(at)}),
    ]).sort("card_number")  # fmt: skip
    everyone = pl.DataFrame({
        "card": to,
        "cluster": to.gather(pl.concat([members.sort("card")["cluster"].cast(pl.Int64), pl.Series(cluster_of).cast(pl.Int64)])),
    })  # fmt: skip
    # A cluster is called after its smallest card.
    everyone = everyone.with_columns(pl.col("card").min().over("cluster").alias("cluster")).sort("card")
    return numbers, keys.select("card_key"), everyone


__all__ = ["Increment", "changed_numbers", "latest_said", "link_new", "standardise_again"]
