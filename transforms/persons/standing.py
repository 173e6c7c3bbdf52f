"""The standing index: what a full linkage leaves behind, so that a night may link only what changed.

All of it lies in sorted arrays and frames that can be mapped into memory: looking up a few thousand cards touches a few thousand pages.
Keys are hashes of what rules compare, equal wherever the values are, in whatever register: two different values that share a hash only make
a night look at a card more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.persons.candidates import BLOCK_LIMIT, LISTED, PAIRS_ALWAYS, PAIRS_PER_RECORD, RULES, keys_of, named
from transforms.persons.frequencies import Frequencies, with_borne
from transforms.persons.numbers import looks_verified
from transforms.persons.spelling import names
from transforms.persons.standardise import EVIDENCE, Records, in_order

Array = npt.NDArray[Any]


class Relink(Exception):
    """The night cannot be linked on the standing index; the message says why. All cards must be linked anew."""


@dataclass(frozen=True)
class Standing:
    """Cards are numbered as in `cards`; `rows` and `names` as in `standardise.Records`, rows sorted by card.

    `numbers`: `card_number`, `card`, `tail` (hash of its last ten characters), `latest` (hash of what its latest row says; null where a
    card has several numbers). `starts`: first row of each card. `keys`: per rule a sorted array, hash of the key above, card below.
    `component`: the smallest card that a card is connected with, the guard left aside; `cluster`: the smallest of its person.
    `pairs`: `left`, `right` (cards) and `evidence.PAIRS`. `set_aside`: `kind`, `number`, `card`, `plain` (hash of the name).
    `facts`: the model (as `model_file.as_text`), how many CCCDs could be and were verified, and what the index was made from.
    """

    cards: pl.DataFrame
    numbers: pl.DataFrame
    rows: pl.DataFrame
    names: pl.DataFrame
    pairs: pl.DataFrame
    set_aside: pl.DataFrame
    starts: Array
    component: Array
    cluster: Array
    keys: Mapping[int, Array]
    frequencies: Frequencies
    facts: Mapping[str, Any]


def latest_said(cards: pl.LazyFrame) -> pl.DataFrame:
    """`card_number`, `latest`: a hash of what the latest row of each number says. `cards` as for `link`."""
    columns = cards.collect_schema().names()
    moment = pl.struct(pl.col("period").cast(pl.Date), pl.col("received_rank"))
    rows = cards.filter(pl.col("card_number").is_not_null()).select("card_number", moment=moment, row=said(columns))
    return rows.group_by("card_number").agg(latest=pl.col("row").sort_by("moment", "row").last()).collect(engine="streaming")


def said(columns: list[str]) -> pl.Expr:
    """A hash of what a row says of a person."""
    return pl.struct(*(c for c in EVIDENCE if c in columns)).hash()


def tail_hash(number: pl.Expr) -> pl.Expr:
    """Numbers whose last ten characters are alike may be one card."""
    return number.str.slice(-10).hash()


def stand(
    records: Records,
    latest: pl.DataFrame,
    pairs: pl.DataFrame,
    component: Array,
    cluster: Array,
    known: Frequencies,
    facts: Mapping[str, Any],
) -> Standing:
    """The index of a full linkage. `latest`: as `latest_said`; `pairs`: `left`, `right` and `evidence.PAIRS`."""
    rows = records.rows.sort("card", maintain_order=True)
    card = rows["card"].to_numpy()
    numbers = (
        records.numbers.join(latest, on="card_number", how="left", maintain_order="left")
        .with_columns(tail=tail_hash(pl.col("card_number")), latest=pl.when(pl.col("card").is_unique()).then(pl.col("latest")))
        .select("card_number", "card", "tail", "latest")
    )  # fmt: skip
    verified = rows.filter(pl.col("citizen").is_not_null() & pl.col("year").is_not_null()).select(looks_verified()).to_series()
    return Standing(
        cards=records.cards,
        numbers=numbers,
        rows=rows,
        names=records.names.select("standard"),
        pairs=pairs,
        set_aside=records.set_aside,
        starts=np.searchsorted(card, np.arange(records.cards.height + 1)),
        component=component.astype(np.uint32),
        cluster=cluster.astype(np.uint32),
        keys=packed_keys(records, records.cards.height),
        frequencies=known,
        facts={**facts, "checkable": verified.len(), "verified": int(verified.sum()), "degenerate": _degenerate(records)},
    )


def _degenerate(records: Records) -> bool:
    """Whether some rule made so many pairs that its blocks were cut below `BLOCK_LIMIT`: that limit may be another after any change."""
    budget = (PAIRS_PER_RECORD * records.rows.height + PAIRS_ALWAYS) // 2
    for _, key in rule_keys(records):
        sizes = np.unique(key[key > 0], return_counts=True)[1]
        sizes = sizes[sizes <= BLOCK_LIMIT].astype(np.int64)
        if int((sizes * (sizes - 1) // 2).sum()) > budget:
            return True
    return False


def rule_keys(records: Records) -> Iterator[tuple[int, Array]]:
    """Each rule (its place) and its key, row by row of `records.rows`; 0: not known. Equal in any register where the values are."""
    plain = records.names.select(pl.col("plain").hash()).to_series().to_numpy()
    table = {**named(records), "plain": np.append(plain, np.uint64(0))}
    for place, rule in enumerate(RULES):
        yield place, keys_of(records.rows, table, rule.columns)


def card_bits(cards: int) -> int:
    return max(cards.bit_length(), 1)


def packed_keys(records: Records, cards: int) -> dict[int, Array]:
    """Per rule a sorted array of the known keys, cut off where the number of the card stands."""
    bits = np.uint64(card_bits(cards))
    card = records.rows["card"].to_numpy().astype(np.uint64)
    packed = {}
    for place, key in rule_keys(records):
        known = key > 0
        array = key[known] >> bits << bits | card[known]
        array.sort()
        packed[place] = array
    return packed


def probes(records: Records) -> list[tuple[int, Array]]:
    """Which array to look into for which keys. A number finds both those who have it and those who list it."""
    keys = dict(rule_keys(records))
    insured = next(i for i, rule in enumerate(RULES) if rule.columns == ("insured",))
    found = [(place, key[key > 0]) for place, key in keys.items()]
    # The keys of one column are hashed alike, whatever the column.
    return [*found, (LISTED, keys[insured][keys[insured] > 0]), (insured, keys[LISTED][keys[LISTED] > 0])]


def partners(standing: Standing, asked: list[tuple[int, Array]], more_than: int) -> tuple[Array, Array]:
    """Cards that share a key with those asked for; and those of them whose block holds `more_than` rows, together with the asked."""
    bits = np.uint64(card_bits(standing.cards.height))
    mask = (np.uint64(1) << bits) - np.uint64(1)
    met, crowds = [np.zeros(0, np.uint64)], [np.zeros(0, np.uint64)]
    for place, keys in asked:
        array = standing.keys[place]
        key, asking = np.unique(keys >> bits, return_counts=True)
        start, end = np.searchsorted(array, key << bits), np.searchsorted(array, (key << bits) | mask, side="right")
        size = end - start
        crowded = size + asking > more_than
        for chosen, into in ((np.ones(len(size), bool), met), (crowded, crowds)):
            total = size[chosen]
            at = np.repeat(start[chosen] - np.append(0, np.cumsum(total)[:-1]), total) + np.arange(int(total.sum()))
            into.append(array[at] & mask)
    return np.unique(np.concatenate(met)), np.unique(np.concatenate(crowds))


def part(standing: Standing, cards: Array) -> Records:
    """The standing records of some cards (sorted); their `card` is still that of the index."""
    starts, ends = standing.starts[cards], standing.starts[cards + 1]
    size = ends - starts
    at = np.repeat(starts - np.append(0, np.cumsum(size)[:-1])[: len(size)], size) + np.arange(int(size.sum()))
    rows = standing.rows[at] if len(at) else standing.rows.clear()
    used = rows["name"].drop_nulls().unique().sort()
    spelt = pl.DataFrame({"name": used, "standard": standing.names["standard"].gather(used)})
    table = names(spelt["standard"])
    return Records(
        numbers=pl.DataFrame(schema={"card_number": pl.String, "card": pl.UInt32}),
        cards=standing.cards.clear(),
        rows=_renamed(rows, spelt, table),
        names=table,
        crowded={},
        carriers={},
        set_aside=standing.set_aside.clear(),
    )


def _renamed(rows: pl.DataFrame, spelt: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """`rows` whose `name` is a place in `table`. `spelt`: `name` (as it was), `standard`."""
    place = spelt.join(table.select("standard").with_row_index("place"), on="standard").select(pl.col("name").cast(pl.Int32), "place")
    order = rows.columns
    moved = rows.join(place, on="name", how="left", maintain_order="left")
    return moved.with_columns(name=pl.col("place").cast(pl.Int32)).select(order)


def joined(standing: Standing, cards: Array, new: Records) -> Records:
    """The standing records of `cards` (sorted) and new ones, as if they had been standardised together."""
    old = part(standing, cards)
    keys = pl.concat([standing.cards[cards], new.cards]).sort("card_key")
    place = keys.with_row_index("place", offset=0)
    table = names(pl.concat([old.names["standard"], new.names["standard"]]))
    of_old = pl.DataFrame({"card": pl.Series(cards, dtype=pl.UInt32), "card_key": standing.cards["card_key"].gather(cards)})
    of_new = new.cards.with_row_index("card").cast({"card": pl.UInt32})
    rows = []
    for records, of in ((old, of_old), (new, of_new)):
        to = of.join(place, on="card_key").select("card", pl.col("place").cast(pl.UInt32))
        renamed = _renamed(records.rows, records.names.select("standard").with_row_index("name").cast({"name": pl.Int32}), table)
        rows.append(renamed.join(to, on="card", maintain_order="left").with_columns(card="place").select(records.rows.columns))
    held = standing.numbers.filter(pl.col("card").is_in(of_old["card"].implode())).select("card_number", "card")
    numbers = pl.concat([
        held.join(of_old.join(place, on="card_key"), on="card").select("card_number", card=pl.col("place").cast(pl.UInt32)),
        new.numbers.join(of_new.join(place, on="card_key"), on="card").select("card_number", card=pl.col("place").cast(pl.UInt32)),
    ]).sort("card_number")  # fmt: skip
    return Records(
        numbers=numbers,
        cards=keys,
        rows=in_order(pl.concat(rows).sort("card", maintain_order=True)),
        names=with_borne(table, standing.frequencies),
        crowded={},
        carriers={},
        set_aside=standing.set_aside.clear(),
    )
