"""Disclosure control: which rows of a table of counts may not leave, so that no count under the threshold can be told or solved for.

A row is hidden whole (all its counts, amounts and rates), so one pattern protects every measure that adds up. Hidden are
1. rows with a count of persons under the threshold (*primary*), a zero too, so that a hidden count is not known to be at least one;
2. further rows (*complementary*), until no known total gives a hidden row away. For that we take a reader who knows, to the last person,
every
   visible row and every total over the `margins`, though what is published is rounded.

Guaranteed of the outcome, for every hidden row of at least one person, against that reader:
- in each known total at least two rows of one person or more are hidden, and together they are no fewer than the threshold;
- no combination of known totals determines the row (it is not in the row space of the equations of the known totals), so a range of values
  remains; nor a total that is itself under the threshold.

Where that cannot be had while a total is known, the total is *withheld*: it must not be published either. Totals that a sibling table
publishes are withheld last, for then that table must not be published. The method is cell suppression as in
Hundepool et al., Statistical Disclosure Control (2012), chapter 4, with a greedy choice of the smallest cell and an audit by linear
algebra.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import linalg, sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import lsmr

THRESHOLD = 11  # counts of 1 to 10 persons: the usual minimum cell of health statistics
ROUNDED_TO = 5
_DENSE = 1_200  # hidden rows in one web of totals up to which ranks are computed exactly; above, by least squares
_SAME = 1e-6
_DEPENDENT = 1e-9  # a share of the largest singular value: totals that add up to each other leave one that is zero but for rounding

Flags = NDArray[np.bool_]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Protected:
    """`hidden`: one flag a row of the table. `withheld`: per margin (its columns) the keys whose total must not be published."""

    hidden: pl.Series
    withheld: dict[tuple[str, ...], list[tuple[object, ...]]] = field(default_factory=dict)


@dataclass
class _Margin:
    columns: tuple[str, ...]
    published: bool  # by another table
    group: Numbers  # group of each row
    known: Flags  # per group: a reader knows its total
    small: Flags  # per group: its total is itself under the threshold
    withheld: Flags


def protect(
    table: pl.DataFrame,
    persons: Sequence[str],
    margins: Sequence[tuple[str, ...]],
    *,
    published: Sequence[tuple[str, ...]] = (),
    above: pl.Series | None = None,
    threshold: int = THRESHOLD,
) -> Protected:
    """Say which rows of `table` are hidden.

    `persons`: columns that count people; NULL is unknown and needs no protection. `published`: sets of columns over which another
    table publishes the totals; `margins`: further ones that a reader may know; () is the total of all rows. `above`: rows that lie in a
    total which is hidden elsewhere; they are hidden, and a total made of them only is unknown.
    """
    counts = table.select(pl.col(list(persons)).cast(pl.Int64)).fill_null(threshold).to_numpy().astype(np.int64)
    forced = np.zeros(table.height, bool) if above is None else above.to_numpy().astype(bool)
    hidden: Flags = (counts < threshold).any(axis=1) | forced
    smallest = counts.min(axis=1, initial=np.iinfo(np.int64).max)
    webs = [_margin(table, columns, columns in published, counts, forced, threshold) for columns in dict.fromkeys((*published, *margins))]
    while True:
        _fill(hidden, counts, smallest, webs, threshold)
        given_away = _given_away(hidden, smallest, webs)
        if not given_away:
            break
        for row, web in given_away:
            _widen(row, web, hidden, smallest, webs)
    return Protected(pl.Series("hidden", hidden), {m.columns: _keys(table, m) for m in webs if m.withheld.any()})


def rounded(column: str, base: int = ROUNDED_TO) -> pl.Expr:
    """The count to the nearest multiple of `base`, halves up."""
    return ((pl.col(column) * 2 + base).floordiv(2 * base) * base).alias(column)


def _margin(table: pl.DataFrame, columns: tuple[str, ...], published: bool, counts: Numbers, forced: Flags, threshold: int) -> _Margin:
    if columns:
        group = table.select(pl.struct(columns).rank("dense")).to_series().to_numpy().astype(np.int64) - 1
    else:
        group = np.zeros(table.height, np.int64)
    size = int(group.max(initial=-1)) + 1
    totals = np.stack([_sum(group, counts[:, i], size) for i in range(counts.shape[1])], axis=1) if size else np.zeros((0, 1))
    small: Flags = np.asarray((totals < threshold).any(axis=1))
    elsewhere_hidden = _sum(group, ~forced, size) == 0
    return _Margin(columns, published, group, ~small & ~elsewhere_hidden, small, np.zeros(size, bool))


def _keys(table: pl.DataFrame, m: _Margin) -> list[tuple[object, ...]]:
    groups = table.filter(pl.Series(m.withheld[m.group])).select(m.columns).unique(maintain_order=True)
    return groups.rows() if m.columns else [()]


def _sum(group: Numbers, values: NDArray[np.generic], size: int) -> Numbers:
    totals = np.zeros(size, np.int64)
    np.add.at(totals, group, values.astype(np.int64))
    return totals


def _fill(hidden: Flags, counts: Numbers, smallest: Numbers, webs: list[_Margin], threshold: int) -> None:
    """Hide the smallest visible row of each known total that has too little hidden, until none has; withhold a total that has no more
    rows."""
    order = np.argsort(smallest, kind="stable")
    changed = True
    while changed:
        changed = False
        for m in webs:
            size = len(m.known)
            some = hidden & (smallest > 0)
            rows_hidden = _sum(m.group, some, size)
            few = rows_hidden == 1
            short = np.zeros(size, bool)
            for i in range(counts.shape[1]):
                short |= _sum(m.group, np.where(hidden, counts[:, i], 0), size) < threshold
            lacking = m.known & (rows_hidden > 0) & (few | short)
            if not lacking.any():
                continue
            changed = True
            candidates = order[~hidden[order] & lacking[m.group[order]] & (smallest[order] > 0)]
            # A row that stands alone in another known total hides nothing: others first, and where that total is published, none at all.
            alone = _alone(candidates, smallest, [x for x in webs if not x.published])
            barred = _alone(candidates, smallest, [x for x in webs if x.published])
            kept = ~barred | m.published
            candidates = candidates[kept][np.lexsort((alone[kept], barred[kept]))]
            groups, first = np.unique(m.group[candidates], return_index=True)
            hidden[candidates[first]] = True
            exhausted = lacking.copy()
            exhausted[groups] = False
            m.known &= ~exhausted
            m.withheld |= exhausted


def _alone(rows: Numbers, smallest: Numbers, webs: list[_Margin]) -> Flags:
    alone = np.zeros(len(rows), bool)
    for m in webs:
        members = _sum(m.group, smallest > 0, len(m.known))
        alone |= m.known[m.group[rows]] & (members[m.group[rows]] == 1)
    return alone


def _equations(rows: Numbers, webs: list[_Margin]) -> Any:
    """A sparse matrix: one line a known total, one column a hidden row of somebody."""
    lines = []
    for m in webs:
        group = m.group[rows]
        inside = m.known[group]
        at = (group[inside], np.flatnonzero(inside))
        lines.append(sparse.csr_array((np.ones(int(inside.sum())), at), shape=(len(m.known), len(rows))))  # type: ignore[no-untyped-call]
    stacked = sparse.csr_array(sparse.vstack(lines)) if lines else sparse.csr_array((0, len(rows)))  # type: ignore[no-untyped-call]
    return stacked[np.diff(stacked.indptr) > 0]


def _given_away(hidden: Flags, smallest: Numbers, webs: list[_Margin]) -> list[tuple[int, Numbers]]:
    """Hidden rows that the known totals determine, and rows of small totals that they determine; the first of each web of totals,
    with all hidden rows of that web.

    A vector drawn at random is projected on the space of all that the hidden rows may be without any known total changing: where it is
    nothing, the row cannot move (it moves by chance not with probability zero). The draw is seeded, so that the same table gives the
    same answer.
    """
    rows = np.flatnonzero(hidden & (smallest > 0))
    if not len(rows):
        return []
    equations = _equations(rows, webs)
    web = _webs(equations, len(rows))
    movement = _movement(equations, web)
    found: Flags = np.abs(movement) < _SAME
    for m in webs:
        group = m.group[rows]
        total = np.zeros(len(m.known))
        np.add.at(total, group, movement)
        fixed = m.small & (np.abs(total) < _SAME) & (_sum(group, np.ones(len(rows)), len(m.known)) > 0)
        found |= fixed[group]
    at = np.flatnonzero(found)
    ones, first = np.unique(web[at], return_index=True)
    size = np.bincount(web)
    if len(ones) and size[ones].max() > _DENSE:  # one by one would take too long in a web as large as that
        first = np.arange(len(at))
    return [(int(rows[at[f]]), rows[web == web[at[f]]]) for f in first]


def _webs(equations: Any, rows: int) -> Numbers:
    """Number of the web of each hidden row: rows that share a known total, by way of others too, are in one."""
    both = sparse.block_array([[None, equations.T], [equations, None]]) if equations.shape[0] else sparse.csr_array((rows, rows))  # type: ignore[no-untyped-call]
    _, web = connected_components(both, directed=False)
    return np.unique(web[:rows], return_inverse=True)[1].astype(np.int64)


def _movement(equations: Any, web: Numbers) -> NDArray[np.float64]:
    """A random vector, web by web projected on what leaves every known total as it is."""
    movement = np.random.default_rng(20260101).normal(size=len(web))
    if not equations.shape[0]:
        return movement
    size, of_equation = np.bincount(web), web[equations.indices[equations.indptr[:-1]]]
    lines = np.bincount(of_equation, minlength=len(size))
    simple = (lines == 1)[web]  # one total over the whole web
    movement[simple] -= (np.bincount(web, movement) / size)[web[simple]]
    order = np.argsort(web, kind="stable")
    columns = sparse.csc_array(equations[:, order])  # type: ignore[no-untyped-call]
    ends = np.cumsum(size)
    for w in np.flatnonzero(lines > 1):
        inside = order[ends[w] - size[w] : ends[w]]
        part = sparse.csr_array(columns[:, ends[w] - size[w] : ends[w]])  # type: ignore[no-untyped-call]
        part = part[np.diff(part.indptr) > 0]
        if size[w] <= _DENSE:
            known = linalg.lstsq(part.T.toarray(), movement[inside], cond=_DEPENDENT)[0]
        else:
            known = lsmr(part.T, movement[inside], atol=1e-12, btol=1e-12, maxiter=20_000)[0]  # type: ignore[no-untyped-call]
        movement[inside] -= part.T @ known
    return movement


def _widen(row: int, web: Numbers, hidden: Flags, smallest: Numbers, webs: list[_Margin]) -> None:
    """Hide the smallest visible row that shares a known total with `row`; where there is none, withhold the last named total that holds it,
    else one of its web, and a published one last of all.
    """
    near = np.zeros(len(hidden), bool)
    for m in webs:
        if m.known[m.group[row]]:
            near |= m.group == m.group[row]
    candidates = np.flatnonzero(near & ~hidden & (smallest > 0))
    candidates = candidates[~_alone(candidates, smallest, [m for m in webs if m.published])]
    if len(candidates):
        alone = _alone(candidates, smallest, webs)
        hidden[min(zip(alone.tolist(), smallest[candidates].tolist(), candidates.tolist(), strict=True))[2]] = True
        return
    for published, rows in ((False, [row]), (False, web), (True, [row])):
        for m in reversed(webs):
            groups = m.group[rows][m.known[m.group[rows]]]
            if m.published == published and len(groups):
                m.known[groups[0]] = False
                m.withheld[groups[0]] = True
                return
    raise AssertionError("a row in no known total cannot be given away")
