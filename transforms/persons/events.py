"""What became of persons between two runs, as a journal that an auditor can replay.

The first index is its own journal: `person_since` and `card_since` say that everybody in it was created by that run. From then on every
number that comes to a person or leaves has a row, so `replay(first index, events)` is the index of today; and beside these rows stands
what happened to the persons: created, merged, split, decided. A person of whom nothing changed has no row.
"""

from __future__ import annotations

import polars as pl

from transforms.person_books import EVENTS
from transforms.persons.evidence import told
from transforms.persons.identify import aged
from transforms.persons.review import DECIDED

KINDS = ("decided", "created", "merged", "split", "card_added", "card_removed")
ALONE = "no evidence with any other card"
GONE = "in no register in use any more"
APART = "told apart by a person"
GUARD = "both together would hold what no person can (two verified CCCDs, two sexes and birth years)"
WEAKER = "what joined them no longer reaches the threshold"


def events(
    former: pl.DataFrame | None, index: pl.DataFrame, pairs: pl.DataFrame, decisions: pl.DataFrame | None = None, merge_bits: float = 0.0
) -> pl.DataFrame:
    """`EVENTS` from one index to the next, in the order of `KINDS`, then by person and card. None where there was no index before.

    `pairs`: `evidence.PAIRS` of this run. `decisions`: `review.DECIDED`; `fresh` says which are new since `former`.
    Both indexes may be cut down to the persons of whom something may have changed.
    """
    if former is None:
        return pl.DataFrame(schema=EVENTS)
    before = aged(former).select("card_number", was="person_id", old_key="card_key")
    after = index.select("card_number", "card_key", now="person_id")
    both = before.join(after, on="card_number", how="full", coalesce=True).with_columns(
        pl.coalesce("card_key", "old_key").alias("card_key")
    )
    moved = both.filter(pl.col("was").ne_missing(pl.col("now")))
    if decisions is None:
        decisions = pl.DataFrame(schema=DECIDED)
    if moved.is_empty() and not decisions["fresh"].any():
        return pl.DataFrame(schema=EVENTS)
    known = _known_pairs(both, moved, pairs, decisions)
    rows = [
        _decided(both, decisions),
        _created(moved, before, after, known),
        _merged(both, before, after, known),
        _split(moved, before, known, merge_bits),
        _added(moved, known),
        moved.filter(pl.col("now").is_null()).select("card_number", event=pl.lit("card_removed"), person_id="was", reason=pl.lit(GONE)),
    ]
    order = pl.Enum(KINDS)
    return (
        pl.concat([row.cast({"event": order}) for row in rows], how="diagonal_relaxed")
        .select(*(pl.col(c) if any(c in r.columns for r in rows) else pl.lit(None, t).alias(c) for c, t in EVENTS.items()))
        .sort("event", "person_id", "other_person_id", "card_number", nulls_last=True)
        .cast(EVENTS)  # type: ignore[arg-type]
    )


def replay(index: pl.DataFrame, journal: pl.DataFrame) -> dict[str, str]:
    """`card_number` → `person_id` after the events of `journal` (in order of runs) have happened to `index`."""
    persons = dict(index.select("card_number", "person_id").iter_rows())
    for event, person, number in journal.select("event", "person_id", "card_number").iter_rows():
        if event == "card_added":
            persons[number] = person
        elif event == "card_removed":
            del persons[number]
    return persons


