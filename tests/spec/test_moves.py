"""How people move, as the registers at hand tell it: chances of the levels of `place`."""

from __future__ import annotations

import sys
from datetime import date
from typing import Any

import polars as pl
import pytest

from tests.property.person_worlds import CARD, SCHEMA
from transforms.persons import pinned
from transforms.persons.at_hand import PRIOR_PAIRS, at_hand, moves
from transforms.persons.compare import LEVELS, home_levels
from transforms.persons.numbers import GIVEN_OUT_IN
from transforms.persons.standardise import Records, standardise
from warehouse.samples.places import REFERENCE

PLACE = pinned().levels["place"]
MANY = 400  # people


def records(*rows: dict[str, Any]) -> Records:
    return standardise(pl.DataFrame([{**CARD, **row} for row in rows], schema=SCHEMA))


def word(i: int) -> str:
    """Another word for each of the first 676 numbers."""
    return chr(65 + i % 26) + chr(97 + i // 26)


def cards(first: dict[str, Any], second: dict[str, Any], issued: tuple[str, str], people: int = MANY) -> list[dict[str, Any]]:
    """Two cards each of women with verified CCCDs, whose social insurance numbers were given out in these two provinces."""
    rows = []
    for i in range(people):
        her = {"citizen_id": f"001180{i + 1:06}", "full_name": f"Lê Thị {word(i)}"}
        numbers = (f"DN401{issued[0]}{i * 2 + 1:08}", f"GD401{issued[1]}{i * 2 + 1_100_001:08}")
        rows += [{**her, "card_number": number, **where} for number, where in zip(numbers, (first, second), strict=True)]
    return rows


NEAR, FAR = {"commune_code": "00131"}, {"commune_code": "00901"}
SOUTH = {"province_code": "79", "commune_code": "26734"}


def share(chances: dict[str, float], level: str, *others: str) -> float:
    return chances[level] / sum(chances[other] for other in (level, *others))


@pytest.mark.parametrize(("second", "near"), [(NEAR, 1), (FAR, 0)])
def test_moves_within_a_province(second: dict[str, Any], near: int) -> None:
    """Of the pairs of one person, all near or none; what the model says is worth `PRIOR_PAIRS`."""
    rest = ("old_province", "province")
    before = share({level: PLACE[level]["match"] for level in PLACE}, "near", *rest)
    found = moves(records(*cards({}, second, ("10", "10"))), PLACE)
    assert share(found, "near", *rest) == pytest.approx((MANY * near + PRIOR_PAIRS * before) / (MANY + PRIOR_PAIRS))
    assert sum(found[level] for level in ("near", *rest)) == pytest.approx(sum(PLACE[level]["match"] for level in ("near", *rest)))


@pytest.mark.parametrize(
    ("issued", "there"),
    [
        (("10", "01"), 1),  # the number of her card in the south was given out in Hà Nội, where her other card is
        (("74", "10"), 1),  # that of her card in Hà Nội in what is Hồ Chí Minh City today
        (("10", "10"), 0),
    ],
)
def test_moves_to_another_province(issued: tuple[str, str], there: int) -> None:
    rest = ("born_there", "other")
    before = share({level: PLACE[level]["match"] for level in PLACE}, "moved", *rest)
    found = moves(records(*cards({}, SOUTH, issued)), PLACE)
    assert share(found, "moved", *rest) == pytest.approx((MANY * there + PRIOR_PAIRS * before) / (MANY + PRIOR_PAIRS))


def test_a_cccd_of_the_other_province() -> None:
    """Pairs with one social insurance number tell how often the only CCCD is from where the other card is."""
    rows = [
        {**row, "card_number": row["card_number"][:5] + "10" + f"{i // 2 + 1:08}"} for i, row in enumerate(cards({}, SOUTH, ("10", "10")))
    ]
    rows = [row if row["card_number"][:2] == "GD" else {**row, "citizen_id": None} for row in rows]
    assert home_levels(records(*rows[:2]), pl.DataFrame({"left": [0], "right": [1]}))["place"].to_list() == [
        LEVELS["place"].index("born_there") + 1
    ]
    before = PLACE["born_there"]["match"] / (PLACE["born_there"]["match"] + PLACE["other"]["match"])
    found = moves(records(*rows), PLACE)
    assert share(found, "born_there", "other") == pytest.approx((MANY + PRIOR_PAIRS * before) / (MANY + PRIOR_PAIRS))


def test_two_people_with_one_number_prove_nothing() -> None:
    rows = [{**row, "full_name": f"Trần {word(i // 26)} {word(i % 26)}"} for i, row in enumerate(cards({}, NEAR, ("10", "10")))]
    assert moves(records(*rows), PLACE) == pytest.approx({level: PLACE[level]["match"] for level in LEVELS["place"][4:]})


def test_a_number_that_contradicts_its_card_proves_nothing() -> None:
    """Mother and daughter of one name, and the mother's CCCD on both cards."""
    rows = [{**row, "birth_date": date(2005, 7, 23)} if i % 2 else row for i, row in enumerate(cards({}, NEAR, ("10", "10")))]
    assert moves(records(*rows), PLACE) == pytest.approx({level: PLACE[level]["match"] for level in LEVELS["place"][4:]})


def test_unrelated_people_are_counted_pair_by_pair() -> None:
    """Of many people without any ties: how many pairs are near, and how many have a number of the other's province."""
    places = (
        ("01", "00101", "01"), ("01", "00155", "10"), ("01", "00901", "01"), ("01", "00101", "79"),
        ("79", "26734", "77"), ("79", "26740", "79"), ("79", "26740", "10"),
    )  # fmt: skip
    people = []
    for i in range(300):
        province, commune, issued = places[(i * i + i // 3) % 7]
        born = date(1950 + i % 50, 1 + i % 12, 2 + i % 26)
        of_birth = ("001", "079", "010", None)[i // 7 % 4]
        citizen = of_birth and f"{of_birth}1{born:%y}{i * 3_001 + 1:06}"
        place = {"province_code": province, "commune_code": commune, "old_province_code": province, "card_number": f"DN401{issued}{i:08}"}
        people.append({**place, "full_name": f"Lê Thị {word(i)}", "birth_date": born, "citizen_id": citizen})
    counted = records(*people)
    rows = pl.DataFrame({"row": range(counted.rows.height)}, schema={"row": pl.Int32})
    pairs = rows.rename({"row": "left"}).join(rows.rename({"row": "right"}), how="cross").filter(pl.col("left") < pl.col("right"))
    levels = home_levels(counted, pairs)["place"]
    own = 300 / (300 + 100_000)  # what so few cards are worth beside the model
    found = at_hand(counted, pinned()).levels["place"]
    for level in ("near", "old_province", "moved", "born_there", "other"):
        told = (levels == LEVELS["place"].index(level) + 1).mean()
        assert told > 0.03
        assert (found[level]["unrelated"] - (1 - own) * PLACE[level]["unrelated"]) / own == pytest.approx(told, rel=0.01), (
            level
        )  # of two drawn with replacement


def test_the_provinces_that_gave_numbers_out_are_those_of_the_reference() -> None:
    units = pl.read_csv(REFERENCE / "province_units.csv", infer_schema=False).select("code", "province_code").unique()
    assert all(GIVEN_OUT_IN[int(code)] == int(today) for code, today in units.iter_rows())
    assert set(units["code"].cast(pl.Int64)) >= {code for code in range(100) if GIVEN_OUT_IN[code] != code}


def test_many_cards_are_counted_by_every_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two communes of Hà Nội, as many cards in each: strangers are near each other half of the time, of all cards or of a part."""
    found = records(*cards({}, NEAR, ("10", "10")))
    whole = at_hand(found, pinned()).levels["place"]["near"]["unrelated"]
    monkeypatch.setattr(sys.modules["transforms.persons.at_hand"], "SAMPLED", 2 * MANY // 3)
    part = at_hand(found, pinned()).levels["place"]["near"]["unrelated"]
    assert part != whole
    assert part == pytest.approx(whole, rel=0.1)
