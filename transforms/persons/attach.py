"""Claims that no identifier leads to a register: whose they most likely are, by the scoring that links cards.

A card number or a citizen id that is in a register decides, and where one does this is not asked (`steps.claim_person`). What is left has
no identifier or a wrong one: name, birth date, sex and residence are compared with the standing index, by its model. What is found says
where to look; money and patients are counted as the contract says, and a claim in no register stays a person of his own there.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from transforms.persons.candidates import BLOCK_LIMIT, distinct
from transforms.persons.evidence import named_levels, told
from transforms.persons.increment import Changed, as_pinned, cards_of, scored_fresh
from transforms.persons.standardise import EVIDENCE, Records, standardise
from transforms.persons.standing import Standing, joined, part, partners, probes, rule_keys
from transforms.persons.weigh import Model

# A wrong person costs more than an open question: from here on one claim in a hundred would go to somebody else.
LEAST_PROBABILITY = 0.99
CONTRADICTED = ("other_verified", "other_short")  # levels of `citizen`: both ids are good, and they are two
LIKELY = {"card_key": pl.String(), "weight": pl.Float64(), "probability": pl.Float64(), "reason": pl.String()}

_CLAIM = "claim "


def attach(claims: pl.DataFrame, persons: pl.DataFrame, standing: Standing, model: Model, since: Changed | None = None) -> pl.DataFrame:
    """The card of the person that each claim most likely belongs to.

    `claims`: one row per claim: any key columns, and those of `standardise.EVIDENCE`; `social_insurance_number` is the last ten digits of
    the listed card. `persons`: `card_number`, `person_id` of the index. `model`: that of the standing index;
    `since`: what registers say otherwise by now.
    Out: the rows of `claims` for which somebody is at least `LEAST_PROBABILITY` likely, in their order, with `LIKELY` in place of the
    evidence: the smallest `card_key` of the pair that speaks loudest, its `weight` in bits, the person's `probability` beside all other
    persons compared and nobody, and the levels of the fields as `reason`. The order of rows plays no part.
    """
    keys = [c for c in claims.columns if c not in EVIDENCE]
    described, found = _described(claims)
    best = _best(described, persons, standing, model, since)
    return found.join(best, on="described", maintain_order="left").select(*keys, *LIKELY)


def keys_of(claims: pl.DataFrame) -> pl.Series:
    """By claim (as for `attach`) the keys, a list of UInt64, under which cards are looked up for it; equal in any register and any night.

    What `attach` finds for a claim stays as it is for as long as no card comes, changes or goes that has one of its keys (`keys_changed`).
    """
    described, found = _described(claims)
    if described.is_empty():
        return pl.Series("keys", [], dtype=pl.List(pl.UInt64))
    records = _records_of(described)
    number = records.cards["card_key"].str.strip_prefix(_CLAIM).cast(pl.UInt32)
    of_row = number.gather(records.rows["card"]).alias("described").to_frame()
    by_rule = [of_row.with_columns(keys=pl.Series(key)).filter(key > 0) for _, key in rule_keys(records)]
    keys = pl.concat(by_rule).group_by("described").agg(pl.col("keys").unique().sort())
    return found.join(keys, on="described", how="left", maintain_order="left")["keys"].fill_null([])


def keys_changed(standing: Standing, since: Changed) -> pl.Series:
    """The keys (as `keys_of`), each once, of all that registers say otherwise than the standing index, and of what they said before."""
    before = part(standing, cards_of(standing, since.touched))
    return pl.Series("keys", distinct(np.concatenate([key for _, key in (*probes(since.records), *probes(before))])))


def _described(claims: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What claims say, each once and numbered (`described`); and the claims with this number."""
    asked = [c for c in EVIDENCE if c in claims.columns]
    described = claims.select(asked).unique().sort(asked, nulls_last=True).with_row_index("described")
    return described, claims.join(described, on=asked, how="left", nulls_equal=True, maintain_order="left")


def _records_of(described: pl.DataFrame) -> Records:
    """Each of `described` as if it were a card, by a number that no card has."""
    nothing = [pl.lit(None, pl.String).alias(c) for c in EVIDENCE if c not in described.columns]
    rows = described.with_columns(
        *nothing, card_number=_CLAIM + pl.col("described").cast(pl.String), period=pl.lit(None, pl.Date), received_rank=pl.lit(0)
    )
    return standardise(rows.drop("described"))


def _best(described: pl.DataFrame, persons: pl.DataFrame, standing: Standing, model: Model, since: Changed | None) -> pl.DataFrame:
    """`described` and `LIKELY`, for those descriptions that somebody is likely enough for."""
    if described.is_empty() or persons.is_empty():
        return pl.DataFrame(schema={"described": pl.UInt32(), **LIKELY})
    of_claims = _records_of(described)
    met, _ = partners(standing, probes(of_claims), BLOCK_LIMIT)
    now = [of_claims]
    if since is not None:
        met = np.setdiff1d(met, cards_of(standing, since.touched), assume_unique=True)
        now.append(since.records)
    now = [replace(records, rows=as_pinned(standing, records.rows)) for records in now]
    records = joined(standing, met, *now, numbered=False)
    of_claim = records.cards["card_key"].str.starts_with(_CLAIM)
    pairs, weighed = scored_fresh(records, of_claim.to_numpy(), model, standing.frequencies)
    left, right = of_claim.gather(pairs["left"]), of_claim.gather(pairs["right"])
    keys = records.cards["card_key"]
    ends = pairs.select(
        "weight",
        "pattern",
        claim=pl.when(left).then("left").otherwise("right"),
        card=pl.when(left).then("right").otherwise("left"),
    ).filter(left != right)  # two claims tell nothing about registers
    by_card = ends.select(
        "weight",
        "pattern",
        described=keys.gather(ends["claim"]).str.strip_prefix(_CLAIM).cast(pl.UInt32),
        card_key=keys.gather(ends["card"]),
    )
    levels = named_levels(weighed).select("pattern", "citizen", reason=told())
    by_card = by_card.join(persons.select("person_id", card_key="card_number"), on="card_key").join(levels, on="pattern")
    loudest = by_card.sort("described", "person_id", "weight", "card_key", descending=[False, False, True, False]).unique(
        ["described", "person_id"], keep="first", maintain_order=True
    )
    likely = loudest.with_columns(
        probability=pl.lit(2.0).pow("weight") / (1 + pl.lit(2.0).pow("weight").sum().over("described")),
    )  # fmt: skip
    # Of all that are asked about at most one can be that likely.
    return likely.filter((pl.col("probability") >= LEAST_PROBABILITY) & ~pl.col("citizen").cast(pl.String).is_in(CONTRADICTED)).select(
        "described", *LIKELY
    )
