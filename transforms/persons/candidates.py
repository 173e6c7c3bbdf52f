"""Which records are worth comparing: pairs that share the key of some rule.

Records lie sorted so that neighbours resemble each other. A rule brings rows of one key together: a block. In an ordinary block every row
is paired with every row behind it, in one that is too large with the next `WINDOW` rows. So the number of pairs is known before any is
made, nothing is dropped silently, and equal records stay linked through neighbours.

Many pairs are made by several rules; the first one counts. That is decided by looking at the two records alone (`Rule.columns` are equal,
and no block of theirs was cut), so blocks can be worked off in any order, in any number of parts, on any number of machines.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.persons.standardise import Records

BLOCK_LIMIT = 400  # rows; the worst block of one key of a real nation holds a few hundred
WINDOW = 10
PAIRS_PER_RECORD = 20  # of one rule, on average; real registers make up to about 8, so only degenerate input meets it
PAIRS_ALWAYS = 200_000  # small inputs are never limited by the average

Integers = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int32]
Keys = npt.NDArray[np.uint64]


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
    # Last, because a record has two numbers here: whichever meets whichever.
    Rule("listed_social_insurance_number", ("insured_too",)),
)
LISTED = len(RULES) - 1


@dataclass(frozen=True)
class Blocks:
    """The blocks of one rule that hold at least two records.

    `rows` of all blocks, one block after the other, ascending within each; `partners`: how many of the rows behind it in its block each is
    paired with; `hashed`: a hash of its key; `cut`: rows of blocks that were too large; `blocks_cut`, `left_out` (pairs)."""

    rows: Rows
    partners: Rows
    hashed: npt.NDArray[np.uint16]
    cut: npt.NDArray[np.bool_]
    blocks_cut: int
    left_out: int

    @property
    def pairs(self) -> int:
        return int(self.partners.sum(dtype=np.int64))


@dataclass(frozen=True)
class Candidates:
    """`pairs`: `left`, `right` (rows of `Records.rows`, left < right), sorted, each once, never two states of one card.
    `counts`: `rule`, `pairs` (of this rule), `new` (not made by an earlier one), `blocks_cut`, `left_out` (pairs)."""

    pairs: pl.DataFrame
    counts: pl.DataFrame


def plan(records: Records) -> list[Blocks]:
    """The blocks of each of `RULES`: the pairs, counted before they are made."""
    columns = key_columns(records)
    size = records.rows.height

    def of(rule: Rule) -> Blocks:
        if rule is RULES[LISTED]:
            return _blocks_of_listed(columns["insured"], columns["insured_too"], size)
        return _blocks(*mixed([columns[c] for c in rule.columns]), size)

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(of, RULES))


def key_columns(records: Records) -> dict[str, Keys]:
    """The columns that rules speak of, row by row of `records.rows`, as numbers that are equal where the values are; 0: not known."""
    month, day = pl.col("day_month") // 100, pl.col("day_month") % 100
    named = ("plain", "surname", "given", "ordered")
    precise = ~pl.col("vague")
    rows = records.rows.select(
        "citizen", "short_citizen", "insured", "insured_too", "household", "year",
        province=pl.col("province") + 1,
        commune=pl.col("commune") + 1,
        # A date of 1 January says no more than its year.
        birth=pl.when(precise).then(pl.col("birth")),
        day_month=pl.when(precise).then(pl.col("day_month")),
        # A day and a month in either order.
        parts=pl.min_horizontal(month, day) * 100 + pl.max_horizontal(month, day),
    )  # fmt: skip
    columns = {c: rows[c].fill_null(0).cast(pl.UInt64).to_numpy() for c in rows.columns}
    name = records.rows["name"].fill_null(records.names.height).to_numpy()
    for column in named:
        ids = records.names[f"{column}_id"].fill_null(0).to_numpy().astype(np.uint64)
        columns[column] = np.append(ids, np.uint64(0))[name]
    return columns


def mixed(columns: list[Keys]) -> tuple[Keys, npt.NDArray[np.bool_]]:
    """One well-mixed number for the values of several columns, and where all of them are known."""
    key = np.zeros(len(columns[0]), np.uint64)
    known = np.ones(len(key), bool)
    for column in columns:
        key = (key ^ column) * np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(29)
        key *= np.uint64(0xBF58476D1CE4E5B9)
        known &= column > 0
    return key, known


def _blocks(key: Keys, known: npt.NDArray[np.bool_], size: int, rows: Integers | None = None) -> Blocks:
    """Blocks of rows whose `key` is equal. Key and row are sorted as one number, which is several times faster than sorting by the key."""
    bits = np.uint64(max(size.bit_length(), 1))
    row = np.flatnonzero(known) if rows is None else rows[known]
    packed = key[known] >> bits << bits | row.astype(np.uint64)
    packed.sort()
    high = packed >> bits
    same = high[1:] == high[:-1]
    member = np.append(same, False) if len(packed) else np.zeros(0, bool)
    member[1:] |= same
    member_key = high[member]
    starts = np.flatnonzero(np.append(True, member_key[1:] != member_key[:-1])) if len(member_key) else np.zeros(0, np.int64)
    sizes = np.diff(np.append(starts, len(member_key)))
    limit = _block_limit(sizes, size)
    too_large = sizes > limit
    behind = np.repeat(starts + sizes, sizes) - np.arange(len(member_key)) - 1
    cut = np.repeat(too_large, sizes)
    partners = np.where(cut, np.minimum(behind, WINDOW), behind)
    rows_of = (packed[member] & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.int32)
    hashed = (member_key % np.uint64(65_521)).astype(np.uint16)
    return Blocks(rows_of, partners.astype(np.int32), hashed, cut, int(too_large.sum()), int(behind.sum() - partners.sum()))


def _blocks_of_listed(own: Keys, listed: Keys, size: int) -> Blocks:
    """Blocks by the last ten digits of the card and by the number listed beside it. Only numbers that someone lists are looked at."""
    has = np.flatnonzero(listed > 0)
    met = np.flatnonzero(np.isin(own, listed[has]))
    number = np.concatenate([listed[has], own[met]])
    key, known = mixed([number])
    return _blocks(key, known, size, np.concatenate([has, met]))


def _block_limit(sizes: Integers, records: int) -> int:
    """The largest block size (at most `BLOCK_LIMIT`) at which the rule stays within its number of pairs."""
    budget = PAIRS_PER_RECORD * records + PAIRS_ALWAYS
    if not len(sizes) or (int((sizes * (sizes - 1) // 2).sum()) <= budget and sizes.max() <= BLOCK_LIMIT):
        return BLOCK_LIMIT
    ordered = np.sort(sizes[sizes <= BLOCK_LIMIT])
    total = np.cumsum(ordered * (ordered - 1) // 2)
    within = int(np.searchsorted(total, budget, side="right"))
    if within == len(ordered):
        return BLOCK_LIMIT
    # All blocks of one size are treated alike, whatever their order.
    return max(int(ordered[within]) - 1, WINDOW + 1)


def pairs_of(blocks: Blocks, chunk: int = 2_000_000, cut: bool | None = None, part: int = 0, parts: int = 1) -> Iterator[tuple[Rows, Rows]]:
    """Left and right rows (left < right) of the pairs, about `chunk` at a time.

    Of the blocks that were `cut` only, or of the others only; and of one of several parts: whole blocks, by the hash of their key.
    """
    place = np.arange(len(blocks.rows)) if cut is None else np.flatnonzero(blocks.cut == cut)
    if parts > 1:
        place = place[blocks.hashed[place] % parts == part]
    partners = blocks.partners[place].astype(np.int64)
    made = np.cumsum(partners)
    total = int(made[-1]) if len(made) else 0
    if not total:
        return
    ends = np.searchsorted(made, np.arange(chunk, total, chunk), side="left") + 1
    ends = np.append(ends, len(place))
    for start, end in zip(np.append(0, ends[:-1]), ends, strict=True):
        some, at = partners[start:end], place[start:end]
        first = np.repeat(np.arange(len(some), dtype=np.int32), some)
        offset = np.arange(len(first), dtype=np.int64) - np.repeat(np.cumsum(some) - some, some) + 1
        if len(first):
            yield blocks.rows[at[first]], blocks.rows[at[first] + offset]


def candidates(records: Records, blocks: list[Blocks] | None = None) -> Candidates:
    """All pairs of records that share the key of at least one of `RULES`, in memory: for small registers, and as the reference."""
    blocks = blocks or plan(records)
    card = records.rows["card"].to_numpy()
    size = max(len(card), 1)
    frames = []
    for place, found in enumerate(blocks):
        for cut in (False, True):
            for left, right in pairs_of(found, cut=cut):
                other = card[left] != card[right]
                codes = left[other].astype(np.int64) * size + right[other]
                # Whole blocks first: what they make is known without looking at neighbours.
                frames.append(pl.DataFrame({"code": codes, "rank": np.full(len(codes), place + len(RULES) * cut, np.int8)}))
    every = pl.concat([pl.DataFrame(schema={"code": pl.Int64, "rank": pl.Int8}), *frames])
    first = every.group_by("code").agg(pl.col("rank").min()).sort("code")
    pairs = first.select(left=pl.col("code") // size, right=pl.col("code") % size).cast(pl.Int32)
    new = np.bincount(first["rank"].to_numpy() % len(RULES), minlength=len(RULES))
    return Candidates(pairs, counted(blocks, new))


def counted(blocks: list[Blocks], new: Integers) -> pl.DataFrame:
    """`Candidates.counts`. `pairs` may hold two states of one card, `new` does not."""
    return pl.DataFrame(
        {
            "rule": [rule.name for rule in RULES],
            "pairs": [found.pairs for found in blocks],
            "new": new.astype(np.int64),
            "blocks_cut": [found.blocks_cut for found in blocks],
            "left_out": [found.left_out for found in blocks],
        }
    )
