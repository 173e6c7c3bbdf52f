"""Which cards are one person, on small literal registers. Columns not named in a table keep the value of `CARD`."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from tests.property.person_worlds import CARD, SCHEMA
from transforms.persons import explain, link
from transforms.persons.compare import LEVELS
from transforms.persons.words import LEVEL_WORDS

# Two cards with nothing in their numbers in common.
ONE, OTHER, THIRD = "DN4010000000001", "GD4017777766666", "HC4015151595959"
HERS = "001180112233"  # a CCCD that agrees with CARD: woman, born 1980
HERS_TOO = "001180998877"


def register(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([{**CARD, **row} for row in rows], schema=SCHEMA)


def persons(*rows: dict[str, Any], **asked: Any) -> list[list[str]]:
    """The card keys of each person."""
    found = link(register(*rows), **asked).card_persons.unique(["card_key", "person_id"])
    return sorted(sorted(keys) for keys in found.group_by("person_id").agg("card_key")["card_key"].to_list())


def one_person(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return len(persons({"card_number": ONE, **one}, {"card_number": OTHER, **other})) == 1


# One card


def test_a_ten_digit_number_is_the_card_that_ends_in_it() -> None:
    found = link(register({"card_number": "0000000001", "full_name": "Lê Văn Tám"}, {"card_number": ONE}))
    assert found.card_persons.select("card_number", "card_key").rows() == [("0000000001", ONE), (ONE, ONE)]
    assert found.card_persons["person_id"].n_unique() == 1


def test_a_ten_digit_number_takes_the_smallest_of_several_cards() -> None:
    found = link(register({"card_number": "0000000001"}, {"card_number": "TE1010000000001"}, {"card_number": ONE}))
    assert dict(found.card_persons.select("card_number", "card_key").iter_rows())["0000000001"] == ONE


def test_a_ten_digit_number_without_a_long_one_is_its_own_card() -> None:
    found = link(register({"card_number": "0000000001"}))
    assert found.card_persons["card_key"].to_list() == ["0000000001"]


def test_the_latest_register_speaks_for_a_card() -> None:
    """The name was corrected in October; only the corrected card is hers."""
    before = {"card_number": ONE, "full_name": "Trần Văn Bảy", "sex": "1", "period": date(2025, 9, 1)}
    after = {"card_number": ONE, "period": date(2025, 10, 1)}
    assert persons(before, after, {"card_number": OTHER}) == [[ONE, OTHER]]


def test_an_earlier_register_fills_in_what_the_latest_leaves_out() -> None:
    before = {"card_number": ONE, "citizen_id": HERS, "period": date(2025, 8, 1)}
    after = {"card_number": ONE, "citizen_id": None, "commune_code": "00955", "province_code": "48"}
    assert persons(before, after, {"card_number": OTHER, "citizen_id": HERS, "commune_code": "00202"}) == [[ONE, OTHER]]


def test_a_card_that_moved_is_still_known_by_where_it_was() -> None:
    before = {"card_number": ONE, "period": date(2025, 8, 1)}
    after = {"card_number": ONE, "province_code": "79", "commune_code": "26734"}
    assert persons(before, after, {"card_number": OTHER}) == [[ONE, OTHER]]


# Names: same date, sex and commune, no number in common


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Nguyễn Thị Hòa", "Nguyễn Thị Hoà"),
        ("Nguyễn Thị Thúy", "Nguyễn Thị Thuý"),
        ("Lý Thị Mỹ", "Lí Thị Mĩ"),
        ("Trần Quý Hải", "Trần Quí Hải"),
        ("Đặng Thị Đào", "Ðặng Thị Ðào"),
        ("Đặng Thị Đào", "ñặng Thị ñào"),
        ("Nguyễn Thị Lan", "NGUYỄN THỊ LAN"),
        ("Nguyễn Thị Lan", "Ng. Thị Lan"),
        ("Phùng Thị Bích Thảo", "Phùng Thị Bích Thảo (Tí)"),
        ("Nguyễn Thị Lan", "  Nguyễn   Thị Lan "),
        ("Nguyễn Thị Lan", "Nguye\u0302\u0303n Thi\u0323 Lan"),
        ("Phùng Thị Bích Thảo", "Phung Thi Bich Thao"),
        ("Phùng Thị Bích Thảo", "Phùng Bích Thảo"),
        ("Phùng Thị Bích Thảo", "Phùng Thị Thảo"),
        ("Phùng Thị Bích Thảo", "Thảo Phùng Thị Bích"),
        ("Phùng Thị Bích Thảo", "PhùngThịBíchThảo"),
        ("Phùng Thị Mỹ Thảo", "Phùng Thị MỹThảo"),
        ("Phùng Thị Bích Thảo", "Phùng Thị Bíhc Thảo"),
        ("Phùng Thị Bích Thảo", "Phung Thị Bích Thảo"),
    ],
)
def test_a_name_written_in_two_ways(one: str, other: str) -> None:
    assert one_person({"full_name": one}, {"full_name": other})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Nguyễn Thị Mai", "Nguyễn Thị May"),
        ("Nguyễn Văn Hùng", "Nguyễn Văn Hưng"),
        ("Nguyễn Thị Lan", "Nguyễn Thị Huệ"),
        ("Nguyễn Thị Lan", "Nguyễn Ngọc Lan"),
        ("Nguyễn Thị Lan", "Trần Thị Lan"),
        ("Phùng Lan Mai", "Phùng Mai Lan"),
        ("Phùng Thị Hoa", "Phùng Thị Hà"),
    ],
)
def test_two_names(one: str, other: str) -> None:
    assert not one_person({"full_name": one}, {"full_name": other})


# Dates: same name, sex and commune


RARE = {"full_name": "Phùng Diễm Thắm"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (date(1980, 7, 3), date(1980, 3, 7)),
        (date(1980, 7, 23), date(1980, 7, 28)),
        (date(1980, 7, 23), date(1986, 7, 23)),
        (date(1980, 7, 23), date(1980, 1, 1)),
    ],
)
def test_a_birth_date_written_in_two_ways(one: date, other: date) -> None:
    assert one_person({**RARE, "birth_date": one}, {**RARE, "birth_date": other})


def test_a_birth_year_agrees_with_a_date_of_a_rare_name() -> None:
    year_only = {"birth_date": date(1980, 1, 1), "birth_precision": "year"}
    assert one_person(RARE, {**RARE, **year_only})


def test_a_birth_year_is_too_little_for_a_common_name() -> None:
    year_only = {"birth_date": date(1980, 1, 1), "birth_precision": "year"}
    assert not one_person({}, year_only)
    assert not one_person(year_only, year_only)
    assert one_person({"citizen_id": HERS}, {**year_only, "citizen_id": HERS})


def test_two_birth_dates() -> None:
    assert not one_person({}, {"birth_date": date(1981, 11, 2)})
    assert not one_person({}, {"birth_date": date(1980, 11, 2)})


# Numbers in common


ELSEWHERE = {"province_code": "79", "commune_code": "26734"}


def test_the_same_verified_cccd_in_two_provinces() -> None:
    assert one_person({"citizen_id": HERS}, {**ELSEWHERE, "citizen_id": HERS})


@pytest.mark.parametrize("slip", ["Nguyễn Thị La", "Nguyễn Thị an", "Nguyễn Thị Lân", "Nguyễn Thi Lna"])
def test_the_same_verified_cccd_and_a_slip_in_a_short_given_name(slip: str) -> None:
    assert one_person({"citizen_id": HERS}, {"citizen_id": HERS, "full_name": slip})


def test_the_same_social_insurance_number_in_two_groups_and_provinces() -> None:
    assert persons({"card_number": "DN4010000000001"}, {"card_number": "GD4790000000001", **ELSEWHERE}) == [
        ["DN4010000000001", "GD4790000000001"]
    ]


def test_the_social_insurance_number_listed_beside_a_card() -> None:
    assert one_person({}, {**ELSEWHERE, "social_insurance_number": "0000000001"})


def test_the_same_old_cmnd() -> None:
    assert one_person({"citizen_id": "013456781"}, {**ELSEWHERE, "citizen_id": "013456781"})


@pytest.mark.parametrize("placeholder", ["000000000000", "111111111111", "123456789012", "001180000000", "000000000", "123456789"])
def test_a_placeholder_proves_nothing(placeholder: str) -> None:
    assert not one_person({"citizen_id": placeholder}, {**ELSEWHERE, "citizen_id": placeholder})


def test_the_number_of_a_village_head_proves_nothing() -> None:
    villagers = [
        {"card_number": f"GD40188{i * 7919:08d}", "citizen_id": HERS, "full_name": f"Trần Thị {name}", "birth_date": date(1980, 1 + i, 9)}
        for i, name in enumerate(["Lan", "Huệ", "Cúc", "Mai", "Đào", "Sen", "Hoa", "Nhài", "Thu", "Xuân"])
    ]
    assert len(persons(*villagers)) == len(villagers)
    assert link(register(*villagers)).report["numbers_set_aside"]["citizen"] == 1


def test_one_number_on_two_quite_different_people_is_a_slip() -> None:
    """An employer's slip: the same social insurance number, another name, date and sex."""
    other = {"full_name": "Phan Quốc Khải", "birth_date": date(1992, 2, 14), "sex": "1", **ELSEWHERE}
    assert not one_person({}, {**other, "social_insurance_number": "0000000001"})


