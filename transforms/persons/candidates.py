"""Which records are worth comparing: pairs that share the key of some rule.

Records lie sorted so that neighbours resemble each other. A rule brings rows of one key together: a block. In an ordinary block every row
is paired with every row behind it, in one that is too large with the next `WINDOW` rows. So the number of pairs is known before any is
made, nothing is dropped silently, and equal records stay linked through neighbours.

Many pairs are made by several rules; the first one counts. That is decided by looking at the two records alone (`Rule.columns` are equal,
and no block of theirs was cut), so blocks can be worked off in any order, in any number of parts, on any number of machines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.persons.exchange import spans
from transforms.persons.standardise import Records

BLOCK_LIMIT = 400  # rows; the worst block of one key of a real nation holds a few hundred
WINDOW = 10
PAIRS_PER_RECORD = 20  # of one rule, on average; real registers make up to about 8, so only degenerate input meets it
PAIRS_ALWAYS = 200_000  # small inputs are never limited by the average
AT_A_TIME = 1 << 16  # rows whose keys are made together

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
    Rule("surname_given_name_year_commune", ("surname", "given", "year", "commune")),
    Rule("words_of_name_and_birth_parts", ("ordered", "year", "parts")),
    Rule("household_and_given_name", ("household", "given")),
    # Last, because a record has two numbers here: whichever meets whichever.
    Rule("listed_social_insurance_number", ("insured_too",)),
)
LISTED = len(RULES) - 1


@dataclass(frozen=True)
class Blocks:
    """The blocks of one rule that hold at least two records.

    `rows` of all blocks, one block after the other, ascending within each. Block by block: `starts` (where its rows begin), `sizes`,
    `hashed` (a hash of its key), `cut` (it was too large). `left_out`: pairs."""

    rows: Rows
    starts: Rows
    sizes: Rows
    hashed: npt.NDArray[np.uint16]
    cut: npt.NDArray[np.bool_]
    left_out: int

    @property
    def blocks_cut(self) -> int:
        return int(self.cut.sum())

    @property
    def pairs(self) -> int:
        return int(pairs_in(self.sizes, self.cut).sum())

    @property
    def rows_cut(self) -> Rows:
        """Rows of the blocks that were too large."""
        return self.rows[np.repeat(self.cut, self.sizes)]


def pairs_in(sizes: npt.NDArray[Any], cut: npt.NDArray[np.bool_]) -> Integers:
    """How many pairs each block makes."""
    size = sizes.astype(np.int64)
    whole = size * (size - 1) // 2
    windows = np.where(size > WINDOW, WINDOW * (size - WINDOW) + WINDOW * (WINDOW - 1) // 2, whole)
    return np.where(cut, windows, whole)


@dataclass(frozen=True)
class Candidates:
    """`pairs`: `left`, `right` (rows of `Records.rows`, left < right), sorted, each once, never two states of one card.
    `counts`: `rule`, `pairs` (of this rule), `new` (not made by an earlier one), `blocks_cut`, `left_out` (pairs)."""

    pairs: pl.DataFrame
    counts: pl.DataFrame


def plan(records: Records, bounded: bool = True) -> list[Blocks]:
    """The blocks of each of `RULES`: the pairs, counted before they are made. `bounded`: by `PAIRS_PER_RECORD` too, not only by
    `BLOCK_LIMIT`."""
    table = named(records)

    def of(rule: Rule) -> Blocks:
        if rule is RULES[LISTED]:
            return _blocks_of_listed(records, table, bounded)
        return _blocks(keys_of(records.rows, table, rule.columns), records.rows.height, None, bounded)

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(of, RULES))


def named(records: Records) -> dict[str, npt.NDArray[np.uint32]]:
    """The parts of names that rules speak of, row by row of `records.names`, and a 0 for who has none."""
    return {c: np.append(records.names[f"{c}_id"].fill_null(0).to_numpy(), np.uint32(0)) for c in ("plain", "surname", "given", "ordered")}


def values(rows: pl.DataFrame, table: Mapping[str, npt.NDArray[Any]], column: str) -> npt.NDArray[Any]:
    """A column that rules speak of, as numbers that are equal where the values are; 0: not known. `table`: as `named`."""
    if column in table:
        of = table[column]
        return np.take(of, rows["name"].fill_null(len(of) - 1).to_numpy())
    month, day = pl.col("day_month") // 100, pl.col("day_month") % 100
    said = {
        "province": pl.col("province") + 1,
        "commune": pl.col("commune") + 1,
        # A date of 1 January says no more than its year.
        "birth": pl.when(~pl.col("vague")).then(pl.col("birth")),
        "day_month": pl.when(~pl.col("vague")).then(pl.col("day_month")),
        # A day and a month in either order.
        "parts": pl.min_horizontal(month, day) * 100 + pl.max_horizontal(month, day),
    }
    found: npt.NDArray[Any] = rows.select(said.get(column, pl.col(column)).fill_null(0)).to_series().to_numpy()
    return found


def keys_of(rows: pl.DataFrame, table: Mapping[str, npt.NDArray[Any]], columns: Sequence[str]) -> Keys:
    """One well-mixed number for what each row has in these columns; 0 where one of them is not known."""
    keys = np.empty(rows.height, np.uint64)
    compared = [values(rows, table, column) for column in columns]
    # As many rows at a time as the processor has at hand.
    for start in range(0, rows.height, AT_A_TIME):
        key, known = mixed([of[start : start + AT_A_TIME] for of in compared])
        np.maximum(key, np.uint64(1), out=key)
        np.multiply(key, known, out=keys[start : start + AT_A_TIME])
    return keys


def mixed(columns: list[npt.NDArray[Any]]) -> tuple[Keys, npt.NDArray[np.bool_]]:
    """One well-mixed number for the values of several columns, and where all of them are known."""
    key = np.zeros(len(columns[0]), np.uint64)
    known = np.ones(len(key), bool)
    for column in columns:
        key ^= column.astype(np.uint64)
        key *= np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(29)
        key *= np.uint64(0xBF58476D1CE4E5B9)
        known &= column > 0
    return key, known


def _blocks(key: Keys, size: int, rows: Integers | None, bounded: bool) -> Blocks:
    """Blocks of rows whose `key` is equal. Key and row are sorted as one number, which is several times faster than sorting by the key."""
    bits = np.uint64(max(size.bit_length(), 1))
    known = np.flatnonzero(key)
    packed = key[known]
    packed >>= bits
    packed <<= bits
    packed |= (known if rows is None else rows[known]).view(np.uint64)
    packed = ascending(packed)
    # Each place whose key is also that of the next; where one of these does not follow another, a block begins.
    alike = np.flatnonzero(packed[1:] ^ packed[:-1] < np.uint64(1) << bits)
    first = np.append(True, alike[1:] != alike[:-1] + 1)[: len(alike)]
    begins = np.flatnonzero(first)
    sizes = np.diff(np.append(begins, len(alike))) + 1
    starts = begins + np.arange(len(begins))
    members = np.empty(len(alike) + len(begins), np.int64)
    behind = np.arange(len(alike)) + np.cumsum(first)
    members[behind] = alike + 1
    members[starts] = alike[begins]
    packed = packed[members]
    cut = sizes > (_block_limit(sizes, size) if bounded else BLOCK_LIMIT)
    left_out = pairs_in(sizes[cut], np.zeros(int(cut.sum()), bool)).sum() - pairs_in(sizes[cut], cut[cut]).sum()
    hashed = ((packed[starts] >> bits) % np.uint64(65_521)).astype(np.uint16)
    rows_of = packed.astype(np.uint32)
    rows_of &= np.uint32((1 << int(bits)) - 1)
    return Blocks(rows_of.view(np.int32), starts.astype(np.int32), sizes.astype(np.int32), hashed, cut, int(left_out))


def ascending(numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The numbers, sorted; Polars does it three to four times as fast as numpy."""
    return pl.Series(numbers).sort(multithreaded=False).to_numpy()


