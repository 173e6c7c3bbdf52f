"""Linking what changed gives the persons that linking everything gives, whatever comes, changes and goes, in any order of nights."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.property.person_worlds import CARD, SCHEMA, life, registers, row
from transforms.persons import Model, candidates, increment, link, link_to_stand, pinned, standing
from transforms.persons.at_hand import at_hand
from transforms.persons.events import events, replay
from transforms.persons.frequencies import frequencies, pinned_chances
from transforms.persons.increment import changed_numbers, link_new, standardise_again
from transforms.persons.standardise import standardise
from transforms.persons.weigh import chances


# A delivery: a month, and the rows in it. Nights bring some and take some away.
def deliveries_of(some: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[list[tuple[date, list[dict[str, Any]]]]]:
    months = st.sampled_from((date(2025, 8, 1), date(2025, 9, 1)))
    return st.lists(st.tuples(months, st.lists(some, max_size=5)), min_size=1, max_size=5)


nights = st.lists(st.sets(st.integers(0, 4)), min_size=2, max_size=4)
NUMBERS = ("DN4010000000001", "GD4017777766666", "HC4015151595959", "0000000001")
decisions = st.lists(st.tuples(st.sampled_from(NUMBERS), st.sampled_from(NUMBERS), st.booleans()), max_size=2)
# A failing example is shown as it is: to make it smaller takes minutes.
thorough = settings(max_examples=12, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])


def rows_of(months: list[tuple[date, list[dict[str, Any]]]], use: set[int]) -> pl.DataFrame:
    """The rows of the deliveries in use; a later delivery has the larger rank."""
    rows = [{**r, "period": m, "received_rank": i} for i, (m, some) in enumerate(months) if i in use for r in some]
    return pl.DataFrame(rows, schema=SCHEMA)


def decided(said: list[tuple[str, str, bool]]) -> pl.DataFrame:
    return pl.DataFrame(said, schema={"card_key_a": pl.String, "card_key_b": pl.String, "same": pl.Boolean}, orient="row")


@thorough
@given(deliveries_of(row), nights, decisions, decisions, st.booleans())
def test_nights_of_changes_reach_the_persons_of_a_full_linkage(
    months: list[tuple[date, list[dict[str, Any]]]],
    uses: list[set[int]],
    first: list[tuple[str, str, bool]],
    then: list[tuple[str, str, bool]],
    all_stay: bool,
) -> None:
    base = rows_of(months, uses[0])
    linkage, index = link_to_stand(base, decisions=decided(first), run=1)
    model = Model.parse(index.facts["model"])
    former, unsettled, journal = linkage.card_persons, None, []
    for run, use in enumerate((n | uses[0] if all_stay else n for n in uses[1:]), 2):
        cards, now = rows_of(months, use), decided(then)
        added, removed = rows_of(months, use - uses[0]).lazy(), rows_of(months, uses[0] - use).lazy()
        touched = changed_numbers(index, added, removed)
        changed = standardise(cards.filter(pl.col("card_number").is_in(touched.implode())))
        if uses[0] <= use:  # nothing went out of use: the index says what was said before
            again = standardise_again(index, touched, added)
            for said in ("numbers", "cards", "rows", "set_aside"):
                assert getattr(again, said).equals(getattr(changed, said).select(getattr(again, said).columns))
            assert again.names.select("standard", "plain", "borne").equals(changed.names.select("standard", "plain", "borne"))
            changed = again
        found = link_new(index, touched, changed, former, model, now, unsettled, run, most=9.0)
        full = link(cards, former, now, model, run, known=index.frequencies)
        assert found.card_persons.equals(full.card_persons)
        assert found.pairs.equals(full.pairs)
        happened = events(found.former, found.now, found.pairs, merge_bits=model.merge_bits)
        assert happened.equals(events(former, full.card_persons, full.pairs, merge_bits=model.merge_bits))
        journal.append(happened)
        former, unsettled = found.card_persons, found.unsettled
    assert replay(linkage.card_persons, pl.concat(journal)) == dict(former.select("card_number", "person_id").iter_rows())


@settings(parent=thorough, max_examples=8)
@given(deliveries_of(row), nights, st.booleans())
def test_so_do_nights_in_which_blocks_are_cut_to_windows(
    months: list[tuple[date, list[dict[str, Any]]]], uses: list[set[int]], all_stay: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "WINDOW", 1)
        for module in (candidates, increment, standing):
            patch.setattr(module, "BLOCK_LIMIT", 2)
        test_nights_of_changes_reach_the_persons_of_a_full_linkage.hypothesis.inner_test(months, uses, [], [], all_stay)  # type: ignore[attr-defined]


@thorough
@given(deliveries_of(life), nights, st.booleans())
def test_so_do_nights_in_which_people_die(months: list[tuple[date, list[dict[str, Any]]]], uses: list[set[int]], all_stay: bool) -> None:
    test_nights_of_changes_reach_the_persons_of_a_full_linkage.hypothesis.inner_test(months, uses, [], [], all_stay)  # type: ignore[attr-defined]


@settings(max_examples=15, deadline=None)
@given(registers)
def test_frequencies_weigh_as_the_registers_that_they_were_counted_in(cards: pl.DataFrame) -> None:
    records = standardise(cards)
    model = at_hand(records, pinned())
    mine, theirs = pinned_chances(records, model, frequencies(records)), chances(records, model)
    assert mine.rows.equals(theirs.rows)


@settings(max_examples=15, deadline=None)
@given(registers, st.randoms(use_true_random=False), st.sampled_from((400, 2)))
def test_pairs_of_some_rows_are_those_of_all_pairs_however_dense_the_rows_are(cards: pl.DataFrame, random: Any, limit: int) -> None:
    records = standardise(cards)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "BLOCK_LIMIT", limit)
        patch.setattr(candidates, "WINDOW", 1)
        every = candidates.candidates(records).pairs
        fresh = np.array([random.random() < 0.4 for _ in range(records.rows.height)])
        # A night has a part of the rows only, those that resemble each other: what an average row may make does not bound it.
        patch.setattr(candidates, "PAIRS_ALWAYS", 0)
        patch.setattr(candidates, "PAIRS_PER_RECORD", 0)
        found = candidates.candidates_of(records, fresh)
    of_fresh = fresh[every["left"].to_numpy()] | fresh[every["right"].to_numpy()]
    assert found.equals(every.filter(pl.Series(of_fresh, dtype=pl.Boolean)))


DEAD = {"withdrawn_on": date(2025, 5, 1), "withdrawal_reason": "CHET"}
LATER, RENEWED = {"valid_from": date(2025, 6, 1)}, {"valid_from": date(2025, 8, 15)}


@pytest.mark.parametrize(
    ("first", "then", "persons"),
    [
        ([{}, LATER], [DEAD, LATER], 2),
        ([DEAD, LATER], [{}, LATER], 1),
        ([DEAD, {}], [DEAD, RENEWED], 1),
        # A month from before the standing index: the card is older than it knew.
        ([DEAD, LATER], [DEAD, {"period": date(2025, 4, 1)}], 1),
    ],
)
def test_a_night_hears_of_deaths_and_of_earlier_beginnings(first: list[dict[str, Any]], then: list[dict[str, Any]], persons: int) -> None:
    def register(said: list[dict[str, Any]], period: date) -> pl.DataFrame:
        cards = ("DN4010000000001", "GD4017777766666")
        return pl.DataFrame([{**CARD, "card_number": n, "period": period, **s} for n, s in zip(cards, said, strict=True)], schema=SCHEMA)

    before, added = register(first, date(2025, 8, 1)), register(then, date(2025, 9, 1))
    linkage, index = link_to_stand(before, run=1)
    touched = changed_numbers(index, added.lazy(), added.clear().lazy())
    changed = standardise_again(index, touched, added)
    found = link_new(index, touched, changed, linkage.card_persons, Model.parse(index.facts["model"]), run=2, most=9.0)
    assert found.card_persons["person_id"].n_unique() == persons
    assert touched.len() == (0 if RENEWED in then else 1)