# Nothing in common but who they are


def test_two_cards_of_one_person_in_one_commune() -> None:
    assert one_person({}, {})


def test_a_rare_name_in_another_province() -> None:
    assert one_person(RARE, {**RARE, **ELSEWHERE})


SOUTH = {**ELSEWHERE, "card_number": "GD4797900000123"}  # a number of the province where its bearer lives, as DN4010100000017 is


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ({}, {"card_number": "GD4010100000123", "commune_code": "00161"}, "near"),
        ({}, {"card_number": "GD4010100000123", "commune_code": "00162"}, "province"),
        ({}, {**SOUTH, "commune_code": "00161"}, "other"),  # codes lie near, provinces do not
        ({}, SOUTH, "other"),
        ({}, {**SOUTH, "card_number": "GD4790100000123"}, "moved"),
        ({"card_number": "DN4017700000017"}, SOUTH, "moved"),  # 77 was Bà Rịa - Vũng Tàu
        ({"card_number": "DN4010100000017"}, {**SOUTH, "card_number": "GD4790100000017"}, "other"),  # one number: it tells enough
        ({"citizen_id": "079180112233"}, SOUTH, "born_there"),
        ({}, {**SOUTH, "citizen_id": HERS}, "born_there"),
        ({"citizen_id": "079180112233"}, {**SOUTH, "citizen_id": "075180998877"}, "other"),  # they have one each, and these tell enough
        ({"citizen_id": "079180112233"}, {**SOUTH, "card_number": "GD4790100000123"}, "moved"),
    ],
)
def test_where_the_other_card_is(one: dict[str, Any], other: dict[str, Any], level: str) -> None:
    one, other = {"card_number": "DN4010100000017", **one}, {**other}
    told = explain(register(one, other), one["card_number"], other["card_number"])
    assert dict(told.select("field", "level").iter_rows())["place"] == level


