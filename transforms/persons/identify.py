"""Clusters of cards → person ids that outlive the run.

An id is minted once, in one run, and never given to others. Who keeps it when cards come together or part is a matter of age:
of several ids the one minted first stays; of the parts of a person the one with most of the cards, then the one with the oldest.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.persons.numbers import texts
from transforms.persons.standardise import Records

BEFORE_ALL_RUNS = 0  # of an index that does not say when
AT_A_TIME = 1 << 18  # keys whose texts are taken apart together
# The 15 hexadecimal digits of an id: three behind its "P", then four at a time.
_HEXADECIMAL = np.frombuffer(b"0123456789abcdef", np.uint8)
_EACH_DIGIT = np.stack([_HEXADECIMAL[np.arange(16**4) >> bits & 15] for bits in (12, 8, 4, 0)], axis=1)
_THREE_DIGITS = np.where(np.arange(4) == 0, np.uint8(ord("P")), _EACH_DIGIT[: 16**3]).view(np.uint32).ravel()
_FOUR_DIGITS = _EACH_DIGIT.view(np.uint32).ravel()


def identify(
    records: Records, members: pl.DataFrame, former: pl.DataFrame | None, run: int = BEFORE_ALL_RUNS, retired: pl.Series | None = None
) -> pl.DataFrame:
    """`card_number`, `card_key`, `person_id`, `person_since` (the run that minted the id), `card_since` (the run that put the card under
    that id); one row per number as delivered, sorted.

    `members`: `card`, `cluster`, as `cluster.Clusters.members`. `former`: an earlier result. `run`: the running number of this one.
    `retired`: ids that were in use once. A person of `former` lives on in the part that holds most of his cards (then the one that came
    first, then the smallest); where several live on in one, the id that was minted first stays (then that of the smallest card) and the
    others retire. Everyone else gets a new id, a hash of the smallest card key that no id before has been.
    """
    cluster_of = members.sort("card")["cluster"]
    label = cluster_of.to_numpy()
    # A cluster is called after its smallest card.
    anchors = np.flatnonzero(label == np.arange(len(label)))
    place = np.zeros(len(label), np.uint32)
    place[anchors] = np.arange(len(anchors))
    kept = _kept(records, cluster_of, former)
    old = place[kept["cluster"].to_numpy()]
    new = np.ones(len(anchors), bool)
    new[old] = False
    taken = [series for series in (None if former is None else former["person_id"], retired) if series is not None]
    fresh = np.zeros(len(label), bool)
    fresh[anchors[new]] = True
    minted = _minted(records.cards["card_key"].filter(pl.Series(fresh)), taken)
    since = np.full(len(anchors), run, np.int32)
    since[old] = kept["person_since"].to_numpy()
    # Where in the kept ids, and behind them the new ones, the id of each cluster stands.
    at = np.empty(len(anchors), np.uint32)
    at[old] = np.arange(len(old))
    at[new] = np.arange(len(old), len(anchors))
    of_number = place[label[records.numbers["card"].to_numpy()]]
    # Where no card has two numbers, each is called by its only one.
    own = records.numbers["card_number"].alias("card_key")
    index = pl.DataFrame(
        {
            "card_number": records.numbers["card_number"],
            "card_key": own if own.len() == records.cards.height else records.cards["card_key"].gather(records.numbers["card"]),
            "person_id": pl.concat([kept["person_id"], minted]).gather(at[of_number]).alias("person_id"),
            "person_since": since[of_number],
        }
    )
    if not records.numbers["card_number"].is_sorted():
        index = index.sort("card_number")
    return index.with_columns(card_since=_since(index, former, run))


def aged(index: pl.DataFrame) -> pl.DataFrame:
    """An index with all columns that `identify` gives: one that does not say since when is older than all runs."""
    told = [pl.lit(BEFORE_ALL_RUNS, pl.Int32).alias(c) for c in ("person_since", "card_since") if c not in index.columns]
    return index.with_columns(told)


def _kept(records: Records, cluster_of: pl.Series, former: pl.DataFrame | None) -> pl.DataFrame:
    """`cluster`, `person_id`, `person_since`: the ids that live on."""
    if former is None or former.is_empty():
        return pl.DataFrame(schema={"cluster": cluster_of.dtype, "person_id": pl.String, "person_since": pl.Int32})
    known = (
        aged(former)
        .join(records.numbers, on="card_number")
        .group_by("person_id", "card")
        .agg(pl.col("person_since", "card_since").min())
        .with_columns(cluster=pl.lit(0, cluster_of.dtype))
    )
    known = known.with_columns(cluster=cluster_of.gather(known["card"]))
    parts = known.group_by("person_id", "cluster").agg(
        cards=pl.len(), oldest=pl.col("card_since").min(), smallest=pl.col("card").min(), person_since=pl.col("person_since").min()
    )
    whole = parts.filter(pl.col("person_id").is_unique() & pl.col("cluster").is_unique())
    # Only what came together or parted needs an order: hardly anyone.
    moved = (
        parts.filter(~(pl.col("person_id").is_unique() & pl.col("cluster").is_unique()))
        .sort(["person_id", "cards", "oldest", "smallest"], descending=[False, True, False, False])
        .unique("person_id", keep="first", maintain_order=True)
        .sort("cluster", "person_since", "smallest", "person_id")
        .unique("cluster", keep="first", maintain_order=True)
    )
    return pl.concat([whole, moved]).select("cluster", "person_id", "person_since").sort("cluster")


def _since(index: pl.DataFrame, former: pl.DataFrame | None, run: int) -> pl.Series:
    """Since which run each number of `index` has been under its id."""
    if former is None or former.is_empty():
        return pl.repeat(run, index.height, dtype=pl.Int32, eager=True)
    before = aged(former).select("card_number", "person_id", since="card_since")
    return index.join(before, on=["card_number", "person_id"], how="left", maintain_order="left")["since"].fill_null(run).cast(pl.Int32)


def _minted(keys: pl.Series, taken: list[pl.Series]) -> pl.Series:
    """A new id for each card key: "P" and 15 hexadecimal digits; none twice and none of `taken`."""
    if not len(keys):
        return pl.Series("person_id", [], dtype=pl.String)
    salts = np.zeros(len(keys), np.uint64)
    ids = np.empty(len(keys), np.uint64)

    def hashed(start: int) -> None:
        some = slice(start, start + AT_A_TIME)
        ids[some] = _hashed(keys[some], salts[some])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(hashed, range(0, len(keys), AT_A_TIME)))
    while True:
        written, again = _written(ids), np.zeros(len(ids), bool)
        ascending = pl.Series(ids).sort().to_numpy()
        if (ascending[1:] == ascending[:-1]).any():
            # Of two keys with one id the later one tries again.
            order = np.argsort(ids, kind="stable")
            again[order[1:]] = ids[order[1:]] == ids[order[:-1]]
        for others in taken:
            met = others.filter(others.is_in(written.implode()))
            again |= written.is_in(met.implode()).to_numpy()
        if not again.any():
            return written
        salts[again] += np.uint64(1)
        ids[again] = _hashed(keys.filter(pl.Series(again)), salts[again])


def _halves(keys: pl.Series) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Of each key a hash of what stands before its last ten digits, and these; of other keys a hash of all, and 0."""
    tail = keys.str.tail(10)
    digits = (tail.str.len_bytes() == 10) & ~tail.str.starts_with("+")
    number = pl.select(pl.when(digits).then(tail.cast(pl.UInt64, strict=False))).to_series()
    head = pl.select(pl.when(number.is_not_null()).then(keys.str.head(-10)).otherwise(pl.lit("key ") + keys)).to_series()
    distinct = head.unique()
    # A hash that is the same on every machine and with every version of the libraries.
    digests = [int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) for text in distinct]
    digest = head.replace_strict(distinct, pl.Series(digests, dtype=pl.UInt64), return_dtype=pl.UInt64)
    return digest.to_numpy(), number.fill_null(0).to_numpy()


