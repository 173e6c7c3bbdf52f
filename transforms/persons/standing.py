"""The standing index: what a full linkage leaves behind, so that a night may link only what changed.

All of it lies in sorted arrays and frames that can be mapped into memory: looking up a few thousand cards touches a few thousand pages.
Keys are hashes of what rules compare, equal wherever the values are, in whatever register: two different values that share a hash only make
a night look at a card more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.persons.candidates import BLOCK_LIMIT, LISTED, PAIRS_ALWAYS, PAIRS_PER_RECORD, RULES, ascending, distinct, keys_of, named
from transforms.persons.exchange import spans
from transforms.persons.frequencies import Frequencies, with_borne
from transforms.persons.numbers import looks_verified
from transforms.persons.spelling import names
from transforms.persons.standardise import EVIDENCE, SAID, Records, Said, died, in_order, renamed, whole

Array = npt.NDArray[Any]


class Relink(Exception):
    """The night cannot be linked on the standing index; the message says why. All cards must be linked anew."""


@dataclass(frozen=True)
class Standing:
    """Cards are numbered as in `cards`; `rows` and `names` as in `standardise.Records`, rows sorted by card.

    `numbers`: `card_number` (sorted), `card`, `latest` (hash of what its latest row says; null where a card has several numbers).
    `tails`: a sorted array, hash of the last ten characters of a number above, its place in `numbers` below. `said`: what registers said of
    these numbers, as `standardise.Said.rows`, number by number; `said_starts`: first row of each number. `starts`: first of `rows` of each
    card. `keys`: per rule a sorted array, hash of the key above, card below.
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
    said: pl.DataFrame
    said_starts: Array
    tails: Array
    starts: Array
    component: Array
    cluster: Array
    keys: Mapping[int, Array]
    frequencies: Frequencies
    facts: Mapping[str, Any]


def latest_said(cards: pl.LazyFrame) -> pl.DataFrame:
    """`card_number`, `latest`: a hash of what the latest row of each number says. `cards` as for `link`."""
    moment = pl.struct(pl.col("period").cast(pl.Date), pl.col("received_rank"))
    rows = whole(cards).filter(pl.col("card_number").is_not_null()).select("card_number", moment=moment, row=row_hash())
    return rows.group_by("card_number").agg(latest=pl.col("row").sort_by("moment", "row").last()).collect(engine="streaming")


def row_hash() -> pl.Expr:
    """A hash of what a row says of a person."""
    return pl.struct(*EVIDENCE, died()).hash()


