"""Clusters of cards → person ids that outlive the run."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import polars as pl

from transforms.persons.standardise import Records


def identify(records: Records, members: pl.DataFrame, former: pl.DataFrame | None) -> pl.DataFrame:
    """`card_number`, `card_key`, `person_id`, one row per number as delivered, sorted.

    A new id is a hash of the person's smallest card key. With `former` (an earlier result) ids stay: a person of then is now whoever
    holds the smallest card of then that is still known; where several of then are one now, the smallest of those cards decides and the
    other ids retire; the parts of a split that do not hold it are new persons. An id in use is never given to another.
    """
    anchors = members.select("cluster").unique().sort("cluster")
    anchors = anchors.with_columns(key=records.cards["card_key"].gather(anchors["cluster"]))
    if former is None or former.is_empty():
        named = anchors.with_columns(person_id=pl.Series(_minted(anchors["key"], frozenset()), dtype=pl.String))
    else:
        kept = (
            former.select("card_number", "person_id")
            .join(records.numbers, on="card_number")
            .group_by("person_id")
            .agg(pl.col("card").min())
            .join(members, on="card")
            .sort("cluster", "card", "person_id")
            .unique("cluster", keep="first", maintain_order=True)
            .select("cluster", "person_id")
        )
        anchors = anchors.join(kept, on="cluster", how="left", maintain_order="left")
        new = anchors.filter(pl.col("person_id").is_null())
        minted = _minted(new["key"], frozenset(former["person_id"].unique().to_list()))
        named = pl.concat(
            [
                anchors.filter(pl.col("person_id").is_not_null()),
                new.with_columns(person_id=pl.Series(minted, dtype=pl.String)),
            ]
        )
    card_persons = members.join(named.select("cluster", "person_id"), on="cluster", maintain_order="left")
    cards = card_persons.select("card", "person_id", card_key=records.cards["card_key"].gather(card_persons["card"]))
    return records.numbers.join(cards, on="card").select("card_number", "card_key", "person_id").sort("card_number")


def _minted(keys: Iterable[str], taken: frozenset[str]) -> list[str]:
    """A new id for each card key: "P" and 15 hexadecimal digits."""
    ids = ["P" + blake2b(key.encode(), digest_size=8).hexdigest()[:15] for key in keys]
    if taken.isdisjoint(ids):
        return ids
    return [_untaken(key, minted, taken) for key, minted in zip(keys, ids, strict=True)]


def _untaken(key: str, minted: str, taken: frozenset[str]) -> str:
    attempt = 0
    while minted in taken:
        attempt += 1
        minted = "P" + blake2b(f"{key}#{attempt}".encode(), digest_size=8).hexdigest()[:15]
    return minted