def _hashed(keys: pl.Series, salts: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """60 bits of each key."""
    heads, tails = _halves(keys)
    ids: npt.NDArray[np.uint64] = _mixed(heads ^ _mixed(tails + (salts << np.uint64(40)))) >> np.uint64(4)
    return ids


def _written(ids: npt.NDArray[np.uint64]) -> pl.Series:
    """Numbers of 60 bits as ids."""
    text = np.empty((len(ids), 4), np.uint32)

    def write(start: int) -> None:
        number, of = ids[start : start + AT_A_TIME], text[start : start + AT_A_TIME]
        of[:, 0] = _THREE_DIGITS[number >> np.uint64(48)]
        for place in range(1, 4):
            of[:, place] = _FOUR_DIGITS[(number >> np.uint64(48 - 16 * place)) & np.uint64(0xFFFF)]

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, range(0, len(ids), AT_A_TIME)))
    ends = np.arange(len(ids) + 1, dtype=np.int64) * text.itemsize * 4
    return texts("person_id", ends, text.view(np.uint8))


def _mixed(number: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """SplitMix64's finaliser (Steele, Lea, Flood 2014): each bit of the result depends on each of the number."""
    number = (number ^ (number >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    number = (number ^ (number >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: npt.NDArray[np.uint64] = number ^ (number >> np.uint64(31))
    return mixed
