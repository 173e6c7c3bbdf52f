"""Why the cards of a person are one person, and why others that come near are not: from the evidence kept with pairs, without the cards."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from transforms.persons.evidence import numbered_levels
from transforms.persons.review import pair_id
from transforms.persons.weigh import Model, contributions
from transforms.persons.words import FIELD_WORDS, in_words

BELOW, GUARDED, TOLD_APART, TOLD_SAME = "below", "guarded", "told_apart", "told_same"


@dataclass(frozen=True)
class Step:
    """One field of a waterfall. The bits of all steps add up to the weight."""

    field: str
    words: str
    bits: float


@dataclass(frozen=True)
class Tie:
    """A pair of cards. `kind`: empty for what the model joined; else why not (below, guarded, told_apart) or told_same.
    `by_hand`: what a person said about it, empty if nobody did."""

    pair: str
    card: str
    other_card: str
    other_person: str
    weight: float | None
    kind: str
    by_hand: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Story:
    """`cards`: keys, sorted. `ties`: the fewest, heaviest pairs that hold all cards together. `near`: pairs with cards of others."""

    person_id: str
    cards: tuple[str, ...]
    ties: tuple[Tie, ...]
    near: tuple[Tie, ...]


def story(person_id: str, index: pl.DataFrame, pairs: pl.DataFrame, decided: pl.DataFrame, model: Model) -> Story:
    """The story of one person. `index`: `card_key`, `person_id`; `pairs`: `evidence.PAIRS`; `decided`: `review.DECIDED`."""
    cards = tuple(index.filter(pl.col("person_id") == person_id)["card_key"].unique().sort().to_list())
    ours = pl.col("card_key_a").is_in(cards), pl.col("card_key_b").is_in(cards)
    by_hand = {(a, b): (same, told) for a, b, same, _, told in decided.filter(ours[0] | ours[1]).iter_rows() if same is not None}
    known = pairs.filter(ours[0] | ours[1])
    inside = known.filter(ours[0] & ours[1]).filter(pl.col("weight") >= model.merge_bits)
    ties = [_tie(row, person_id, by_hand, "", model) for row in inside.iter_rows(named=True)]
    listed = {(t.card, t.other_card) for t in ties}
    said = [(a, b, told) for (a, b), (same, told) in by_hand.items() if same and a in cards and b in cards and (a, b) not in listed]
    ties += [Tie(pair_id(a, b), a, b, person_id, None, TOLD_SAME, told, ()) for a, b, told in said]
    person_of = dict(
        index.filter(pl.col("card_key").is_in(pl.concat([known["card_key_a"], known["card_key_b"]]).unique().implode()))
        .select("card_key", "person_id")
        .iter_rows()
    )
    near = []
    for row in known.filter(ours[0] ^ ours[1]).iter_rows(named=True):
        kind = GUARDED if row["weight"] >= model.merge_bits else BELOW
        if by_hand.get((row["card_key_a"], row["card_key_b"]), (None, ""))[0] is False:
            kind = TOLD_APART
        other = row["card_key_b"] if row["card_key_a"] in cards else row["card_key_a"]
        near.append(_tie(row, person_of.get(other, ""), by_hand, kind, model))
    near.sort(key=lambda t: (-(t.weight or 0), t.card, t.other_card))
    return Story(person_id, cards, tuple(_fewest(cards, ties)), tuple(near))


def steps_of(row: pl.DataFrame, model: Model) -> tuple[Step, ...]:
    """The waterfall of one row of `evidence.PAIRS`; fields that say nothing are left out."""
    parts = contributions(numbered_levels(row), model)
    return tuple(
        Step(FIELD_WORDS.get(field, field), in_words(field, level) if level else "", bits)
        for field, level, bits in parts.iter_rows()
        if field != "total" and (bits or not level)
    )


def _tie(row: dict[str, object], other_person: str, by_hand: dict[tuple[str, str], tuple[bool, str]], kind: str, model: Model) -> Tie:
    one, other = str(row["card_key_a"]), str(row["card_key_b"])
    frame = pl.DataFrame([row], schema_overrides={"rarity": pl.Int16})
    said = by_hand.get((one, other), (None, ""))[1]
    return Tie(pair_id(one, other), one, other, other_person, float(str(row["weight"])), kind, said, steps_of(frame, model))


def _fewest(cards: tuple[str, ...], ties: list[Tie]) -> list[Tie]:
    """A spanning tree of the heaviest ties, decisions first."""
    group = {card: card for card in cards}

    def head(card: str) -> str:
        while group[card] != card:
            card = group[card]
        return card

    kept = []
    for tie in sorted(ties, key=lambda t: (t.kind != TOLD_SAME, -(t.weight or 0), t.card, t.other_card)):
        one, other = head(tie.card), head(tie.other_card)
        if one != other:
            group[max(one, other)] = min(one, other)
            kept.append(tie)
    return kept
