"""Which records are worth comparing: pairs that share a key of some rule.

Records lie sorted so that neighbours resemble each other. A rule sorts them by its key (stable), so a block is a run of rows. Each row
is paired with the rows behind it in its run: with all of them in an ordinary block, with the next `WINDOW` in one that is too large.
So the number of pairs is known before any is made, nothing is dropped silently, and equal records stay linked through neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.persons.standardise import Records

BLOCK_LIMIT = 400  # rows; the worst block of one key of a real nation holds a few hundred
WINDOW = 10
PAIRS_PER_RECORD = 8  # of one rule, on average; real registers make about 1, so only degenerate input meets it
PAIRS_ALWAYS = 200_000  # small inputs are never limited by the average

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Rule:
    name: str
    columns: tuple[str, ...]


# The tight set: their union finds 99.3 % of the true pairs of the study, a wider one finds 0.1 % more for four times the pairs.
RULES = (
    Rule("citizen_id", ("citizen",)),
    Rule("old_citizen_id", ("short_citizen",)),
    Rule("social_insurance_number", ("insured",)),
    Rule("name_and_birth_date", ("surname", "given", "birth")),
    Rule("given_name_birth_date_province", ("given", "birth", "province")),
    Rule("birth_date_and_commune", ("birth", "commune")),
    Rule("name_year_province", ("plain", "year", "province")),
    Rule("name_day_month_province", ("plain", "day_month", "province")),
    Rule("name_and_commune", ("plain", "commune")),
    Rule("words_of_name_and_birth_parts", ("ordered", "year", "parts")),
    Rule("household_and_given_name", ("household", "given")),
)


@dataclass(frozen=True)
class Candidates:
    """`pairs`: `left`, `right` (rows of `Records.rows`, left < right), sorted, each once, never two states of one card.
    `counts`: `rule`, `pairs` (of this rule), `new` (not made by an earlier one), `blocks_cut`, `left_out` (pairs)."""

    pairs: pl.DataFrame
    counts: pl.DataFrame


def candidates(records: Records) -> Candidates:
    """Pairs of records that share the key of at least one of `RULES`."""
    keys = _key_columns(records)
    card = records.rows["card"].to_numpy().astype(np.int64)
    size = len(card)
    made: list[Integers] = []
    report = []
    for rule in RULES:
        if rule.name == "social_insurance_number":
            left, right, cut, left_out = _by_either_number(records)
        else:
            left, right, cut, left_out = _pairs_of_key([keys[c] for c in rule.columns], size)
        other_card = card[left] != card[right]
        codes = left[other_card] * size + right[other_card]
        made.append(codes)
        report.append({"rule": rule.name, "pairs": len(codes), "blocks_cut": cut, "left_out": left_out})
    every = pl.concat([pl.DataFrame({"code": codes, "rule": np.full(len(codes), i, np.int8)}) for i, codes in enumerate(made)])
    del made
    first = every.group_by("code").agg(pl.col("rule").min()).sort("code")
    new = first.group_by("rule").agg(new=pl.len()).with_columns(pl.col("rule").cast(pl.Int64))
    counts = (
        pl.DataFrame(report).with_row_index("order").with_columns(pl.col("order").cast(pl.Int64))
        .join(new, left_on="order", right_on="rule", how="left")
        .sort("order")
        .select("rule", "pairs", pl.col("new").fill_null(0).cast(pl.Int64), "blocks_cut", "left_out")
    )  # fmt: skip
    pairs = first.select(left=pl.col("code") // max(size, 1), right=pl.col("code") % max(size, 1))
    return Candidates(pairs.cast(pl.Int32), counts)


def _key_columns(records: Records) -> dict[str, pl.Series]:
    month, day = pl.col("day_month") // 100, pl.col("day_month") % 100
    named = records.names.select(
        name=pl.int_range(pl.len(), dtype=pl.Int32), plain="plain_id", surname="surname_id", given="given_id", ordered="ordered_id"
    )
    rows = records.rows.join(named, on="name", how="left", maintain_order="left").with_columns(
        # A day and a month in either order.
        parts=pl.min_horizontal(month, day) * 100 + pl.max_horizontal(month, day),
        # A date of 1 January says no more than its year.
        birth=pl.when(~pl.col("vague")).then(pl.col("birth")),
        day_month=pl.when(~pl.col("vague")).then(pl.col("day_month")),
    )
    wanted = {column for rule in RULES for column in rule.columns}
    return {column: rows[column] for column in wanted}


def _by_either_number(records: Records) -> tuple[Integers, Integers, int, int]:
    """Pairs by the last ten digits of the card or the number listed beside it, whichever meets whichever."""
    own = records.rows.select(row=pl.int_range(pl.len(), dtype=pl.Int64), number="insured")
    listed = records.rows.select(row=pl.int_range(pl.len(), dtype=pl.Int64), number="insured_too")
    both = pl.concat([own, listed]).drop_nulls().sort("row", "number")
    row = both["row"].to_numpy()
    left, right, cut, left_out = _pairs_of_key([both["number"]], len(own))
    return row[left], row[right], cut, left_out


def _pairs_of_key(columns: Sequence[pl.Series], size: int) -> tuple[Integers, Integers, int, int]:
    """Left and right rows of the pairs, blocks cut down to a window, and pairs left out by that."""
    frame = pl.DataFrame({f"key{i}": column for i, column in enumerate(columns)}).with_row_index("row").drop_nulls()
    names = frame.columns[1:]
    # Rows that share their key with no other are most of them: a hash count is cheaper than sorting them.
    frame = frame.filter(pl.len().over(names) > 1).sort([*names, "row"])
    if frame.is_empty():
        return np.empty(0, np.int64), np.empty(0, np.int64), 0, 0
    block = frame.select(pl.struct(names).rle_id()).to_series().to_numpy()
    starts = np.flatnonzero(np.r_[True, block[1:] != block[:-1]])
    sizes = np.diff(np.r_[starts, len(block)])
    limit = _block_limit(sizes, size)
    behind = np.repeat(starts + sizes, sizes) - np.arange(len(block)) - 1
    partners = np.where(np.repeat(sizes > limit, sizes), np.minimum(behind, WINDOW), behind)
    row = frame["row"].to_numpy().astype(np.int64)
    first = np.repeat(np.arange(len(block)), partners)
    offset = np.arange(len(first)) - np.repeat(np.cumsum(partners) - partners, partners) + 1
    left, right = row[first], row[first + offset]
    return left, right, int((sizes > limit).sum()), int(behind.sum() - partners.sum())


def _block_limit(sizes: Integers, records: int) -> int:
    """The largest block size (at most `BLOCK_LIMIT`) at which the rule stays within its number of pairs."""
    budget = PAIRS_PER_RECORD * records + PAIRS_ALWAYS
    ordered = np.sort(sizes[sizes <= BLOCK_LIMIT])
    total = np.cumsum(ordered * (ordered - 1) // 2)
    within = int(np.searchsorted(total, budget, side="right"))
    if within == len(ordered):
        return BLOCK_LIMIT
    # All blocks of one size are treated alike, whatever their order.
    return max(int(ordered[within]) - 1, WINDOW + 1)