def test_who_has_a_number_of_the_other_province_has_moved() -> None:
    """Of two women of one name and birth date, not so rare as to tell enough."""
    names = {"full_name": "Trần Ngọc Bích"}
    here = {**names, "card_number": "DN4010100000017"}
    assert not one_person(here, {**SOUTH, **names})
    assert one_person(here, {**SOUTH, **names, "card_number": "GD4790100000123"})
    assert one_person({**here, "citizen_id": "079180112233"}, {**SOUTH, **names})


def test_homonyms_with_the_same_birth_date_in_two_provinces() -> None:
    assert not one_person({}, ELSEWHERE)


def test_homonyms_stay_apart_however_small_the_register() -> None:
    """The chances of coincidence are the nation's: other cards change nothing."""
    few = [{"card_number": ONE}, {"card_number": OTHER, **ELSEWHERE}]
    strangers = [{"card_number": f"TE101{i * 104729:010d}", "full_name": f"Lò Thị {w}", **ELSEWHERE} for i, w in enumerate("ABCDEFGH", 1)]
    assert [ONE] in persons(*few)
    assert [ONE] in persons(*few, *strangers)


def test_two_verified_cccds_are_two_people() -> None:
    assert not one_person({"citizen_id": HERS}, {"citizen_id": HERS_TOO})


def test_a_cccd_with_one_digit_mistyped_is_one_person() -> None:
    assert one_person({"citizen_id": HERS}, {"citizen_id": HERS[:-1] + "9"})


def test_twins_stay_apart() -> None:
    """Same surname, birth date, commune and household, CCCDs one apart, and one of them given the other's number."""
    child = {"birth_date": date(2018, 5, 6), "sex": "1", "household": "0101234567"}
    minh, quan = {**child, "full_name": "Trần Gia Minh"}, {**child, "full_name": "Trần Gia Quân"}
    assert not one_person(minh, quan)
    assert not one_person({**minh, "citizen_id": "001218000123"}, {**quan, "citizen_id": "001218000124"})
    assert not one_person({**minh, "citizen_id": HERS}, {**quan, "citizen_id": HERS})


