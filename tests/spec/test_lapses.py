"""Cards that end in a month, and whether their holders are insured at the end of the next."""

import pytest

LAPSES = "marts.lapse_month"


def test_a_holder_is_renewed_by_any_card_and_lapsed_without(warehouse_sql):
    world = warehouse_sql(
        cards="""
        card_number     | person | register_province | province_code | period     | valid_to
        GD4010000000001 | A      | 01                | 01            | 2025-01-01 | 2025-01-31
        DN4080000000002 | A      | 08                | 08            | 2025-02-01 |
        GD4010000000003 | B      | 01                | 01            | 2025-01-01 | 2025-01-15
        ZZ4010000000004 | C      | 01                | 01            | 2025-01-01 | 2025-01-01
    """
    )
    world.shows(
        LAPSES,
        """
        month      | province_code | payer_group | ending_cards | renewed_persons | lapsed_persons
        2025-01-01 | 01            | 5           | 2            | 1               | 1
        2025-01-01 | 01            |             | 1            | 0               | 1
    """,
    )


@pytest.mark.parametrize(
    ("dates", "ends"),
    [
        ("2025-01-01 |           ", True),
        ("2025-01-31 |           ", True),
        ("2025-02-01 |           ", False),
        ("2024-12-31 |           ", False),
        ("           |           ", False),
        ("2025-01-15 | 2025-01-14", False),  # withdrawn before its end
        ("2025-01-15 | 2025-01-15", True),
    ],
)
def test_a_card_ends_when_its_last_day_lies_in_the_month(warehouse_sql, dates, ends):
    world = warehouse_sql(
        cards=f"""
        card_number     | person | period     | valid_to | withdrawn_on
        GD4010000000001 | A      | 2025-01-01 | {dates}
        GD4010000000099 | B      | 2025-02-01 |            |
    """
    )
    world.shows(LAPSES, "month | ending_cards" + ("\n 2025-01-01 | 1" if ends else ""))


def test_a_person_with_two_ending_cards_is_one_holder(warehouse_sql):
    world = warehouse_sql(
        cards="""
        card_number     | person | period     | valid_to   | object_code
        GD4010000000001 | A      | 2025-01-01 | 2025-01-31 | GD
        GD4010000000002 | A      | 2025-01-01 | 2025-01-10 | GD
        0000000002      | A      | 2025-01-01 | 2025-01-10 | GD
        GD4010000000099 | B      | 2025-02-01 |            | GD
    """
    )
    world.shows(LAPSES, "ending_cards | renewed_persons | lapsed_persons\n 2 | 0 | 1")


def test_the_last_month_has_no_rows(warehouse_sql):
    world = warehouse_sql(cards="card_number | period | valid_to\n GD4010000000001 | 2025-01-01 | 2025-01-31")
    world.shows(LAPSES, "month")
