"""Among how many people coincidences are expected: what a register itself tells about that."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from tests.property.person_worlds import CARD, SCHEMA
from transforms.persons import link, pinned
from transforms.persons.at_hand import at_hand
from transforms.persons.standardise import standardise

PEOPLE = 50_000
WORDS = ("An", "Bình", "Chi", "Dung", "Đào", "Giang", "Hà", "Khanh", "Lan", "Mai", "Nga", "Oanh", "Phúc", "Quy", "Sen", "Tâm")
SURNAMES = ("Nguyễn", "Trần", "Lê", "Phạm")


def nation(people: int) -> list[dict[str, Any]]:
    """Women with verified CCCDs, whose names and birth dates have nothing to do with each other; most names are rare."""
    random = np.random.default_rng(1)
    names = random.integers(0, len(WORDS), (people, 3))
    days = random.integers(0, 18_000, people)
    rows = []
    for i, (name, day) in enumerate(zip(names.tolist(), days.tolist(), strict=True)):
        born = date(1950, 1, 1) + timedelta(days=day)
        called = " ".join((SURNAMES[i % 4], *(WORDS[word] for word in name)))
        citizen = f"0011{born.year % 100:02}{i:06}"
        rows.append({**CARD, "card_number": f"DN401{10**9 + i}", "full_name": called, "birth_date": born, "citizen_id": citizen})
    return rows


def population(rows: list[dict[str, Any]]) -> float:
    return at_hand(standardise(pl.DataFrame(rows, schema=SCHEMA)), pinned()).population


def with_homonyms(rows: list[dict[str, Any]], last_digits: int) -> list[dict[str, Any]]:
    """Four hundred more women with name and birth date of others; their CCCDs differ from those in so many of the last digits."""
    more = []
    for i, row in enumerate(rows[:400]):
        kept, other = row["citizen_id"][:-last_digits], row["citizen_id"][-last_digits:]
        citizen = kept + "".join(str((int(digit) + 5) % 10) for digit in other)
        more.append({**row, "card_number": f"GD401{2 * 10**9 + i}", "citizen_id": citizen})
    return rows + more


def test_a_few_cards_may_be_picked_by_hand() -> None:
    assert population(nation(3)) > 9_900_000


def test_many_cards_with_no_more_coincidences_than_chance_has_are_all_there_are() -> None:
    assert PEOPLE <= population(nation(PEOPLE)) < 9_000_000 / 4  # 9 million: what so few cards are taken for beforehand


def test_homonyms_of_rare_names_make_a_register_picked() -> None:
    rows = nation(PEOPLE)
    assert population(with_homonyms(rows, 2)) > 4 * population(rows)


def test_a_cccd_with_one_digit_mistyped_is_no_homonym() -> None:
    rows = nation(PEOPLE)
    assert population(with_homonyms(rows, 1)) < 1.1 * population(rows)


def test_a_few_second_cccds_are_expected_where_people_have_many_cards() -> None:
    """Of so many cards of one woman some bear somebody else's good number: no homonyms follow from that."""
    people = with_homonyms(nation(20_000), 2)
    cards = [{**row, "card_number": f"{row['card_number'][:5]}{i * 100_000 + n:010}"} for n, row in enumerate(people) for i in range(8)]
    assert population(cards) < 1.1 * population(cards[: 20_000 * 8])


def test_half_a_million_cards_are_all_there_are() -> None:
    rows = pl.DataFrame([{**CARD, "card_number": "DN4010000000000"}], schema=SCHEMA)
    many = pl.concat([rows] * 500_000).with_columns(card_number=pl.format("DN401{}", pl.int_range(10**9, 10**9 + 500_000)))
    assert at_hand(standardise(many), pinned()).population == 500_000


def test_a_rare_name_and_date_in_two_provinces_is_judged_by_how_many_people_there_are() -> None:
    """The same two cards, with no number in common: in a heap of three a person should look, in a register of thousands it is she."""
    two = [
        {**CARD, "card_number": "DN4010000000001", "full_name": "Nguyễn Thị Sen Tâm"},
        {**CARD, "card_number": "GD4797777766666", "full_name": "Nguyễn Thị Sen Tâm", "province_code": "79", "commune_code": "26734"},
    ]
    for others, persons in ((1, 2), (PEOPLE, 1)):
        found = link(pl.DataFrame(two + nation(others), schema=SCHEMA)).card_persons
        hers = found.filter(pl.col("card_number").is_in([card["card_number"] for card in two]))
        assert hers["person_id"].n_unique() == persons
