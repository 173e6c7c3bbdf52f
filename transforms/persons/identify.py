"""Clusters of cards → person ids that outlive the run.

An id is minted once, in one run, and never given to others. Who keeps it when cards come together or part is a matter of age:
of several ids the one minted first stays; of the parts of a person the one with most of the cards, then the one with the oldest.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.persons.standardise import Records

BEFORE_ALL_RUNS = 0  # of an index that does not say when
_DIGITS = 15  # hexadecimal, behind the "P"
_FOUR_DIGITS = pl.Series([f"{i:04x}" for i in range(1 << 16)])
_THREE_DIGITS = pl.Series([f"{i:03x}" for i in range(1 << 12)])


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
    anchors = members.select("cluster").unique().sort("cluster")
    kept = _kept(records, cluster_of, former)
    named = anchors.join(kept, on="cluster", how="left", maintain_order="left")
    new = named.filter(pl.col("person_id").is_null())
    taken = [series for series in (None if former is None else former["person_id"], retired) if series is not None]
    minted = _minted(records.cards["card_key"].gather(new["cluster"]), pl.concat(taken).unique() if taken else None)
    named = pl.concat(
        [
            named.filter(pl.col("person_id").is_not_null()),
            new.with_columns(person_id=minted, person_since=pl.lit(run, pl.Int32)),
        ]
    ).sort("cluster")
    place = pl.DataFrame({"cluster": cluster_of}).join(named.with_row_index("place"), on="cluster", how="left", maintain_order="left")
    of_number = place["place"].gather(records.numbers["card"])
    index = pl.DataFrame(
        {
            "card_number": records.numbers["card_number"],
            "card_key": records.cards["card_key"].gather(records.numbers["card"]),
            "person_id": named["person_id"].gather(of_number),
            "person_since": named["person_since"].gather(of_number),
        }
    ).sort("card_number")
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


def _minted(keys: pl.Series, taken: pl.Series | None) -> pl.Series:
    """A new id for each card key: "P" and 15 hexadecimal digits; none twice and none of `taken`."""
    salts = np.zeros(len(keys), np.uint64)
    ids = _hashed(keys, salts)
    while True:
        again = ids.is_duplicated() & ~ids.is_first_distinct()
        if taken is not None and len(taken):
            again |= ids.is_in(taken.implode())
        if not again.any():
            return ids.alias("person_id")
        salts[again.to_numpy()] += np.uint64(1)
        ids = _hashed(keys, salts)


def _hashed(keys: pl.Series, salts: npt.NDArray[np.uint64]) -> pl.Series:
    """15 hexadecimal digits of each key, the same on every machine and with every version of the libraries."""
    frame = keys.rename("key").to_frame().with_columns(
        tail=pl.when(pl.col("key").str.contains(r"^.*\d{10}$")).then(pl.col("key").str.slice(-10)).cast(pl.UInt64),
        head=pl.when(pl.col("key").str.contains(r"^.*\d{10}$"))
        .then(pl.col("key").str.head(-10))
        .otherwise(pl.lit("key ") + pl.col("key")),
    )  # fmt: skip
    heads = frame.select("head").unique()
    digests = [int.from_bytes(blake2b(head.encode(), digest_size=8).digest()) for head in heads["head"]]
    heads = heads.with_columns(digest=pl.Series(digests, dtype=pl.UInt64))
    digest = frame.join(heads, on="head", how="left", maintain_order="left")["digest"].to_numpy()
    tail = frame["tail"].fill_null(0).to_numpy()
    number = _mixed(digest ^ _mixed(tail + (salts << np.uint64(40))))
    parts = [_FOUR_DIGITS.gather((number >> np.uint64(shift)) & np.uint64(0xFFFF)) for shift in (48, 32, 16)]
    parts.append(_THREE_DIGITS.gather((number >> np.uint64(4)) & np.uint64(0xFFF)))
    columns = {f"part{i}": part for i, part in enumerate(parts)}
    return pl.DataFrame(columns).select(pl.concat_str(pl.lit("P"), *columns)).to_series() if len(keys) else pl.Series(dtype=pl.String)


def _mixed(number: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """SplitMix64's finaliser (Steele, Lea, Flood 2014): each bit of the result depends on each of the number."""
    number = (number ^ (number >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    number = (number ^ (number >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: npt.NDArray[np.uint64] = number ^ (number >> np.uint64(31))
    return mixed
