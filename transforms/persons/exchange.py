"""A few rows of a long sorted frame, exchanged for others by place: what a night does to an index that it does not sort anew."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Array = npt.NDArray[Any]

AT_A_TIME = 1 << 17  # rows: as many as the processor has at hand


def places_in(ordered: pl.Series, some: pl.Series) -> Array:
    """The places of `some` texts among the `ordered` ones, each there once; both sorted. Those that are not there have none."""
    if ordered.is_empty():
        return np.zeros(0, np.int64)
    at = ordered.search_sorted(some).clip(upper_bound=len(ordered) - 1)
    return at.filter(ordered.gather(at) == some).to_numpy().astype(np.int64)


def before_which(ordered: pl.DataFrame, some: pl.DataFrame, first: str, second: str) -> Array:
    """Before which of the `ordered` rows each of `some` stands; both are sorted by `first`, then `second` (texts)."""
    low, high = (ordered[first].search_sorted(some[first], side).to_numpy().astype(np.int64) for side in ("left", "right"))
    sizes = high - low
    mine = np.repeat(np.arange(some.height), sizes)
    less = ordered[second].gather(spans(low, sizes)) < some[second].gather(mine)
    return low + np.bincount(mine[less.to_numpy()], minlength=some.height)


def exchanged(former: pl.DataFrame, at: Array, now: pl.DataFrame, before: Array) -> pl.DataFrame:
    """`former` without the rows `at` these places, and with each row of `now` before that row of `former`; all places ascend."""
    now = now.select(former.columns)
    starts = np.arange(0, max(former.height, 1), AT_A_TIME)
    gone, come = np.append(np.searchsorted(at, starts), len(at)), np.append(np.searchsorted(before, starts), len(before))

    def piece(i: int) -> pl.DataFrame:
        start = int(starts[i])
        some, new = former.slice(start, AT_A_TIME), now[int(come[i]) : int(come[i + 1])]
        kept = np.ones(some.height, bool)
        kept[at[gone[i] : gone[i + 1]] - start] = False
        rest = np.flatnonzero(kept)
        into = np.searchsorted(rest, before[come[i] : come[i + 1]] - start)
        order = np.insert(rest, into, np.arange(some.height, some.height + new.height))
        return pl.concat([some, new], rechunk=True).select(pl.all().gather(pl.Series(order, dtype=pl.UInt32)))

    with ThreadPoolExecutor(2) as pool:
        return pl.concat(pool.map(piece, range(len(starts))))


def spans(starts: Array, sizes: Array) -> Array:
    """The places from each start on, so many."""
    ends = np.cumsum(sizes)
    return np.repeat(starts - ends + sizes, sizes) + np.arange(int(ends[-1]) if len(ends) else 0)
