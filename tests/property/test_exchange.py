"""Rows exchanged by place give the frame that sorting all of it anew would give."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.persons import exchange
from transforms.persons.exchange import before_which, exchanged, places_in

keys = st.sets(st.tuples(st.sampled_from("abcdef"), st.sampled_from("uvwxyz")), max_size=20)


def frame(of: set[tuple[str, str]], said: str) -> pl.DataFrame:
    schema = {"first": pl.String, "second": pl.String}
    return pl.DataFrame(sorted(of), schema=schema, orient="row").with_columns(said=pl.lit(said))


@settings(max_examples=100, deadline=None)
@given(keys, keys, keys)
def test_exchanged_rows_stand_where_sorting_would_put_them(
    former: set[tuple[str, str]], gone: set[tuple[str, str]], come: set[tuple[str, str]]
) -> None:
    come -= former - gone
    was, now = frame(former, "was"), frame(come, "now")
    at = np.flatnonzero([key in gone for key in sorted(former)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exchange, "AT_A_TIME", 3)  # so that pieces meet
        found = exchanged(was, at, now, before_which(was, now, "first", "second"))
    assert found.equals(pl.concat([frame(former - gone, "was"), now]).sort("first", "second"))


@settings(max_examples=50, deadline=None)
@given(st.sets(st.text("abc", max_size=3)), st.sets(st.text("abc", max_size=3)))
def test_places_are_those_of_the_texts_that_are_there(ordered: set[str], some: set[str]) -> None:
    found = places_in(pl.Series(sorted(ordered), dtype=pl.String), pl.Series(sorted(some), dtype=pl.String))
    assert [sorted(ordered)[place] for place in found] == sorted(ordered & some)