def test_a_twin_with_the_verified_cccd_of_the_other_stays_apart() -> None:
    """The number agrees with sex and year of both, but the given names differ: for a person to decide."""
    girl = {"birth_date": date(2018, 5, 6), "household": "0101234567", "citizen_id": "001318000123"}
    assert not one_person({**girl, "full_name": "Trần Bảo Ngọc"}, {**girl, "full_name": "Trần Bảo Hân"})


def test_twins_with_names_that_sound_alike_stay_apart() -> None:
    child = {"birth_date": date(2018, 5, 6), "sex": "1", "household": "0101234567"}
    assert not one_person({**child, "full_name": "Trần Minh Tuấn"}, {**child, "full_name": "Trần Minh Tuân"})


def test_a_child_with_the_number_of_its_mother_stays_apart() -> None:
    child = {"full_name": "Trần Bảo Ngọc", "birth_date": date(2019, 3, 2), "household": "0101234567", "citizen_id": HERS}
    assert not one_person({"household": "0101234567", "citizen_id": HERS}, child)


def test_a_number_of_a_household_that_names_a_province_is_taken_along() -> None:
    """Ten digits that begin with a province are a household of the nation; other numbers are those of each province."""
    moved = {"province_code": "79", "commune_code": "26734"}
    assert not one_person({}, moved)
    assert one_person({"household": "0101234567"}, {**moved, "household": "0101234567"})
    assert not one_person({"household": "0000000561"}, {**moved, "household": "0000000561"})
    assert not one_person({"household": "561"}, {**moved, "household": "561"})


def test_a_household_that_moves_stays_two_people() -> None:
    moved = {"province_code": "79", "commune_code": "26734", "household": "0101234567"}
    assert not one_person({"household": "0101234567"}, {**moved, "full_name": "Nguyễn Thị Hoa", "birth_date": date(1983, 2, 4)})
    assert not one_person({"household": "0101234567"}, {**moved, "full_name": "Nguyễn Thị Hoa"})


def test_a_son_named_like_his_father_stays_apart() -> None:
    man = {"full_name": "Phùng Văn Lực", "sex": "1", "household": "0101234567"}
    assert not one_person({**man, "birth_date": date(1962, 4, 8)}, {**man, "birth_date": date(1990, 10, 30)})


def test_a_bridge_does_not_join_two_verified_people() -> None:
    """The third card, without a CCCD, could be either's: it goes to one, and the two stay apart."""
    found = persons({"card_number": ONE, "citizen_id": HERS}, {"card_number": OTHER, "citizen_id": HERS_TOO}, {"card_number": THIRD})
    assert len(found) == 2
    assert not any({ONE, OTHER} <= set(keys) for keys in found)


def test_two_sexes_with_two_birth_years_are_two_people() -> None:
    shared = {"citizen_id": "013456781", "full_name": "Phùng Diễm Thắm"}
    assert not one_person(shared, {**shared, "sex": "1", "birth_date": date(1986, 7, 23)})


# Lives: the same name, date, sex and commune; one card was withdrawn on 1 May 2025


DIED = {"withdrawn_on": date(2025, 5, 1), "withdrawal_reason": "CHET"}
AFTER, BEFORE = {"valid_from": date(2025, 5, 2)}, {"valid_from": date(2025, 5, 1)}


@pytest.mark.parametrize(
    ("died", "begun", "one"),
    [
        (DIED, AFTER, False),
        (DIED, BEFORE, True),
        # A dead person's card that was given out again: claims on it are what auditors look for.
        ({**DIED, "citizen_id": HERS}, {**AFTER, "citizen_id": HERS}, True),
        ({**DIED, "social_insurance_number": "7931231231"}, {**AFTER, "social_insurance_number": "7931231231"}, True),
        # An old CMND is not proof enough, nor is a CCCD that is not hers.
        ({**DIED, "citizen_id": "013456781"}, {**AFTER, "citizen_id": "013456781"}, False),
        ({**DIED, "citizen_id": "001055112233"}, {**AFTER, "citizen_id": "001055112233"}, False),
        ({**DIED, "withdrawn_on": None}, AFTER, True),
        ({**DIED, "withdrawal_reason": "CHUYEN"}, AFTER, True),
        ({**DIED, "withdrawal_reason": None}, AFTER, True),
        (DIED, {**AFTER, "valid_from": None}, True),
    ],
)
def test_who_died_holds_no_card_that_began_later(died: dict[str, Any], begun: dict[str, Any], one: bool) -> None:
    assert one_person(died, begun) == one
    assert one_person(begun, died) == one


