"""Nothing hidden can be solved for, shown with other means than the algorithm's own: exact fractions, and linear programmes over what a
reader knows."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from transforms.disclosure import THRESHOLD, Protected, protect

PUBLISHED = ((), ("a",))
MARGINS = (("a", "b"), ("b",), ("c",))
CELLS = tuple(product(range(3), range(3), range(2)))

# Known totals, one of them the sum of two others but for rounding: too small a tolerance for their rank gave the row (0, 2, 1) away.
DEPENDENT = pl.DataFrame(
    [
        (0, 0, 0, 10), (0, 0, 1, 1), (0, 1, 0, 1), (0, 1, 1, 10), (0, 2, 0, 0), (0, 2, 1, 1), (1, 0, 0, 0),
        (1, 0, 1, 0), (1, 1, 0, 1), (1, 1, 1, 9), (1, 2, 0, 1), (2, 0, 0, 1), (2, 1, 0, 10),
    ],
    schema=["a", "b", "c", "n"],
    orient="row",
)  # fmt: skip
counts = st.one_of(st.integers(0, 12), st.integers(0, 60), st.just(0), st.just(1))


@st.composite
def tables(draw: st.DrawFn) -> pl.DataFrame:
    cells = draw(st.lists(st.sampled_from(CELLS), min_size=1, max_size=14, unique=True))
    rows = [(*cell, draw(counts)) for cell in sorted(cells)]
    return pl.DataFrame(rows, schema=["a", "b", "c", "n"], orient="row")


def known_totals(table: pl.DataFrame, found: Protected) -> list[tuple[list[int], int]]:
    """Row numbers and total of every sum that a reader knows: large enough to be told, and not withheld."""
    known = []
    numbered = table.with_row_index("row")
    for columns in (*PUBLISHED, *MARGINS):
        groups = numbered.group_by(list(columns), maintain_order=True) if columns else [((), numbered)]
        withheld = found.withheld.get(columns, [])
        for key, group in groups:
            if group["n"].sum() >= THRESHOLD and tuple(key) not in withheld:
                known.append((group["row"].to_list(), int(group["n"].sum())))
    return known


def rank(lines: list[list[Fraction]]) -> int:
    """Rank by elimination, exactly."""
    lines, done = [list(x) for x in lines], 0
    for column in range(len(lines[0]) if lines else 0):
        pivot = next((i for i in range(done, len(lines)) if lines[i][column]), None)
        if pivot is None:
            continue
        lines[done], lines[pivot] = lines[pivot], lines[done]
        for i in range(done + 1, len(lines)):
            factor = lines[i][column] / lines[done][column]
            lines[i] = [x - factor * y for x, y in zip(lines[i], lines[done], strict=True)]
        done += 1
    return done


def unknowns(table: pl.DataFrame, found: Protected) -> tuple[list[int], list[list[Fraction]], list[int]]:
    """Hidden rows of somebody; the equations about them; and their right sides. Hidden zeros are taken as known: that helps the reader."""
    counts, hidden = table["n"].to_list(), found.hidden.to_list()
    rows = [i for i, h in enumerate(hidden) if h and counts[i] > 0]
    lines, rest = [], []
    for members, total in known_totals(table, found):
        if set(members) & set(rows):
            lines.append([Fraction(int(r in members)) for r in rows])
            rest.append(total - sum(counts[i] for i in members if not hidden[i]))
    return rows, lines, rest


@given(tables())
@example(pl.DataFrame({"a": [0, 0, 1, 1], "b": [0, 1, 0, 1], "c": [0, 0, 0, 0], "n": [3, 30, 40, 50]}))
@example(DEPENDENT)
@settings(max_examples=150, deadline=None)
def test_no_combination_of_known_totals_determines_a_hidden_row(table: pl.DataFrame) -> None:
    found = protect(table, ["n"], MARGINS, published=PUBLISHED)
    rows, lines, _ = unknowns(table, found)
    full = rank(lines)
    for i in range(len(rows)):
        alone = [Fraction(int(i == j)) for j in range(len(rows))]
        assert rank([*lines, alone]) == full + 1


@given(tables())
@example(DEPENDENT)
@settings(max_examples=150, deadline=None)
def test_every_hidden_row_may_have_several_values(table: pl.DataFrame) -> None:
    found = protect(table, ["n"], MARGINS, published=PUBLISHED)
    rows, lines, rest = unknowns(table, found)
    for i in range(len(rows)):
        aim = np.zeros(len(rows))
        aim[i] = 1
        bounds = []
        for sign in (1, -1):
            equations = {"A_eq": np.array(lines, float), "b_eq": np.array(rest, float)} if lines else {}
            solved = linprog(sign * aim, bounds=(0, 1000), **equations)
            assert solved.status == 0
            bounds.append(sign * solved.fun)
        assert bounds[1] - bounds[0] > 0.4


@given(tables())
@settings(max_examples=150, deadline=None)
def test_every_small_count_is_hidden_and_every_known_total_hides_enough(table: pl.DataFrame) -> None:
    found = protect(table, ["n"], MARGINS, published=PUBLISHED)
    counts, hidden = table["n"].to_list(), found.hidden.to_list()
    assert all(h for n, h in zip(counts, hidden, strict=True) if n < THRESHOLD)
    for members, _ in known_totals(table, found):
        gone = [counts[i] for i in members if hidden[i] and counts[i] > 0]
        assert not gone or (len(gone) >= 2 and sum(gone) >= THRESHOLD)


@given(tables(), st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_the_rows_of_a_total_that_is_hidden_elsewhere_are_hidden(table: pl.DataFrame, place: int) -> None:
    above = table["a"] == place
    found = protect(table, ["n"], MARGINS, published=PUBLISHED, above=above)
    assert found.hidden.filter(above).all()


@given(tables())
@settings(max_examples=40, deadline=None)
def test_the_same_table_hides_the_same_rows(table: pl.DataFrame) -> None:
    first, second = (protect(table, ["n"], MARGINS, published=PUBLISHED).hidden.to_list() for _ in range(2))
    assert first == second
