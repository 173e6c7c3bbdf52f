"""What people decide about pairs of cards: the queue, the decisions in force, and their places in it.

A decision is never changed: a later one of the same pair replaces it, `undo` takes it back. All of them are replayed by every run.
"""

from __future__ import annotations

from hashlib import blake2b

import polars as pl

from transforms.persons.compare import FIELDS

SAME, DIFFERENT, UNDO = "same", "different", "undo"
DECIDED: dict[str, pl.DataType] = {
    "card_key_a": pl.String(),
    "card_key_b": pl.String(),
    "same": pl.Boolean(),  # null: taken back
    "fresh": pl.Boolean(),
    "told": pl.String(),
}
_PAIR_BYTES = 6  # of 2 million pairs of a nation's queue two share an id about once in 140 queues


def pair_id(one: str, other: str) -> str:
    """Twelve hexadecimal digits: the same for a pair of cards whichever comes first, in every run."""
    return blake2b("\0".join(sorted((one, other))).encode(), digest_size=_PAIR_BYTES).hexdigest()


def with_pair_ids(pairs: pl.DataFrame) -> pl.DataFrame:
    """`pairs` (`card_key_a`, `card_key_b`, …) with `pair` in front."""
    ids = [pair_id(a, b) for a, b in pairs.select("card_key_a", "card_key_b").iter_rows()]
    return pairs.select(pl.Series("pair", ids, dtype=pl.String), pl.all())


def latest(book: pl.DataFrame) -> pl.DataFrame:
    """Of each pair the decision that counts now, also one that takes back; in the order in which they were made.

    `book`: `person_books.DECISIONS` and `run_id`, in order of the runs.
    """
    return book.unique(["card_key_a", "card_key_b"], keep="last", maintain_order=True)


def in_force(book: pl.DataFrame, followed_until: str = "") -> pl.DataFrame:
    """`DECIDED`, one row per pair that was ever decided. `followed_until`: the run whose index follows all decisions up to then."""
    told = pl.format("pair {}: {}, by {}: {}", "pair", "decision", "decided_by", "why")
    return latest(book).select(
        "card_key_a",
        "card_key_b",
        same=pl.when(pl.col("decision") != UNDO).then(pl.col("decision") == SAME),
        fresh=pl.col("run_id") > followed_until,
        told=told,
    )


def queue(pairs: pl.DataFrame, persons: pl.DataFrame, decided: pl.DataFrame, worth: pl.DataFrame, merge_bits: float) -> pl.DataFrame:
    """Pairs of cards of two persons that a person should look at, worst value first.

    Out: `evidence.PAIRS`, and `person_a`, `person_b`, `both_active`, `fund_paid` (đồng of the claims on both cards together; 0 where one
    of them has none), `refused` (heavy enough, but the guard keeps them apart).
    `persons`: `card_key`, `person_id`. `decided`: pairs already decided are left out. `worth`: `card_key`, `is_active`, `fund_paid`.

    The order: pairs whose cards are both in use, then the money paid on both, then the weight closest to even odds (0 bits), where a look
    tells most; then the cards.
    """
    sides = pairs.join(decided.filter(pl.col("same").is_not_null()), on=["card_key_a", "card_key_b"], how="anti")
    for side in ("a", "b"):
        of_side = persons.select(pl.col("card_key").alias(f"card_key_{side}"), pl.col("person_id").alias(f"person_{side}")).unique()
        value = worth.select(
            pl.col("card_key").alias(f"card_key_{side}"),
            pl.col("is_active").alias(f"active_{side}"),
            pl.col("fund_paid").alias(f"paid_{side}"),
        )
        sides = sides.join(of_side, on=f"card_key_{side}").join(value, on=f"card_key_{side}", how="left")
    paid_a, paid_b = pl.col("paid_a").fill_null(0), pl.col("paid_b").fill_null(0)
    return (
        sides.filter(pl.col("person_a") != pl.col("person_b"))
        .with_columns(
            both_active=pl.col("active_a").fill_null(False) & pl.col("active_b").fill_null(False),
            fund_paid=pl.when((paid_a > 0) & (paid_b > 0)).then(paid_a + paid_b).otherwise(0),
            refused=pl.col("weight") >= merge_bits,
            from_even=pl.col("weight").abs(),
        )
        .sort(["both_active", "fund_paid", "from_even", "card_key_a", "card_key_b"], descending=[True, True, False, False, False])
        .select("card_key_a", "card_key_b", "weight", *FIELDS, "rarity", "person_a", "person_b", "both_active", "fund_paid", "refused")
    )
