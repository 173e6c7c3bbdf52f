"""Blocks of records → the pairs worth keeping, and how often each pattern of agreement occurs.

Small registers take the way of `candidates` and `compare`, whole frames at a time; large ones the compiled kernel, part by part, so that
memory holds the records and the pairs that are kept, never all pairs. Both give the same (tests/property/test_kernel.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.persons.candidates import LISTED, RULES, Blocks, candidates, counted, pairs_of, plan, some_of
from transforms.persons.compare import RARITIES, Chances, compare, compare_texts, pattern_frame
from transforms.persons.standardise import Records
from transforms.persons.weigh import Model, weigh

Array = npt.NDArray[Any]

KERNEL_FROM = 2_000_000  # pairs: below, loading the kernel takes longer than it saves
CHUNK = 500_000  # pairs compared at a time by a worker
WORKERS = 2

_Compared = tuple[int, int, list[tuple[Array, Array, Array]]]  # rule, pairs that count for it, those worth keeping


@dataclass(frozen=True)
class Scored:
    """`pairs`: `left`, `right` (rows of `Records.rows`), `pattern`, of at least the bits asked for; sorted.
    `patterns`: as `compare.Compared.patterns`, with `weight` where a model was given. `counts`: as `candidates.Candidates.counts`."""

    pairs: pl.DataFrame
    patterns: pl.DataFrame
    counts: pl.DataFrame


def score(
    records: Records, chances: Chances, model: Model, least: float, *, parts: int = 1, workers: int = WORKERS, kernel: bool | None = None
) -> Scored:
    """Compares all pairs that the rules make, and keeps those that weigh `least` bits or more under `model`.

    `parts`: into how many parts the blocks of each rule are cut; `workers`: threads; `kernel`: the compiled way or the other, by size
    unless said. None of them changes the result.
    """
    blocks = plan(records)
    if not (sum(found.pairs for found in blocks) >= KERNEL_FROM if kernel is None else kernel):
        found = candidates(records, blocks)
        compared = compare(records, found.pairs, chances)
        weighed = weigh(compared.patterns, model)
        kept = compared.pairs.join(weighed.filter(pl.col("weight") >= least).select("pattern"), on="pattern", how="semi")
        return Scored(kept.sort("left", "right"), weighed, found.counts)
    return _by_kernel(records, chances, model, least, blocks, parts, workers)


def _by_kernel(records: Records, chances: Chances, model: Model, least: float, blocks: list[Blocks], parts: int, workers: int) -> Scored:
    from transforms.persons import encode, kernel  # numba is not loaded where it is not needed

    with ThreadPoolExecutor(1) as pool:
        making = pool.submit(encode.encoded_names, records)
        rows = encode.encoded(records, chances)
    names = making.result()
    for rule, found in enumerate(blocks):
        rows["cut"][found.rows_cut] |= np.uint16(1 << rule)
    size = kernel.RARITY_AT * RARITIES
    worth = np.zeros(size, np.uint8)  # by pattern: not known yet, not worth keeping, worth it; several workers may find out the same

    largest = max((int(found.sizes[~found.cut].max(initial=0)) for found in blocks), default=0)
    desks = [kernel.Desk(largest) for _ in range(workers)]

    def worthy(left: Array, right: Array, codes: Array) -> tuple[Array, Array, Array]:
        known = worth[codes]
        if not known.all():
            unknown = np.unique(codes[known == 0])
            worth[unknown] = 1 + (weigh(pattern_frame(pl.Series(unknown)), model)["weight"].to_numpy() >= least)
            known = worth[codes]
        keep = known == 2
        return left[keep], right[keep], codes[keep]

    def compared(task: tuple[int, Array, Array]) -> _Compared:
        rule, left, right = task
        codes, unread = kernel.patterns(left, right, rows, names)
        where = np.flatnonzero(unread)
        codes[where] = _read(records, rows, names, left[where], right[where], codes[where])
        kernel.tally(codes, total)
        return rule, len(codes), [worthy(left, right, codes)]

    def first(task: tuple[int, bool, Array, Array]) -> tuple[int, Array, Array]:
        rule, cut, left, right = task
        made = kernel.first_made(rule, left, right, rows, names)
        return rule + len(RULES) * cut, left[made], right[made]

    def whole(task: tuple[int, Array]) -> _Compared:
        rule, block = task
        desk = desks.pop()
        made, told, (left, right, codes) = kernel.whole_patterns(rule, blocks[rule], block, rows, names, worth, desk)
        codes = _read(records, rows, names, left, right, codes)
        kernel.tally(codes, desk.counts)
        desks.append(desk)
        return rule, made, [worthy(*told), worthy(left, right, codes)]

    total = np.zeros(size, np.int64)
    new = np.zeros(len(RULES), np.int64)
    kept = []
    with ThreadPoolExecutor(workers) as pool:
        rest = list(_ahead(pool, first, _rest(blocks, parts), workers))
        results = _ahead(pool, whole, _whole(blocks, parts), workers)
        for rule, made, edges in chain(map(compared, _leftover(rest, len(rows))), results):
            new[rule] += made
            kept.extend(edges)
    for desk in desks:
        total += desk.counts
    left, right, codes = (np.concatenate([e[i] for e in kept]) if kept else np.empty(0, np.int32) for i in range(3))
    pairs = pl.DataFrame({"left": left, "right": right, "pattern": codes}).sort("left", "right")
    seen = np.flatnonzero(total)
    patterns = weigh(pattern_frame(pl.Series(seen.astype(np.int32))).with_columns(pairs=pl.Series(total[seen].astype(np.uint32))), model)
    return Scored(pairs, patterns, counted(blocks, new))


def _ahead(pool: ThreadPoolExecutor, work: Any, tasks: Iterator[Any], workers: int) -> Iterator[Any]:
    """`pool.map` that takes no more tasks than are about to be worked on: their pairs take memory."""
    waiting = []
    for task in tasks:
        waiting.append(pool.submit(work, task))
        if len(waiting) > workers:
            yield waiting.pop(0).result()
    for each in waiting:
        yield each.result()


def _whole(blocks: list[Blocks], parts: int) -> Iterator[tuple[int, Array]]:
    """Rule, and some of its blocks that were not cut."""
    for rule, found in enumerate(blocks[:LISTED]):
        for part in range(parts):
            for block in some_of(found, CHUNK, False, part, parts):
                yield rule, block


def _rest(blocks: list[Blocks], parts: int) -> Iterator[tuple[int, bool, Array, Array]]:
    """Rule, whether its blocks were cut (or it is the rule of listed numbers, whose pairs are gathered with theirs), pairs."""
    for rule, found in enumerate(blocks):
        for part in range(parts):
            for cut in (True, False) if rule == LISTED else (True,):
                for left, right in pairs_of(found, CHUNK, cut, part, parts):
                    yield rule, cut, left, right


def _leftover(rest: list[Any], size: int) -> Iterator[tuple[int, Array, Array]]:
    """Rule and pairs that only cut blocks and listed numbers have made: may be there twice, and count for the first rule, whole blocks
    first."""
    if not rest:
        return
    code = np.concatenate([left.astype(np.int64) * size + right for _, left, right in rest])
    rule = np.concatenate([np.full(len(left), rule, np.int8) for rule, left, _ in rest])
    order = np.lexsort((rule, code))
    code, rule = code[order], rule[order]
    alone = np.append(True, code[1:] != code[:-1]) if len(code) else np.zeros(0, bool)
    code, rule = code[alone], rule[alone]
    for each in np.unique(rule):
        mine = code[rule == each]
        for start in range(0, len(mine), CHUNK):
            some = mine[start : start + CHUNK]
            yield int(each) % len(RULES), (some // size).astype(np.int32), (some % size).astype(np.int32)


def _read(records: Records, rows: Array, names: Array, left: Array, right: Array, codes: Array) -> Array:
    """The complete codes of pairs whose names have to be read; each distinct pair of names once."""
    from transforms.persons import kernel

    if not len(left):
        return codes
    size = records.names.height
    one, two = rows["name"][left].astype(np.int64), rows["name"][right].astype(np.int64)
    distinct, back = np.unique(np.minimum(one, two) * size + np.maximum(one, two), return_inverse=True)
    split = pl.DataFrame({"code": distinct, "one": distinct // size, "two": distinct % size})
    level = compare_texts(records.names, split).sort("code")["name"].to_numpy()[back]
    completed: Array = codes + kernel.name_codes(level, left, right, rows, names)
    return completed
