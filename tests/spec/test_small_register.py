"""A register as small as those that people try this with first, and every way in which a person comes to several cards in it.

Nothing can be learnt from so few cards: the pinned model decides. Each line says who is meant; persons must come out exactly.
"""

from __future__ import annotations

import unicodedata
from datetime import date
from itertools import product
from typing import Any

import polars as pl

from tests.property.person_worlds import SCHEMA
from transforms.persons import link

CARD = {**dict.fromkeys(SCHEMA), "address": None, "birth_precision": "day", "period": date(2025, 12, 1), "received_rank": 1}
HANOI = {"province_code": "01", "commune_code": "00004"}
SAIGON = {"province_code": "79", "commune_code": "26734"}


def born(day: int, month: int, year: int, sex: str, name: str, **more: Any) -> dict[str, Any]:
    return {"birth_date": date(year, month, day), "sex": sex, "full_name": name, **HANOI, **more}


LAN = born(23, 7, 1980, "2", "Nguyễn Thị Lan", citizen_id="001180112233")
HUNG = born(4, 2, 1975, "1", "Trần Văn Hùng", citizen_id="001075445566", address="12 Lê Lợi")
CHILD = born(9, 5, 2021, "1", "Lê Gia Bảo", address="Thôn Đông")
OLD = born(1, 1, 1941, "2", "Phạm Thị Sáu", birth_precision="year", address="Thôn Đoài", citizen_id="001141000077")
TWIN = {"birth_date": date(2018, 5, 6), "sex": "2", **HANOI, "household": "0101234567", "address": "3 Trần Phú"}
MOTHER = born(11, 11, 1990, "2", "Vũ Thu Hà", citizen_id="001190777888", household="0107654321", address="Tổ 3")
HOMONYM = {"birth_date": date(1988, 8, 8), "sex": "1", "full_name": "Nguyễn Văn Nam"}
NAM = born(15, 1, 1964, "1", "Võ Gia Nam", citizen_id="048064223637", address="290 Hùng Vương")
HUY = born(14, 9, 1979, "1", "Phan Minh Huy", citizen_id="022079835617")
SON = born(6, 12, 1971, "1", "Lý Hữu Huy", citizen_id="001071234765")
HA = born(19, 2, 1958, "2", "Đỗ Thị Mỹ Hà")
MAI = born(2, 4, 1956, "2", "Hồ Thị Mai", citizen_id="022156187699")
BINH = born(3, 10, 1977, "1", "Bùi Đức Bình", citizen_id="001077918743")
DUNG = born(30, 6, 1969, "2", "Đặng Mỹ Dung")
STRANGER = born(17, 3, 1993, "1", "Huỳnh Công Tâm")

