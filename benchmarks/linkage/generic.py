"""The model of `transforms.persons` on records that are no cards: any fields, told in a small mapping; no labels, no model.

What is the same: chances of coincidence measured on all pairs and then fixed, the third class for another person of the same household
with given names, dates and numbers tied to chance, expectation-maximisation on what the blocks brought, connected components. What differs:
fields and levels are of a few general kinds, and the chance of each very value counts for names of all kinds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import polars_ds as pds

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

RANDOM_PAIRS = 300_000
TIED = 1_000.0  # as many pairs of a household say that given names, dates and numbers agree by chance only
GUESSED = 20.0  # as many matching pairs are as the first guess says
FEWEST_HOMES = 0.01  # pairs of a household for each matching pair; with fewer the class would take the oddest matches for itself
ROUNDS = 200
LEVELS: dict[str, int] = {"name": 4, "text": 3, "digits": 4, "date": 5, "code": 2}
# First guesses of how one person's two records agree; the last level is the rest.
_MATCH = {"name": (0.85, 0.08, 0.03), "text": (0.8, 0.1), "digits": (0.9, 0.05, 0.02), "date": (0.88, 0.02, 0.05, 0.03), "code": (0.95,)}
MERGE_BITS = 1.0


@dataclass(frozen=True)
class Field:
    """`kind`: name (same, close, initial or part of the other, other), text (same, close, other), digits (same, one slip, two, other),
    date (same, day and month swapped, one slip, same year, other), code (same, other). `column`: text, null where unknown.
    `of_household`: people of one household may share it."""

    column: str
    kind: str
    of_household: bool = False


@dataclass(frozen=True)
class Mapped:
    """How a data set is read: its fields, what blocks are made by, and whether records of one source are never one person."""

    fields: tuple[Field, ...]
    blocks: tuple[tuple[pl.Expr, ...], ...]
    between_sources_only: bool = False


def _c(*columns: str) -> tuple[pl.Expr, ...]:
    return tuple(pl.col(c) for c in columns)


_FIRST, _LAST, _STREET = pl.col("first"), pl.col("last"), pl.col("street")
_HEAD, _TAIL = pl.col("birth").str.slice(0, 6), pl.col("birth").str.slice(4)
FEBRL = (
    Field("first", "name"), Field("last", "name", True), Field("number", "digits", True), Field("street", "text", True),
    Field("place", "text", True), Field("suburb", "text", True), Field("postcode", "digits", True), Field("state", "code", True),
    Field("birth", "date"), Field("ssn", "digits"),
)  # fmt: skip
_FEBRL_BLOCKS = (
    _c("ssn"), _c("birth"), _c("first", "last"), _c("number", "street"), _c("suburb", "first"), _c("suburb", "last"),
    _c("postcode", "first"), _c("postcode", "last"), _c("postcode", "street"), _c("postcode", "number"),
    (_FIRST, _HEAD), (_LAST, _HEAD), (_FIRST, _TAIL), (_LAST, _TAIL),
    (pl.col("ssn").str.slice(0, 4),), (pl.col("ssn").str.slice(3),), _c("suburb", "street"), _c("place", "last"), _c("place", "first"),
)  # fmt: skip
_ADDRESS = _c("number", "street")
PEOPLE = Mapped(
    fields=(
        Field("first", "name"), Field("middle", "name"), Field("last", "name", True), Field("birth", "date"), Field("sex", "code"),
        Field("ssn", "digits"), Field("number", "digits", True), Field("street", "text", True), Field("unit", "text", True),
    ),
    blocks=(
        _c("ssn"), _c("birth"), _c("first", "last"), (_FIRST, *_ADDRESS), (_LAST, *_ADDRESS), (*_ADDRESS, pl.col("middle").str.slice(0, 1)),
        (_LAST, _HEAD), (_FIRST, _HEAD), (_FIRST, _TAIL), (_LAST, _TAIL), (_LAST, _FIRST.str.slice(0, 2), pl.col("middle").str.slice(0, 1)),
        (_FIRST, _LAST.str.slice(0, 3), pl.col("middle").str.slice(0, 1)), (_FIRST, _STREET), (_LAST, _STREET, _FIRST.str.slice(0, 1)),
        (_LAST, pl.col("number"), _FIRST.str.slice(0, 1)), (pl.col("ssn").str.slice(0, 7),), (pl.col("ssn").str.slice(4),),
    ),
)  # fmt: skip
SETS: Mapping[str, Mapped] = {
    "febrl1": Mapped(FEBRL, _FEBRL_BLOCKS),
    "febrl2": Mapped(FEBRL, _FEBRL_BLOCKS),
    "febrl3": Mapped(FEBRL, _FEBRL_BLOCKS),
    "febrl4": Mapped(FEBRL, _FEBRL_BLOCKS, between_sources_only=True),
    "pseudopeople": PEOPLE,
}


def pairs_of(records: pl.DataFrame, mapped: Mapped) -> pl.DataFrame:
    """`left` < `right`: rows of `records` that share a block, each pair once, sorted."""
    found = []
    for block in mapped.blocks:
        keys = records.select(row=pl.int_range(pl.len(), dtype=pl.Int64), key=pl.concat_str(*block, separator="|")).drop_nulls()
        found.append(keys.join(keys, on="key").select(left="row", right="row_right").filter(pl.col("left") < pl.col("right")))
    pairs = pl.concat(found).unique().sort("left", "right")
    if mapped.between_sources_only:
        source = records["source"]
        pairs = pairs.filter(source.gather(pairs["left"]) != source.gather(pairs["right"]))
    return pairs


def levels(records: pl.DataFrame, pairs: pl.DataFrame, fields: Sequence[Field]) -> pl.DataFrame:
    """How each pair agrees: a column per field, from 1 (the same) to the last level of its kind; 0 where a side knows nothing."""
    found = []
    for field in fields:
        values = records[field.column]
        both = pl.DataFrame({"a": values.gather(pairs["left"]), "b": values.gather(pairs["right"])})
        found.append(_field_levels(both, field.kind).rename(field.column))
    return _with_swapped_names(records, pairs, pl.DataFrame(found))


def _field_levels(both: pl.DataFrame, kind: str) -> pl.Series:
    a, b = pl.col("a"), pl.col("b")
    compared = both.with_columns(
        slips=pds.str_osa("a", "b", return_sim=False),
        alike=pds.str_jw("a", "b"),
        shorter=pl.min_horizontal(a.str.len_chars(), b.str.len_chars()),
    )
    slips = pl.col("slips")
    close = (pl.col("alike") >= 0.9) | ((slips <= 1) & (pl.col("shorter") >= 4))
    steps = {
        "name": [close, a.str.starts_with(b) | b.str.starts_with(a)],
        "text": [close | (slips <= 2) & (pl.col("shorter") >= 6)],
        "digits": [slips <= 1, slips <= 2],
        "date": [
            (a.str.slice(0, 4) == b.str.slice(0, 4)) & (a.str.slice(4, 2) == b.str.slice(6, 2)) & (a.str.slice(6, 2) == b.str.slice(4, 2)),
            slips <= 1,
            a.str.slice(0, 4) == b.str.slice(0, 4),
        ],
        "code": [],
    }[kind]
    level = pl.when(a.is_null() | b.is_null()).then(0).when(a == b).then(1)
    for place, step in enumerate(steps, 2):
        level = level.when(step).then(place)
    return compared.select(level.otherwise(LEVELS[kind]).cast(pl.Int8).alias("level")).to_series()


def _with_swapped_names(records: pl.DataFrame, pairs: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """First and last name in each other's place count as close."""
    first, last, left, right = records["first"], records["last"], pairs["left"], pairs["right"]
    crossed = ((first.gather(left) == last.gather(right)) & (last.gather(left) == first.gather(right))).fill_null(False)
    swapped = crossed & (found["first"] != 1)
    return found.with_columns(pl.when(swapped).then(pl.lit(2, pl.Int8)).otherwise(pl.col(c)).alias(c) for c in ("first", "last"))


