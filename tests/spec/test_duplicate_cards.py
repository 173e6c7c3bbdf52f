"""Persons who hold two or more valid cards, where and why."""

import pytest

DUPLICATES = "marts.duplicate_cards_month"


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        ("DN4010000000002 | 01 | 001080000001", "two_groups"),
        ("GD4010000000002 | 01 | 001080000001", "reissued"),
        ("0000000002      | 01 | 001080000001", "old_and_new_number"),  # only known by its ten digits
        ("GD4010000000002 | 01 | 123456789   ", "old_and_new_number"),  # a CMND beside a CCCD
        ("DN4010000000002 | 08 | 123456789   ", "two_provinces"),  # the first reason that holds
    ],
)
def test_each_person_has_one_reason(warehouse_sql, second, reason):
    world = warehouse_sql(
        cards=f"""
        card_number     | person | period     | valid_from | province_code | citizen_id
        GD4010000000001 | A      | 2025-03-01 | 2025-01-01 | 01            | 001080000001
        {second.replace("|", "| A | 2025-03-01 | 2024-01-01 |", 1)}
    """
    )
    other = "08" if reason == "two_provinces" else ""
    world.shows(
        DUPLICATES,
        f"""
        month      | province_code | other_province_code | reason   | persons | cards
        2025-03-01 | 01            | {other}             | {reason} | 1       | 2
    """,
    )


def test_an_unknown_object_code_leaves_the_reason_open(warehouse_sql):
    world = warehouse_sql(
        cards="""
        card_number | person | period     | object_code
        0000000001  | A      | 2025-03-01 |
        0000000002  | A      | 2025-03-01 | GD
    """
    )
    world.shows(DUPLICATES, "reason | persons | cards\n other | 1 | 2")


def test_the_smallest_other_province_is_named_and_all_cards_counted(warehouse_sql):
    world = warehouse_sql(
        cards="""
        card_number     | person | period     | valid_from | province_code
        GD4010000000001 | A      | 2025-03-01 | 2025-01-01 | 08
        GD4010000000002 | A      | 2025-03-01 | 2024-01-01 | 15
        GD4010000000003 | A      | 2025-03-01 | 2023-01-01 | 01
    """
    )
    world.shows(DUPLICATES, "province_code | other_province_code | reason | persons | cards\n 08 | 01 | two_provinces | 1 | 3")


def test_cards_that_follow_each_other_are_no_duplicates(warehouse_sql):
    world = warehouse_sql(
        cards="""
        card_number     | person | period     | valid_from | valid_to   | withdrawn_on
        GD4010000000001 | A      | 2025-03-01 | 2024-01-01 | 2025-03-30 |
        GD4010000000002 | A      | 2025-03-01 | 2024-01-01 |            | 2025-03-31
        DN4010000000003 | A      | 2025-03-01 | 2025-03-31 |            |
    """
    )
    world.shows(DUPLICATES, "persons")


def test_a_ten_digit_number_beside_its_own_card_is_no_duplicate(warehouse_sql):
    world = warehouse_sql(
        cards="""
        card_number     | person | period     | register_province | province_code
        GD4010000000001 | A      | 2025-03-01 | 01                | 01
        0000000001      | A      | 2025-03-01 | 08                | 08
    """
    )
    world.shows(DUPLICATES, "persons")