def test_a_card_begins_where_the_first_register_has_it() -> None:
    january = {"card_number": OTHER, "valid_from": date(2025, 1, 1), "period": date(2025, 8, 1)}
    renewed = {"card_number": OTHER, **AFTER}
    assert persons({"card_number": ONE, **DIED}, january, renewed) == [[ONE, OTHER]]
    assert persons({"card_number": ONE, **DIED}, renewed) == [[ONE], [OTHER]]


def test_a_death_holds_until_a_later_register_takes_it_back() -> None:
    dead = {"card_number": ONE, **DIED, "period": date(2025, 8, 1)}
    assert persons(dead, {"card_number": OTHER, **AFTER}) == [[ONE], [OTHER]]
    assert persons(dead, {"card_number": ONE}, {"card_number": OTHER, **AFTER}) == [[ONE, OTHER]]


def test_a_third_card_does_not_join_two_lives() -> None:
    found = persons({"card_number": ONE, **DIED}, {"card_number": OTHER, **AFTER}, {"card_number": THIRD})
    assert len(found) == 2
    assert not any({ONE, OTHER} <= set(keys) for keys in found)


# Decisions


def test_decisions_of_people_come_first() -> None:
    def decided(a: str, b: str, same: bool) -> pl.DataFrame:
        return pl.DataFrame({"card_key_a": [a], "card_key_b": [b], "same": [same]})

    strangers = ({"card_number": ONE}, {"card_number": OTHER, "full_name": "Lê Thị Huệ", "birth_date": date(1999, 1, 2)})
    assert persons(*strangers, decisions=decided(OTHER, ONE, True)) == [[ONE, OTHER]]
    alike = ({"card_number": ONE}, {"card_number": OTHER})
    assert persons(*alike, decisions=decided(OTHER, ONE, False)) == [[ONE], [OTHER]]


def test_two_cards_told_apart_stay_apart_also_when_both_are_said_to_be_a_third() -> None:
    one, other, third = (
        {"card_number": n, "full_name": w, **ELSEWHERE} for n, w in ((ONE, "Lò Thị A"), (OTHER, "Vi Văn B"), (THIRD, "Hà Thị C"))
    )
    said = pl.DataFrame({"card_key_a": [ONE, OTHER, ONE], "card_key_b": [OTHER, THIRD, THIRD], "same": [True, True, False]})
    assert len(persons(one, other, third, decisions=said)) == 2


def test_what_was_told_apart_does_not_come_together_by_a_third() -> None:
    apart = pl.DataFrame({"card_key_a": [ONE], "card_key_b": [OTHER], "same": [False]})
    found = persons({"card_number": ONE}, {"card_number": OTHER}, {"card_number": THIRD}, decisions=apart)
    assert len(found) == 2
    assert not any({ONE, OTHER} <= set(keys) for keys in found)


# Ids


def ids(*rows: dict[str, Any], former: pl.DataFrame | None = None, decisions: pl.DataFrame | None = None) -> dict[str, str]:
    return dict(link(register(*rows), former=former, decisions=decisions).card_persons.select("card_number", "person_id").iter_rows())


def test_an_id_is_made_from_the_smallest_card() -> None:
    alone = ids({"card_number": ONE})
    assert alone == {ONE: "P" + alone[ONE][1:]}
    assert len(alone[ONE]) == 16
    assert ids({"card_number": ONE}, {"card_number": OTHER}) == {ONE: alone[ONE], OTHER: alone[ONE]}


def test_a_person_keeps_the_id_when_a_smaller_card_is_added() -> None:
    former = link(register({"card_number": OTHER})).card_persons
    now = ids({"card_number": OTHER}, {"card_number": ONE}, former=former)
    assert set(now.values()) == set(former["person_id"])


def test_a_merge_keeps_the_id_of_the_smallest_card() -> None:
    rows = ({"card_number": ONE}, {"card_number": OTHER})
    apart = pl.DataFrame({"card_key_a": [ONE], "card_key_b": [OTHER], "same": [False]})
    former = link(register(*rows), decisions=apart).card_persons
    before = ids(*rows, decisions=apart)
    assert before[ONE] != before[OTHER]
    assert ids(*rows, former=former) == {ONE: before[ONE], OTHER: before[ONE]}


