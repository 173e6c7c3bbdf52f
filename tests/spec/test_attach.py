"""Whose a claim is that no identifier leads to a register, on small literal registers."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.person_worlds import CARD, SCHEMA, registers
from transforms.persons import Model, link_to_stand
from transforms.persons.attach import attach, keys_changed, keys_of
from transforms.persons.increment import Changed, changed_numbers, link_new
from transforms.persons.standardise import EVIDENCE, standardise

HER_CARD = CARD | {"full_name": "Phùng Diễm Thắm"}  # a rare name
ONE, OTHER = "DN4010000000001", "GD4017777766666"
HERS, HERS_TOO = "001180112233", "001180998877"  # CCCDs that agree with HER_CARD
ALIKE = [c for c in EVIDENCE if c in CARD]


def attached(claim: dict[str, Any], *cards: dict[str, Any]) -> list[tuple[str, str]]:
    """Card and reason found for a claim that says what HER_CARD says but for what `claim` names."""
    register = pl.DataFrame([{"card_number": ONE, **HER_CARD, **card} for card in cards], schema=SCHEMA)
    linkage, standing = link_to_stand(register)
    said = {c: HER_CARD[c] for c in ALIKE} | claim
    claims = pl.DataFrame([{"row": 7, **said}], schema={"row": pl.Int64} | {c: SCHEMA[c] for c in ALIKE})
    found = attach(claims, linkage.card_persons, standing, Model.parse(standing.facts["model"]))
    assert found["row"].to_list() == [7] * found.height
    return found.select("card_key", "reason").rows()


def test_a_rare_name_birth_date_and_commune_lead_to_the_person() -> None:
    assert attached({}, {}) == [(ONE, "name same, birth same, sex same, place commune")]


def test_a_slip_in_the_citizen_id_does_not_hide_the_person() -> None:
    ((card, reason),) = attached({"citizen_id": HERS[:-1] + "4"}, {"citizen_id": HERS})
    assert (card, reason) == (ONE, "name same, birth same, sex same, citizen one_digit, place commune")


def test_nor_does_a_slip_in_the_number_of_the_card() -> None:
    ((card, reason),) = attached({"social_insurance_number": "0000000002", "commune_code": None}, {"province_code": "01"})
    assert card == ONE
    assert "name same" in reason


def test_another_verified_citizen_id_is_another_person() -> None:
    assert attached({"citizen_id": HERS_TOO}, {"citizen_id": HERS}) == []


def test_a_common_name_and_a_year_are_too_little() -> None:
    vague = {"full_name": "Nguyễn Văn Hùng", "birth_precision": "year", "commune_code": None, "sex": "1"}
    assert attached(vague, {"full_name": "Nguyễn Văn Hùng", "sex": "1"}) == []


def test_nothing_known_leads_to_nobody() -> None:
    assert attached(dict.fromkeys(ALIKE), {}) == []


def test_two_persons_who_fit_alike_are_left_to_people() -> None:
    twins = ({"citizen_id": HERS}, {"card_number": OTHER, "citizen_id": HERS_TOO})
    assert attached({}, *twins) == []


def test_two_cards_of_one_person_are_one_answer() -> None:
    assert [card for card, _ in attached({}, {"citizen_id": HERS}, {"card_number": OTHER, "citizen_id": HERS})] == [ONE]


@settings(max_examples=15, deadline=None)
@given(registers, registers, st.randoms(use_true_random=False))
def test_order_plays_no_part_and_each_claim_has_one_person_at_most(cards: pl.DataFrame, claims: pl.DataFrame, random: Any) -> None:
    linkage, standing = link_to_stand(cards)
    model = Model.parse(standing.facts["model"])
    asked = claims.select(ALIKE).with_row_index("claim")
    found = attach(asked, linkage.card_persons, standing, model)
    assert found["claim"].is_unique().all()
    assert set(found["card_key"]) <= set(linkage.card_persons["card_key"])
    shuffled = asked[random.sample(range(asked.height), asked.height)]
    assert attach(shuffled, linkage.card_persons, standing, model).sort("claim").equals(found)


def test_what_registers_say_since_the_index_was_made_counts() -> None:
    before = pl.DataFrame([{"card_number": ONE, **HER_CARD}, {"card_number": "HC4010000000099", **CARD}], schema=SCHEMA)
    moved = {"province_code": "79", "commune_code": "26734", "full_name": "Lê Văn Út", "birth_date": date(1951, 2, 3), "sex": "1"}
    now = pl.DataFrame([{"card_number": ONE, **HER_CARD, **moved}, {"card_number": OTHER, **HER_CARD}], schema=SCHEMA)
    now = now.with_columns(period=pl.lit(date(2025, 9, 1)))
    linkage, standing = link_to_stand(before)
    model = Model.parse(standing.facts["model"])
    claims = pl.DataFrame([{c: HER_CARD[c] for c in ALIKE}], schema={c: SCHEMA[c] for c in ALIKE})
    assert attach(claims, linkage.card_persons, standing, model)["card_key"].to_list() == [ONE]
    touched = changed_numbers(standing, now.lazy(), before.lazy())
    since = Changed(touched, standardise(now))
    found = link_new(standing, touched, since.records, linkage.card_persons, model, most=1.0)
    assert attach(claims, found.card_persons, standing, model, since)["card_key"].to_list() == [OTHER]


@settings(max_examples=10, deadline=None)
@given(registers, registers, registers)
def test_whom_no_changed_card_shares_a_key_with_keeps_what_was_found(
    before: pl.DataFrame, later: pl.DataFrame, claims: pl.DataFrame
) -> None:
    now = pl.concat([before, later.with_columns(period=pl.lit(date(2025, 9, 1)))])
    linkage, standing = link_to_stand(before)
    model = Model.parse(standing.facts["model"])
    asked = claims.select(ALIKE).with_row_index("claim")
    found = attach(asked, linkage.card_persons, standing, model)
    touched = changed_numbers(standing, now.lazy(), before.lazy())
    since = Changed(touched, standardise(now.filter(pl.col("card_number").is_in(touched.implode()))))
    index = link_new(standing, touched, since.records, linkage.card_persons, model, most=2.0).card_persons
    stays = keys_of(asked).list.set_intersection(pl.lit(keys_changed(standing, since).implode())).list.len() == 0
    of_all = attach(asked, index, standing, model, since)
    unmoved = asked.filter(stays).select("claim")
    assert of_all.join(unmoved, on="claim", how="semi").equals(found.join(unmoved, on="claim", how="semi"))


ELSEWHERE = {"province_code": "79", "commune_code": "26734"}
NOBODY = dict.fromkeys(ALIKE)


@pytest.mark.parametrize(
    ("claim", "card", "shared"),
    [
        ({"full_name": "Phùng Thị Thắm", **ELSEWHERE}, {}, True),  # surname, given name and birth date
        ({"full_name": "Lê Thị Thắm", "commune_code": None}, {}, True),  # given name, birth date, province
        ({"full_name": "Lê Văn Út", "sex": "1"}, {}, True),  # birth date and commune
        ({"birth_date": date(1980, 2, 3), "commune_code": None}, {}, True),  # name, year, province
        ({"birth_date": date(1951, 7, 23), "commune_code": None}, {}, True),  # name, day and month, province
        ({"birth_date": date(1980, 2, 3), "full_name": "Phùng Thị Thắm"}, {}, True),  # surname, given name, year, commune
        ({"birth_date": date(1980, 5, 7), "full_name": "Thắm Diễm Phùng", **ELSEWHERE}, {"birth_date": date(1980, 7, 5)}, True),
        (NOBODY | {"citizen_id": HERS}, {"citizen_id": HERS}, True),
        (NOBODY | {"citizen_id": "023456789"}, {"citizen_id": "023456789"}, True),
        (NOBODY | {"social_insurance_number": "0000000001"}, {}, True),  # the card's own number
        (NOBODY | {"social_insurance_number": "7777766666"}, {"social_insurance_number": "7777766666"}, True),
        ({"birth_date": date(1951, 2, 3), **ELSEWHERE}, {}, False),
        (NOBODY | {"citizen_id": HERS}, {"citizen_id": HERS_TOO}, False),
    ],
)
def test_a_card_that_comes_or_goes_shares_a_key_with_the_claims_that_it_is_compared_with(
    claim: dict[str, Any], card: dict[str, Any], shared: bool
) -> None:
    said = {c: HER_CARD[c] for c in ALIKE} | {"social_insurance_number": None} | claim
    keys = set(keys_of(pl.DataFrame([said], schema={c: SCHEMA[c] for c in ALIKE}))[0])
    register = pl.DataFrame([{"card_number": ONE, **HER_CARD, **card}], schema=SCHEMA)
    other = {**CARD, **ELSEWHERE, "full_name": "Lê Văn Út", "birth_date": date(1931, 3, 4), "sex": "1"}
    _, without = link_to_stand(pl.DataFrame([{"card_number": "GD4010000000009", **other}], schema=SCHEMA))
    assert keys.isdisjoint(keys_changed(without, Changed(register["card_number"], standardise(register)))) is not shared
    _, with_it = link_to_stand(register)
    assert keys.isdisjoint(keys_changed(with_it, Changed(register["card_number"], standardise(register.clear())))) is not shared


def test_claims_that_say_nothing_have_no_keys() -> None:
    said_nothing = pl.DataFrame([dict.fromkeys(ALIKE)] * 2, schema={c: SCHEMA[c] for c in ALIKE})
    assert keys_of(said_nothing).to_list() == [[], []]
    assert keys_of(said_nothing.clear()).to_list() == []