def unrelated(records: pl.DataFrame, fields: Sequence[Field]) -> dict[str, Floats]:
    """P(level | two random records that both know the field): equality by counting values, the other levels by pairs drawn at random."""
    rng = np.random.default_rng(1)
    size = records.height
    drawn = pl.DataFrame({"left": rng.integers(0, size, RANDOM_PAIRS), "right": rng.integers(0, size, RANDOM_PAIRS)})
    seen = levels(records, drawn.filter(pl.col("left") != pl.col("right")), fields)
    found = {}
    for field in fields:
        counts = records[field.column].drop_nulls().value_counts()["count"].cast(pl.Float64)
        total = float(counts.sum())
        same = max(float((counts * (counts - 1)).sum()), 1.0) / (total * (total - 1))
        known = seen[field.column].filter(seen[field.column] > 1).to_numpy()
        rest = np.bincount(known, minlength=LEVELS[field.kind] + 1)[2:] + 0.5
        found[field.column] = np.append(same, (1 - same) * rest / rest.sum())
    return found


def _rarity(records: pl.DataFrame, pairs: pl.DataFrame, fields: Sequence[Field], level: pl.DataFrame, same: Mapping[str, Floats]) -> Floats:
    """log2 of how much commoner than usual the shared values of each pair are, for names that are the same."""
    total = np.zeros(pairs.height)
    for field in fields:
        if field.kind in ("name", "text"):
            values = records[field.column].rename("v").to_frame()
            share = values.with_columns(n=pl.len().over("v"))["n"].to_numpy() / max(values["v"].drop_nulls().len(), 1)
            alike = level[field.column].to_numpy() == 1
            total[alike] += np.log2(share[pairs["left"].to_numpy()[alike]] / same[field.column][0])
    return total