def distinct(numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """`np.unique`, many times faster where most numbers differ."""
    ordered = ascending(numbers)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered


def _blocks_of_listed(records: Records, table: Mapping[str, npt.NDArray[Any]], bounded: bool) -> Blocks:
    """Blocks by the last ten digits of the card and by the number listed beside it. Only numbers that someone lists are looked at."""
    listed, own = (values(records.rows, table, column) for column in ("insured_too", "insured"))
    has = np.flatnonzero(listed)
    # Most numbers that nobody lists are told by their last bits.
    ends = np.zeros(1 << 20, bool)
    ends[listed[has] % len(ends)] = True
    perhaps = np.flatnonzero(ends[own % len(ends)])
    met = perhaps[np.isin(own[perhaps], listed[has])]
    key, known = mixed([np.concatenate([listed[has], own[met]])])
    return _blocks(np.where(known, key, np.uint64(0)), records.rows.height, np.concatenate([has, met]), bounded)


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
    for block in some_of(blocks, chunk, cut, part, parts):
        yield from _pairs_of_some(blocks, block, chunk)


def some_of(blocks: Blocks, chunk: int, cut: bool | None = None, part: int = 0, parts: int = 1) -> Iterator[Integers]:
    """The blocks whose pairs `pairs_of` makes, by their places, so many at a time that they make about `chunk` pairs."""
    chosen = np.ones(len(blocks.sizes), bool) if cut is None else blocks.cut == cut
    if parts > 1:
        chosen &= blocks.hashed % parts == part
    block = np.flatnonzero(chosen)
    made = np.cumsum(pairs_in(blocks.sizes[block], blocks.cut[block]))
    total = int(made[-1]) if len(made) else 0
    ends = np.append(np.searchsorted(made, np.arange(chunk, total, chunk), side="left") + 1, len(block))
    for start, end in zip(np.append(0, ends[:-1]), ends, strict=True):
        if end > start:
            yield block[start:end]


def _pairs_of_some(blocks: Blocks, block: Integers, chunk: int) -> Iterator[tuple[Rows, Rows]]:
    """The pairs of these blocks; a block that was cut may be larger than a chunk."""
    sizes = blocks.sizes[block].astype(np.int64)
    first = np.repeat(np.cumsum(sizes) - sizes, sizes)
    place = np.arange(len(first)) - first
    behind = np.repeat(sizes, sizes) - place - 1
    partners = np.where(np.repeat(blocks.cut[block], sizes), np.minimum(behind, WINDOW), behind)
    place += np.repeat(blocks.starts[block], sizes)
    made = np.cumsum(partners)
    total = int(made[-1]) if len(made) else 0
    ends = np.append(np.searchsorted(made, np.arange(2 * chunk, total, 2 * chunk), side="left") + 1, len(place))
    for start, end in zip(np.append(0, ends[:-1]), ends, strict=True):
        some, at = partners[start:end], place[start:end]
        left = np.repeat(at, some)
        right = left + np.arange(len(left)) - np.repeat(np.cumsum(some) - some, some) + 1
        if len(left):
            yield blocks.rows[left], blocks.rows[right]


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


def candidates_of(records: Records, fresh: npt.NDArray[np.bool_]) -> pl.DataFrame:
    """`Candidates.pairs` of which one is a `fresh` row (by row). `records` hold part of the cards, but all that share a key with these, of
    whom no rule makes too many pairs: blocks are cut by `BLOCK_LIMIT` only."""
    card = records.rows["card"].to_numpy()
    size = max(len(card), 1)
    codes = [np.zeros(0, np.int64)]
    for blocks in plan(records, bounded=False):
        of_block = np.repeat(np.arange(len(blocks.sizes)), blocks.sizes)
        mine = np.flatnonzero(fresh[blocks.rows])
        # In whole blocks each fresh row with all others; of those that were cut, all pairs if there is a fresh row.
        one = mine[~blocks.cut[of_block[mine]]]
        met = blocks.sizes[of_block[one]]
        other = blocks.rows[spans(blocks.starts[of_block[one]], met)]
        cut = np.unique(of_block[mine[blocks.cut[of_block[mine]]]])
        for left, right in chain([(np.repeat(blocks.rows[one], met), other)], _pairs_of_some(blocks, cut, 2_000_000)):
            wanted = (card[left] != card[right]) & (fresh[left] | fresh[right])
            codes.append(np.minimum(left, right)[wanted].astype(np.int64) * size + np.maximum(left, right)[wanted])
    code = distinct(np.concatenate(codes))
    return pl.DataFrame({"left": (code // size).astype(np.int32), "right": (code % size).astype(np.int32)})


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
