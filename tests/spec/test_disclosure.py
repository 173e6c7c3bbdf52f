"""Disclosure control by small tables: who is hidden, and with whom."""

from __future__ import annotations

import polars as pl
import pytest

from expectations.marts import BI_TABLES
from expectations.marts.public import PUBLIC, REFUSED
from transforms.disclosure import protect, rounded


def table(text: str) -> pl.DataFrame:
    lines = [[c.strip() for c in line.split("|")] for line in text.strip().splitlines()]
    frame = pl.DataFrame(lines[1:], schema=lines[0], orient="row")
    return frame.with_columns(pl.col("persons").replace("", None).cast(pl.Int64))


def hidden(text: str, *margins: tuple[str, ...], published: tuple[tuple[str, ...], ...] = ()) -> list[str]:
    rows = table(text)
    return rows.filter(protect(rows, ["persons"], margins, published=published).hidden)["place"].to_list()


def test_a_small_count_takes_the_next_smallest_of_its_total_with_it() -> None:
    assert hidden("place | persons\n a | 4\n b | 50\n c | 20", ()) == ["a", "c"]


def test_without_a_total_the_small_count_goes_alone() -> None:
    assert hidden("place | persons\n a | 4\n b | 50") == ["a"]


@pytest.mark.parametrize(("persons", "gone"), [(0, True), (1, True), (10, True), (11, False)])
def test_ten_is_hidden_and_eleven_is_not(persons: int, gone: bool) -> None:
    assert hidden(f"place | persons\n a | {persons}") == (["a"] if gone else [])


def test_an_unknown_count_is_no_small_count() -> None:
    assert hidden("place | persons\n a |\n b | 12", ()) == []


def test_two_small_counts_that_make_fewer_than_eleven_need_a_third() -> None:
    assert hidden("place | persons\n a | 2\n b | 3\n c | 60\n d | 40", ()) == ["a", "b", "d"]


def test_zeros_hide_nobody() -> None:
    assert hidden("place | persons\n a | 0\n b | 9\n c | 30\n d | 40", ()) == ["a", "b", "c"]


def test_a_bridge_between_two_webs_of_totals_is_given_away_and_so_more_is_hidden() -> None:
    """Each line hides two cells or more, yet e = row 2 - (column 1 + column 2 - row 1): only the audit by ranks sees it."""
    cells = """
        place | row | column | persons
        a     | 1   | 1      | 5
        b     | 1   | 2      | 6
        c     | 2   | 1      | 7
        d     | 2   | 2      | 8
        e     | 2   | 3      | 9
        f     | 3   | 3      | 5
        g     | 3   | 4      | 6
        h     | 4   | 3      | 7
        i     | 4   | 4      | 8
        x     | 5   | 5      | 500
        y     | 1   | 5      | 40
        z     | 5   | 1      | 90
        w     | 2   | 5      | 60
    """
    assert set(hidden(cells, ("row",), ("column",))) > set("abcdefghi")


def test_a_total_of_ours_is_withheld_before_a_published_one_breaks() -> None:
    rows = table("place | group | persons\n a | g | 3\n a2 | g | 30\n b | h | 40")
    found = protect(rows.with_columns(province=pl.Series(["a", "a", "b"])), ["persons"], (("group",),), published=((), ("province",)))
    assert found.hidden.to_list() == [True, True, False]
    assert found.withheld == {}
    lone = table("place | group | persons\n a | g | 3\n a | h | 30")
    kept = protect(lone, ["persons"], (("group",),), published=(("place",),))
    assert kept.hidden.to_list() == [True, True]
    assert kept.withheld[("group",)] == [("h",)]


def test_counts_are_rounded_to_five() -> None:
    found = pl.DataFrame({"n": [11, 12, 13, 17, 18, 20]}).select(rounded("n"))["n"].to_list()
    assert found == [10, 10, 15, 15, 20, 20]


def test_the_public_declarations_name_tables_and_columns_that_there_are() -> None:
    tables = {t.name: {f.name for f in t.fields} for t in BI_TABLES if t.schema == "marts"}
    for spec in PUBLIC:
        named = {*spec.persons, *spec.counts, *spec.amounts, *spec.left_out, *spec.derived}
        named |= {c for columns in (*spec.published, *spec.margins) for c in columns}
        assert named <= tables[spec.name], spec.name


def test_every_mart_either_has_a_public_form_or_a_reason_why_not() -> None:
    marts = {t.name for t in BI_TABLES if t.schema == "marts"}
    public = {t.name for t in PUBLIC}
    assert public | set(REFUSED) == marts
    assert public.isdisjoint(REFUSED)


def test_every_measure_of_a_public_mart_is_declared() -> None:
    """A column of counts, money or rates that nobody thought of would leave as it is."""
    plain = {"population", "population_year", "target_pct", "provinces_reporting", "provinces_without_population", "enterprises_registered"}
    for spec in PUBLIC:
        if spec.persons:
            table = next(t for t in BI_TABLES if t.schema == "marts" and t.name == spec.name)
            numbers = {f.name for f in table.fields if f.kind.name in ("integer", "money", "rate")}
            assert numbers - plain <= {*spec.persons, *spec.counts, *spec.amounts, *spec.left_out, *spec.derived}, spec.name