def linked(records: pl.DataFrame, mapped: Mapped, classes: int = 3) -> pl.DataFrame:
    """`left`, `right`, `weight` (bits) of every pair that the blocks brought. `classes`: 2 does without the household."""
    pairs = pairs_of(records, mapped)
    level = levels(records, pairs, mapped.fields)
    chance = unrelated(records, mapped.fields)
    rarity = _rarity(records, pairs, mapped.fields, level, chance)
    n = records.height
    everything = n * (n - 1) / 2 if not mapped.between_sources_only else n * n / 4
    places = {field.column: level[field.column].to_numpy() for field in mapped.fields}
    log_unrelated = np.log2(everything) + rarity + _bits(places, chance)
    match = {f.column: _first_guess(f.kind) for f in mapped.fields}
    home = {f.column: (_first_guess(f.kind) if f.of_household else chance[f.column]) for f in mapped.fields}
    guess = {"match": dict(match), "home": dict(home)}
    size = {"match": n / 2, "home": n / 2 if classes == 3 else 0.0}
    for _ in range(ROUNDS):
        log = {
            "match": np.log2(size["match"]) + _bits(places, match),
            "home": np.log2(max(size["home"], 1e-9)) + _bits(places, home) + _tied_rarity(rarity, classes),
        }
        top = np.maximum(np.maximum(log["match"], log["home"]), log_unrelated)
        odds = {name: np.exp2(bits - top) for name, bits in log.items()}
        whole = odds["match"] + odds["home"] + np.exp2(log_unrelated - top)
        of = {name: value / whole for name, value in odds.items()}
        before = size["match"]
        size = {name: float(value.sum()) for name, value in of.items()}
        for field in mapped.fields:
            c = field.column
            match[c] = _learnt(places[c], of["match"], guess["match"][c], GUESSED)
            home[c] = _learnt(places[c], of["home"], guess["home"][c], GUESSED if field.of_household else TIED)
        if abs(size["match"] - before) < 1e-4 * before:
            break
    if classes == 3 and size["home"] < FEWEST_HOMES * size["match"]:
        return linked(records, mapped, classes=2)  # these data have no households
    against = np.logaddexp2(log_unrelated, log["home"])
    return pairs.with_columns(weight=pl.Series(np.round(log["match"] - against, 3)))


def _tied_rarity(rarity: Floats, classes: int) -> Floats:
    # A household shares its surname and its street whatever they are: only chance is rarer with rare values.
    return np.zeros_like(rarity) if classes == 3 else np.full_like(rarity, -np.inf)


def _first_guess(kind: str) -> Floats:
    told = np.array(_MATCH[kind])
    return np.append(told, 1 - told.sum())


def _bits(places: Mapping[str, Integers], chances: Mapping[str, Floats]) -> Floats:
    total: Any = 0.0
    for column, place in places.items():
        total = total + np.append(0.0, np.log2(chances[column]))[place]
    return np.asarray(total)


def _learnt(place: Integers, weight: Floats, guess: Floats, strength: float) -> Floats:
    counts = np.bincount(place, weight, minlength=len(guess) + 1)[1:] + strength * guess
    return np.asarray(counts / counts.sum())