# Who, number of the card, what it says.
CARDS: list[tuple[str, str, dict[str, Any]]] = [
    ("two groups, another social insurance number", "DN4010000000001", LAN),
    ("two groups, another social insurance number", "GD4017171717171", {**LAN, "full_name": "NGUYEN THI LAN"}),
    ("moved to another province with the CCCD", "DN4010123456780", HUNG),
    ("moved to another province with the CCCD", "HT3798989898989", {**HUNG, **SAIGON, "address": "Khu phố 9"}),
    *[("five cards of a child in a year", f"{group}0170707070{i}1", CHILD) for i, group in enumerate(("TE1", "HN2", "DT2", "CN3", "DK2"))],
    ("born in a year, poor household and social assistance", "HN2014141414141", OLD),
    ("born in a year, poor household and social assistance", "BT2015252525252", {**OLD, "citizen_id": None}),
    ("an old CMND on the older card", "DN4016363636363", {**MAI, "citizen_id": "013456781"}),
    ("an old CMND on the older card", "HT3017474747474", MAI),
    ("ten digits and fifteen", "0162626262", BINH),
    ("ten digits and fifteen", "DN4010162626262", BINH),
    ("one number on cards of two groups, day and month exchanged", "DN4010185858585", DUNG),
    ("one number on cards of two groups, day and month exchanged", "GD4010185858585", {**DUNG, "full_name": "Dang My Dung"}),
    ("a slip in a short given name", "HS4484861882636", {**NAM, "full_name": "Võ Gia Nm"}),
    ("a slip in a short given name", "TE1484839189853", NAM),
    ("a digit of the CCCD mistyped", "HC4222270782917", HUY),
    ("a digit of the CCCD mistyped", "TE1222250654414", {**HUY, "citizen_id": "022079835697"}),
    ("the first letter of a name lost", "DN4011515151515", SON),
    ("the first letter of a name lost", "GD4012626262626", {**SON, "full_name": "Lý Hữu uy"}),
    ("a space lost, decomposed letters", "GD4019191919191", HA),
    ("a space lost, decomposed letters", "HN2012323232323", {**HA, "full_name": unicodedata.normalize("NFD", "Đỗ Thị MỹHà")}),
    # People who are alike.
    ("mother", "DN4016767676767", MOTHER),
    ("child with its mother's number", "TE1017878787878",
     born(2, 3, 2019, "2", "Lê Bảo Ngọc", citizen_id="001190777888", household="0107654321", address="Tổ 3")),
    ("elder twin", "TE1013131313131", {**TWIN, "full_name": "Trần Bảo Hân", "citizen_id": "001318000122"}),
    ("younger twin", "TE1013232323232", {**TWIN, "full_name": "Trần Bảo Hà", "citizen_id": "001318000123"}),
    ("homonym in Hà Nội", "DN4018484848484", {**HOMONYM, **HANOI, "citizen_id": "001088111222"}),
    ("homonym in Thành phố Hồ Chí Minh", "DN4798585858585", {**HOMONYM, **SAIGON, "citizen_id": "079088333444"}),
    ("homonym whose number nobody knows", "DN4484646464646", {**HOMONYM, "province_code": "48", "commune_code": "20194"}),
    ("placeholder, the first", "HN2018686868686", born(5, 5, 1960, "2", "Trần Thị Mùi", citizen_id="000000000000")),
    ("placeholder, the second", "HN2018787878787", born(5, 5, 1960, "2", "Phạm Kim Cúc", citizen_id="000000000000")),
    ("whom an employer listed right", "DN4012929292929", STRANGER),
    ("whom an employer listed with that number", "DN4013838383838",
     born(8, 12, 1985, "2", "Ngô Thanh Thảo", social_insurance_number="2929292929")),
    ("father", "GD4015656565656", born(8, 4, 1962, "1", "Phùng Văn Lực", household="0105656565")),
    ("son of his father's name", "GD4015757575757", born(30, 10, 1990, "1", "Phùng Văn Lực", household="0105656565")),
]  # fmt: skip


def found(cards: list[tuple[str, str, dict[str, Any]]]) -> list[list[str]]:
    """Who is said to be one person, person by person."""
    register = pl.DataFrame([{**CARD, "card_number": number, **said} for _, number, said in cards], schema={**SCHEMA, "address": pl.String})
    person = dict(link(register).card_persons.select("card_number", "person_id").iter_rows())
    together: dict[str, set[str]] = {}
    for who, number, _ in cards:
        together.setdefault(person[number], set()).add(who)
    return sorted(sorted(people) for people in together.values())


def test_persons_come_out_exactly() -> None:
    assert found(CARDS) == sorted([who] for who in {who for who, _, _ in CARDS})


def test_strangers_and_the_order_of_rows_change_nothing() -> None:
    first = ("Lò", "Vi", "Sùng", "Thào", "Vàng", "Giàng", "Hạng", "Cầm", "Quàng", "Lường")
    last = ("Páo", "Dế", "Sáng", "Chư", "Vừ", "Sử", "Tủa", "Mua", "Già", "Nhìa")
    strangers = [
        (f"stranger {i}", f"HN201{60_606_061 * i % 10**10:010d}", born(1 + i % 28, 1 + i % 12, 1950 + i % 60, "1", f"{surname} A {given}"))
        for i, (surname, given) in enumerate(product(first, last), 1)
    ]
    everyone = [*strangers[:50], *reversed(CARDS), *strangers[50:]]
    assert found(everyone) == sorted([who] for who in {who for who, _, _ in everyone})