def test_a_split_keeps_the_id_with_the_smallest_card_and_reuses_none() -> None:
    rows = ({"card_number": ONE}, {"card_number": OTHER})
    apart = pl.DataFrame({"card_key_a": [ONE], "card_key_b": [OTHER], "same": [False]})
    first = link(register({"card_number": OTHER})).card_persons
    second = link(register(*rows), former=first).card_persons  # both under the id of OTHER
    third = ids(*rows, former=second, decisions=apart)
    assert third[ONE] == first["person_id"][0]
    assert third[OTHER] not in set(second["person_id"])


# Explanations


def test_an_explanation_sums_up_to_the_weight() -> None:
    cards = register({"card_number": ONE}, {"card_number": OTHER, "full_name": "Nguyen Thi Lan", "sex": "3"})
    told = explain(cards, ONE, OTHER)
    levels = dict(told.select("field", "level").iter_rows())
    assert levels["name"] == "unaccented"
    assert levels["sex"] == "missing"
    assert levels["place"] == "commune"
    assert told.filter(pl.col("field") != "total")["weight"].sum() == pytest.approx(
        told.filter(pl.col("field") == "total")["weight"][0], abs=0.01
    )


def test_each_level_has_words() -> None:
    assert set(LEVEL_WORDS) == {(field, level) for field, levels in LEVELS.items() for level in levels}


# Bad input


def test_an_empty_register() -> None:
    found = link(register())
    assert found.card_persons.rows() == []
    assert found.report["persons"] == 0


def test_a_card_of_which_nothing_is_known() -> None:
    nothing = dict.fromkeys(set(SCHEMA) - {"card_number"})
    assert persons({**nothing, "card_number": ONE}, {**nothing, "card_number": OTHER}) == [[ONE], [OTHER]]


def test_one_name_and_date_on_thousands_of_cards_is_bounded_and_counted() -> None:
    rows = [{"card_number": f"DN401{i * 104729 % 10**10:010d}"} for i in range(1, 3_001)]
    report = link(register(*rows)).report
    assert report["pairs_compared"] < 100_000
    assert report["pairs_left_out"] > 4_000_000


def test_the_number_of_a_village_head_on_400_cards_is_told_by_its_count_only() -> None:
    words = [f"{a}{b}" for a in ("Lan", "Mai", "Hoa", "Sen", "Tâm") for b in ("", "g", "h", "i")]
    rows = [
        {"card_number": f"GD40188{i * 7919:08d}", "citizen_id": HERS, "full_name": f"Trần {words[i % 20]} {words[i // 20]}", **ELSEWHERE}
        for i in range(400)
    ]
    report = link(register(*rows)).report
    assert report["persons"] == 400
    assert "1 CCCD set aside: each is carried by more than 8 names, together by 400 records" in report["warnings"]
    assert HERS not in str(report)


def test_a_register_without_birth_dates_says_so() -> None:
    rows = [{"card_number": f"DN401{i * 104729:010d}", "birth_date": None, "full_name": f"Lê {'ABCDEFGHIJ'[i]}"} for i in range(1, 10)]
    report = link(register(*rows)).report
    assert report["persons"] == 9
    assert report["warnings"] == ["9 of 9 cards are without a birth date: they are recognised by their numbers only"]


# Registers whose citizen numbers follow no structure


def unstructured(*rows: dict[str, Any]) -> list[list[str]]:
    """Those of `rows` that are one person, among thirty others whose numbers say nothing of sex and birth either."""
    others = [
        {
            "card_number": f"HS401{i * 104729 % 10**10:010d}",
            "citizen_id": f"9{i * 7919 % 10**11:011d}",
            "full_name": f"Lý Văn {'ABCDEFGHIJ'[i % 10]}",
        }
        for i in range(1, 31)
    ]
    kept = {r["card_number"] for r in rows}
    return [keys for keys in persons(*rows, *others) if kept & set(keys)]


def test_where_numbers_have_no_structure_two_numbers_are_two_persons() -> None:
    one, other = {"card_number": ONE, "citizen_id": "970118223344"}, {"card_number": OTHER, "citizen_id": "912058771199"}
    assert unstructured(one, other) == [[ONE], [OTHER]]


def test_where_numbers_have_no_structure_one_number_is_one_person() -> None:
    one, other = (
        {"card_number": ONE, "citizen_id": "970118223344"},
        {"card_number": OTHER, "citizen_id": "970118223344", "commune_code": None},
    )
    assert unstructured(one, other) == [[ONE, OTHER]]
