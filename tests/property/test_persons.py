"""What holds of every register, whatever is in it."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.person_worlds import NAMES, SCHEMA, life, registers
from transforms.persons import link, pinned
from transforms.persons.candidates import candidates
from transforms.persons.cluster import components
from transforms.persons.compare import FIELDS, LEVELS, RARITIES, compare, one_digit_apart
from transforms.persons.standardise import standardise
from transforms.persons.weigh import chances, weigh

quick = settings(max_examples=15, deadline=None)


@quick
@given(registers, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(cards: pl.DataFrame, random: Any) -> None:
    order = list(range(cards.height))
    random.shuffle(order)
    one, other = link(cards), link(cards[order].lazy())
    assert one.card_persons.equals(other.card_persons)
    assert one.pairs.equals(other.pairs)


@quick
@given(registers)
def test_every_number_has_one_person_and_every_card_one(cards: pl.DataFrame) -> None:
    found = link(cards).card_persons
    assert found["card_number"].to_list() == sorted(set(cards["card_number"]))
    assert found.group_by("card_key").agg(pl.col("person_id").n_unique())["person_id"].max() == 1


@quick
@given(registers, st.integers(0, 11))
def test_a_duplicate_of_a_named_and_dated_record_joins_it(cards: pl.DataFrame, which: int) -> None:
    """The duplicate has a card number of its own and everything else in common."""
    original = cards[which % cards.height].with_columns(period=date(2025, 12, 1), citizen_id=pl.lit("001180112233"))
    original = original.with_columns(full_name=pl.lit("Phùng Diễm Thắm"), birth_date=date(1980, 7, 23), birth_precision=pl.lit("day"))
    original = original.with_columns(sex=pl.lit("2"), card_number=pl.lit("DN4013131313131"))
    copy = original.with_columns(card_number=pl.lit("XK4016262626262"))
    found = dict(link(pl.concat([cards, original, copy])).card_persons.select("card_number", "person_id").iter_rows())
    assert found["DN4013131313131"] == found["XK4016262626262"]


@quick
@given(registers)
def test_no_person_has_two_verified_cccds(cards: pl.DataFrame) -> None:
    person = link(cards).card_persons.unique("card_key").sort("card_key")["person_id"]
    facts = standardise(cards).rows.filter(pl.col("latest") & pl.col("verified")).select("citizen", "card")
    held: dict[str, set[int]] = {}
    for citizen, card in facts.iter_rows():
        held.setdefault(person[card], set()).add(citizen)
    for citizens in held.values():
        assert all(sum(x != y for x, y in zip(f"{a:012}", f"{b:012}", strict=True)) <= 1 for a in citizens for b in citizens)


@quick
@given(st.lists(life, min_size=2, max_size=8).map(lambda rows: pl.DataFrame(rows, schema=SCHEMA)))
def test_no_person_has_a_life_after_death_without_a_number_of_the_dead(cards: pl.DataFrame) -> None:
    person = link(cards).card_persons.unique("card_key").sort("card_key")["person_id"]
    records = standardise(cards)
    said = records.rows.filter("latest").sort("card").select("citizen", "verified", "insured", "insured_too")
    lives = pl.concat([records.cards.select("began", "died"), said], how="horizontal").rows(named=True)
    for one, died in enumerate(lives):
        for other, begun in enumerate(lives):
            if person[one] != person[other] or one == other or None in (died["died"], begun["began"]) or begun["began"] <= died["died"]:
                continue
            numbers = [{n for n in (life["insured"], life["insured_too"]) if n is not None} for life in (died, begun)]
            both = died["verified"] and begun["verified"]
            digits = both and sum(x != y for x, y in zip(f"{died['citizen']:012}", f"{begun['citizen']:012}", strict=True))
            assert numbers[0] & numbers[1] or (both and digits <= 1)


@quick
@given(registers)
def test_a_second_run_keeps_all_ids(cards: pl.DataFrame) -> None:
    first = link(cards).card_persons
    assert link(cards, former=first).card_persons.equals(first)


@quick
@given(registers, registers)
def test_no_id_of_a_former_run_goes_to_other_people(before: pl.DataFrame, after: pl.DataFrame) -> None:
    """An id that lives on is that of someone who held one of its cards."""
    first = link(before).card_persons
    second = link(pl.concat([before, after]), former=first).card_persons
    old = first.group_by("person_id").agg("card_number")
    new = dict(second.group_by("person_id").agg("card_number").iter_rows())
    for person, numbers in old.iter_rows():
        if person in new:
            assert set(numbers) & set(new[person])


@quick
@given(registers, st.integers(1, 5))
def test_chunks_of_pairs_change_nothing(cards: pl.DataFrame, chunk: int) -> None:
    records = standardise(cards)
    pairs, rare = candidates(records).pairs, chances(records, pinned())
    whole, parts = compare(records, pairs, rare), compare(records, pairs, rare, chunk)
    assert whole.pairs.equals(parts.pairs)
    assert whole.patterns.equals(parts.patterns)


@quick
@given(st.fixed_dictionaries({field: st.integers(0, len(LEVELS[field])) for field in FIELDS}), st.integers(0, RARITIES - 1))
def test_a_weight_is_that_of_fellegi_and_sunter(levels: dict[str, int], rarity: int) -> None:
    model = pinned()
    joint = {"match": model.further_cards / model.population, "unrelated": 1.0, "household": model.household_members / model.population}
    for field, level in levels.items():
        if level == 0:
            continue
        chance = model.levels[field][LEVELS[field][level - 1]]
        for name in joint:
            if name in chance:
                joint[name] *= chance[name]
            else:
                joint[name] *= min(chance["unrelated_per_name_chance"] * 2 ** -(rarity / 2), 1.0)
    expected = math.log2(joint["match"] / (joint["unrelated"] + joint["household"]))
    pattern = pl.DataFrame({**levels, "rarity": rarity, "pattern": 0, "pairs": 1})
    assert abs(weigh(pattern, model)["weight"][0] - expected) < 0.001


@quick
@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=30))
def test_components_are_those_of_a_plain_union_find(edges: list[tuple[int, int]]) -> None:
    root = list(range(20))

    def find(node: int) -> int:
        while root[node] != node:
            node = root[node]
        return node

    for a, b in edges:
        low, high = sorted((find(a), find(b)))
        root[high] = low
    ends = np.array(edges, dtype=np.int64).reshape(-1, 2)
    assert components(20, ends[:, 0], ends[:, 1]).tolist() == [find(node) for node in range(20)]


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10**12 - 1), st.integers(0, 11), st.integers(0, 9), st.integers(-200, 200))
def test_one_digit_apart_is_what_the_digits_say(number: int, place: int, digit: int, step: int) -> None:
    text = f"{number:012}"
    for other in (int(text[:place] + str(digit) + text[place + 1 :]), abs(number + step)):
        said = pl.select(one_digit_apart(pl.lit(number, pl.Int64), pl.lit(other, pl.Int64))).item()
        width = max(12, len(str(other)))
        assert said == (sum(x != y for x, y in zip(f"{number:0{width}}", f"{other:0{width}}", strict=True)) == 1)


@quick
@given(st.lists(st.tuples(st.integers(0, 400), st.sampled_from(NAMES[:6])), min_size=2, max_size=40))
def test_candidates_are_the_pairs_of_a_plain_double_loop(people: list[tuple[int, str]]) -> None:
    """By the rule of name and day of birth, where no block is too large."""
    rows = [
        {"card_number": f"DN401{i * 7907 + 10**9:010d}", "full_name": name, "birth_date": date(1980, 1, 2) + timedelta(days=day % 5)}
        for i, (day, name) in enumerate(people)
    ]
    records = standardise(pl.DataFrame(rows, schema=SCHEMA))
    names = records.names.select("surname_id", "given_id").rows()
    keys = [(names[name], birth) for name, birth in records.rows.select("name", "birth").iter_rows()]
    wanted = sum(keys[i] == keys[j] for i in range(len(keys)) for j in range(i))
    counts = candidates(records).counts
    assert counts.filter(pl.col("rule") == "name_and_birth_date")["pairs"][0] == wanted