def stand(
    records: Records,
    said: Said,
    latest: pl.DataFrame,
    pairs: pl.DataFrame,
    component: Array,
    cluster: Array,
    known: Frequencies,
    facts: Mapping[str, Any],
) -> Standing:
    """The index of a full linkage. `said`: what the records were made of; `latest`: as `latest_said`; `pairs`: `left`, `right` and
    `evidence.PAIRS`."""
    rows = records.rows.sort("card", maintain_order=True)
    card = rows["card"].to_numpy()
    numbers = (
        records.numbers.join(latest, on="card_number", how="left", maintain_order="left")
        .with_columns(latest=pl.when(pl.col("card").is_unique()).then(pl.col("latest")))
        .select("card_number", "card", "latest")
    )  # fmt: skip
    by_number = _by_number(said.rows)
    number = by_number["number"].to_numpy()
    verified = rows.filter(pl.col("citizen").is_not_null() & pl.col("year").is_not_null()).select(looks_verified()).to_series()
    return Standing(
        cards=records.cards,
        numbers=numbers,
        rows=rows,
        names=records.names.select("standard"),
        pairs=pairs,
        set_aside=records.set_aside,
        said=by_number.drop("number"),
        said_starts=np.searchsorted(number, np.arange(numbers.height + 1)),
        tails=_packed(tails_of(numbers["card_number"]), np.arange(numbers.height), numbers.height),
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


def _by_number(rows: pl.DataFrame) -> pl.DataFrame:
    """`Said.rows`, each but for its moment once, in order of the numbers; of one number in any order that is always the same."""
    number = rows["number"].to_numpy()
    several = pl.Series((np.bincount(number) > 1)[number] if len(number) else np.zeros(0, bool))
    what = ["number", "name", *SAID, "died"]
    again = rows.filter(several).group_by(what).agg(pl.col("began").min(), pl.col("moment").max()).sort(*what, nulls_last=True)
    each = pl.concat([rows.filter(~several).select(again.columns), again])
    return each[np.argsort(each["number"].to_numpy(), kind="stable")]


def tails_of(numbers: pl.Series) -> Array:
    """A hash of the last ten characters of each number: those that share it may be one card."""
    return numbers.str.slice(-10).hash().to_numpy()


def bits_for(size: int) -> np.uint64:
    """How many bits the place in a list takes."""
    return np.uint64(max(size.bit_length(), 1))


def _packed(key: Array, place: Array, size: int) -> Array:
    """A sorted array of keys, cut off where the place (in a list of this `size`) stands below."""
    bits = bits_for(size)
    return ascending(key >> bits << bits | place.astype(np.uint64))


def found(packed: Array, size: int, keys: Array) -> tuple[Array, Array, Array]:
    """What lies in a packed array under these keys: the keys as they are cut off, distinct and sorted; how many places each has; the
    places, key by key."""
    bits = bits_for(size)
    key = distinct(keys >> bits << bits)
    start = np.searchsorted(packed, key)
    end = np.searchsorted(packed, key | ((np.uint64(1) << bits) - np.uint64(1)), side="right")
    places = packed[spans(start, end - start)] & ((np.uint64(1) << bits) - np.uint64(1))
    return key, end - start, places.astype(np.int64)


def packed_keys(records: Records, cards: int) -> dict[int, Array]:
    """Per rule a sorted array of the known keys, cut off where the number of the card stands."""
    card = records.rows["card"].to_numpy()
    packed = {}
    for place, key in rule_keys(records):
        known = key > 0
        packed[place] = _packed(key[known], card[known], cards)
    return packed


def places_of(standing: Standing, numbers: pl.Series) -> tuple[Array, Array]:
    """Which of these numbers (distinct) the index knows: their places there, and here."""
    alike = numbers_alike(standing, tails_of(numbers))
    known = pl.DataFrame({"number": standing.numbers["card_number"].gather(alike), "there": alike})
    asked = numbers.rename("number").to_frame().with_row_index("here")
    met = known.join(asked, on="number", maintain_order="left")
    return met["there"].to_numpy(), met["here"].to_numpy()


def numbers_alike(standing: Standing, tails: Array) -> Array:
    """The places of the numbers with these tails (as `tails_of`), and now and then of another, sorted."""
    return np.sort(found(standing.tails, standing.numbers.height, tails)[2])


def numbers_of(standing: Standing, cards: Array) -> pl.DataFrame:
    """`card_number`, `card` of these cards (sorted)."""
    # All numbers of one card have the last ten characters of its key.
    held = standing.numbers.select("card_number", "card")[numbers_alike(standing, tails_of(standing.cards["card_key"].gather(cards)))]
    return held.filter(pl.col("card").is_in(pl.Series(cards, dtype=pl.UInt32).implode()))


def said_before(standing: Standing, numbers: pl.Series) -> Said:
    """What registers had said of these numbers (distinct, sorted) when the index was made."""
    places = np.sort(places_of(standing, numbers)[0])
    starts = standing.said_starts[places]
    sizes = standing.said_starts[places + 1] - starts
    rows = standing.said[spans(starts, sizes)].with_columns(number=np.repeat(np.arange(len(places), dtype=np.uint32), sizes))
    rows, table = _with_own_names(standing, rows)
    return Said(standing.numbers["card_number"].gather(places), table, rows)


def _with_own_names(standing: Standing, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`rows` of the index with `name` as a place in a table of their own names (`spelling.names`), and this."""
    used = rows["name"].drop_nulls().unique().sort()
    spelt = standing.names["standard"].gather(used)
    table = names(spelt)
    rank = pl.Series(np.searchsorted(used.to_numpy(), rows["name"].fill_null(0).to_numpy()).astype(np.uint32))
    rank = rank.set(rows["name"].is_null(), None)
    return renamed(rows.with_columns(name=rank), spelt, table), table


def probes(records: Records) -> list[tuple[int, Array]]:
    """Which array to look into for which keys. A number finds both those who have it and those who list it."""
    keys = dict(rule_keys(records))
    insured = next(i for i, rule in enumerate(RULES) if rule.columns == ("insured",))
    found = [(place, key[key > 0]) for place, key in keys.items()]
    # The keys of one column are hashed alike, whatever the column.
    return [*found, (LISTED, keys[insured][keys[insured] > 0]), (insured, keys[LISTED][keys[LISTED] > 0])]


def partners(standing: Standing, asked: list[tuple[int, Array]], more_than: int) -> tuple[Array, Array]:
    """Cards that share a key with those asked for; and those of them whose block holds `more_than` rows, together with the asked."""
    bits = bits_for(standing.cards.height)

    def of_rule(place: int) -> tuple[Array, Array]:
        keys = np.concatenate([keys for at, keys in asked if at == place])
        key, size, cards = found(standing.keys[place], standing.cards.height, keys)
        asking = np.bincount(np.searchsorted(key, keys >> bits << bits), minlength=len(key))
        return cards, cards[np.repeat(size + asking > more_than, size)]

    none = np.zeros(0, np.int64)
    with ThreadPoolExecutor(2) as pool:
        met, crowds = zip((none, none), *pool.map(of_rule, sorted({place for place, _ in asked})), strict=True)
    return distinct(np.concatenate(met)), distinct(np.concatenate(crowds))


def part(standing: Standing, cards: Array) -> Records:
    """The standing records of some cards (sorted); their `card` is still that of the index."""
    starts = standing.starts[cards]
    rows, table = _with_own_names(standing, standing.rows[spans(starts, standing.starts[cards + 1] - starts)])
    return Records(
        numbers=pl.DataFrame(schema={"card_number": pl.String, "card": pl.UInt32}),
        cards=standing.cards.clear(),
        rows=rows,
        names=table,
        crowded={},
        carriers={},
        set_aside=standing.set_aside.clear(),
    )


def joined(standing: Standing, cards: Array, *others: Records, numbered: bool = True) -> Records:
    """The standing records of `cards` (sorted) and others, as if they had been standardised together. No card is in two of them. Unless
    `numbered`, the numbers of standing cards are left out."""
    old = part(standing, cards)
    held = numbers_of(standing, cards if numbered else cards[:0])
    place = np.searchsorted(cards, old.rows["card"].to_numpy()).astype(np.uint32)
    old = replace(
        old,
        cards=standing.cards[cards],
        rows=old.rows.with_columns(card=pl.Series(place)),
        numbers=held.with_columns(card=pl.Series(np.searchsorted(cards, held["card"].to_numpy()).astype(np.uint32))),
    )
    parts = (old, *others)
    cards_now = pl.concat([of.cards for of in parts]).sort("card_key")
    keys = cards_now["card_key"]
    table = names(pl.concat([of.names["standard"] for of in parts]))
    rows, numbers = [], []
    for of in parts:
        now = keys.search_sorted(of.cards["card_key"]).cast(pl.UInt32)  # where its cards stand
        named_anew = renamed(of.rows, of.names["standard"], table)
        rows.append(named_anew.with_columns(card=now.gather(of.rows["card"])).select(others[0].rows.columns))
        numbers.append(of.numbers.with_columns(card=now.gather(of.numbers["card"])))
    return Records(
        numbers=pl.concat(numbers).sort("card_number"),
        cards=cards_now,
        rows=in_order(pl.concat(rows).sort("card", maintain_order=True)),
        names=with_borne(table, standing.frequencies),
        crowded={},
        carriers={},
        set_aside=standing.set_aside.clear(),
    )