def _known_pairs(both: pl.DataFrame, moved: pl.DataFrame, pairs: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """Pairs that touch a card that moved, in both directions, with the persons of then and now: `key`, `other_key`, `weight`, `reason`,
    `was`, `now`, `other_was`, `other_now`. What a person decided stands in place of the weight of its pair."""
    by_hand = decisions.filter(pl.col("same").is_not_null()).select(
        "card_key_a", "card_key_b", reason=pl.lit("decided: ") + pl.col("told"), by_hand=True, same="same"
    )
    touched = moved["card_key"].unique().implode()
    said = pairs.filter(pl.col("card_key_a").is_in(touched) | pl.col("card_key_b").is_in(touched))
    said = said.select("card_key_a", "card_key_b", "weight", reason=told(), by_hand=False, same=pl.lit(None, pl.Boolean))
    either = pl.concat([said.join(by_hand, on=["card_key_a", "card_key_b"], how="anti"), by_hand], how="diagonal_relaxed")
    either = either.rename({"card_key_a": "key", "card_key_b": "other_key"})
    either = pl.concat([either, either.rename({"key": "other_key", "other_key": "key"}).select(either.columns)])
    persons = both.group_by(key="card_key").agg(pl.col("was").min(), pl.col("now").min())
    others = persons.rename({"key": "other_key", "was": "other_was", "now": "other_now"})
    return (
        either.join(persons, on="key")
        .join(others, on="other_key")
        .sort(["key", "by_hand", "weight", "other_key"], descending=[False, True, True, False], nulls_last=True)
    )


def _loudest(known: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """Of each group of pairs the one that speaks loudest: a decision, else the heaviest, then the smallest cards."""
    return known.sort(
        ["by_hand", "weight", "key", "other_key"], descending=[True, True, False, False], nulls_last=True
    ).unique(by, keep="first", maintain_order=True)  # fmt: skip


def _added(moved: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    joined = known.filter((pl.col("now") == pl.col("other_now")) & (pl.col("same").is_null() | pl.col("same")))
    best = _loudest(joined, ["key"]).select(card_key="key", reason="reason", weight="weight")
    return (
        moved.filter(pl.col("now").is_not_null())
        .join(best, on="card_key", how="left")
        .select(
            "card_number",
            "weight",
            event=pl.lit("card_added"),
            person_id="now",
            other_person_id="was",
            reason=pl.col("reason").fill_null(ALONE),
        )
    )


def _created(moved: pl.DataFrame, before: pl.DataFrame, after: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Ids that are new; `other_person_id`: whence most of the cards came."""
    new = after.select("now").unique().join(before.select(now="was"), on="now", how="anti")
    whence = (
        moved.filter(pl.col("was").is_not_null()).group_by("now", "was").len()
        .sort(["now", "len", "was"], descending=[False, True, False]).unique("now", keep="first", maintain_order=True)
    )  # fmt: skip
    joined = known.filter((pl.col("now") == pl.col("other_now")) & (pl.col("same").is_null() | pl.col("same")))
    best = _loudest(joined, ["now"]).select("now", "reason", "weight")
    return (
        new.join(whence, on="now", how="left")
        .join(best, on="now", how="left")
        .select("weight", event=pl.lit("created"), person_id="now", other_person_id="was", reason=pl.col("reason").fill_null(ALONE))
    )


def _merged(both: pl.DataFrame, before: pl.DataFrame, after: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Ids that retired though some of their cards are still known; `person_id`: where most of these went."""
    gone = before.select("was").unique().join(after.select(was="now"), on="was", how="anti")
    where = (
        both.join(gone, on="was", how="semi").filter(pl.col("now").is_not_null()).group_by("was", "now").len()
        .sort(["was", "len", "now"], descending=[False, True, False]).unique("was", keep="first", maintain_order=True)
    )  # fmt: skip
    across = known.filter((pl.col("now") == pl.col("other_now")) & pl.col("was").ne_missing(pl.col("other_was")))
    best = _loudest(across.filter(pl.col("same").is_null() | pl.col("same")), ["now", "was"]).select("now", "was", "reason", "weight")
    return where.join(best, on=["now", "was"], how="left").select(
        "weight",
        event=pl.lit("merged"),
        person_id="now",
        other_person_id="was",
        reason=pl.col("reason").fill_null("joined through other cards"),
    )


def _split(moved: pl.DataFrame, before: pl.DataFrame, known: pl.DataFrame, merge_bits: float) -> pl.DataFrame:
    """Persons of whom a part is now somebody new; told by the loudest pair between the two parts."""
    parts = (
        moved.filter(pl.col("was").is_not_null() & pl.col("now").is_not_null())
        .select("was", "now")
        .unique()
        .join(before.select(now="was"), on="now", how="anti")
    )
    between = known.filter((pl.col("was") == pl.col("other_was")) & (pl.col("other_now") == pl.col("was")))
    best = _loudest(between, ["was", "now"]).select("was", "now", "weight", "same", said="reason")
    why = (
        pl.when(pl.col("same").eq_missing(False))
        .then(pl.concat_str(pl.lit(APART + ", "), "said"))
        .when(pl.col("weight") >= merge_bits)
        .then(pl.concat_str(pl.lit(GUARD + "; "), "said"))
        .otherwise(pl.concat_str([pl.lit(WEAKER), "said"], separator="; ", ignore_nulls=True))
    )
    return parts.join(best, on=["was", "now"], how="left").select(
        "weight", event=pl.lit("split"), person_id="was", other_person_id="now", reason=why
    )


def _decided(both: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """Decisions that this run is the first to follow (or no longer follows); both persons, null where it is one."""
    persons = both.filter(pl.col("now").is_not_null()).unique("card_number")
    fresh = decisions.filter("fresh")
    for side in ("a", "b"):
        fresh = fresh.join(
            persons.select(pl.col("card_number").alias(f"card_key_{side}"), pl.col("now").alias(side)), on=f"card_key_{side}", how="left"
        )
    return fresh.filter(pl.col("a").is_not_null() & pl.col("b").is_not_null()).select(
        event=pl.lit("decided"), person_id=pl.min_horizontal("a", "b"),
        other_person_id=pl.when(pl.col("a") != pl.col("b")).then(pl.max_horizontal("a", "b")), reason="told",
    )  # fmt: skip
