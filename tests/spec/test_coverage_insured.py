"""Who is insured at the end of a month, once, and where he counts."""

import pytest

PROVINCE, NATION = "marts.coverage_province_month", "marts.coverage_nation_month"


@pytest.mark.parametrize(
    ("dates", "insured"),
    [
        ("2025-03-31 |            |           ", "1"),  # from the last day of the month
        ("2025-04-01 |            |           ", "0"),
        ("2025-01-01 | 2025-03-31 |           ", "1"),  # to the last day of the month
        ("2025-01-01 | 2025-03-30 |           ", "0"),
        ("2025-01-01 |            | 2025-04-01", "1"),  # withdrawn after the last day
        ("2025-01-01 |            | 2025-03-31", "0"),  # withdrawn on it
        ("2025-03-31 | 2025-03-30 |           ", "0"),  # never valid
    ],
)
def test_a_card_counts_on_the_last_day_of_the_month(warehouse_sql, dates, insured):
    world = warehouse_sql(
        cards=f"""
        card_number     | period     | valid_from | valid_to | withdrawn_on
        GD4010000000001 | 2025-03-01 | {dates}
    """
    )
    world.shows(NATION, f"month | insured_persons | valid_cards\n 2025-03-01 | {insured} | {insured}")


def test_a_register_in_which_nobody_is_valid_has_a_row_of_zero(warehouse_sql):
    world = warehouse_sql(
        cards="""
        card_number     | period     | valid_from
        GD4010000000001 | 2025-03-01 | 2026-01-01
    """
    )
    world.shows(
        PROVINCE,
        """
        province_code | province_name | insured_persons | valid_cards | duplicate_cards | register_month
        01            | Hà Nội        | 0               | 0           | 0               | 2025-03-01
    """,
    )


def test_a_person_is_counted_once_where_his_latest_card_says(warehouse_sql):
    world = warehouse_sql(
        cards="""
        card_number     | person | register_province | province_code | period     | valid_from
        GD4010000000001 | A      | 01                | 01            | 2025-03-01 | 2024-01-01
        DN4080000000002 | A      | 08                | 08            | 2025-03-01 | 2025-01-01
        GD4080000000003 | B      | 08                | 08            | 2025-03-01 | 2025-01-01
    """
    )
    world.shows(
        PROVINCE,
        """
        province_code | insured_persons | valid_cards | duplicate_cards
        01            | 0               | 0           | 0
        08            | 2               | 3           | 1
    """,
    )
    world.shows(NATION, "insured_persons | valid_cards | duplicate_cards | provinces_reporting\n 2 | 3 | 1 | 2")


def test_of_two_cards_from_the_same_day_the_one_in_the_later_register_counts(warehouse_sql):
    world = warehouse_sql(
        cards="""
        card_number     | person | register_province | province_code | period
        AA4010000000001 | A      | 01                | 01            | 2025-02-01
        ZZ4080000000002 | A      | 08                | 08            | 2025-03-01
    """
    )
    world.shows(
        PROVINCE,
        """
        month      | province_code | insured_persons
        2025-02-01 | 01            | 1
        2025-03-01 | 01            | 0
        2025-03-01 | 08            | 1
    """,
    )


def test_a_tie_goes_to_the_smallest_card_code(warehouse_sql):
    world = warehouse_sql(
        cards="""
        card_number     | person | register_province | province_code | period
        GD4080000000002 | A      | 08                | 08            | 2025-03-01
        DN4010000000001 | A      | 01                | 01            | 2025-03-01
    """
    )
    world.shows(PROVINCE, "province_code | insured_persons | valid_cards\n 01 | 1 | 2\n 08 | 0 | 0")


def test_a_ten_digit_number_is_the_card_that_ends_in_it(warehouse_sql):
    world = warehouse_sql(
        cards="""
        card_number     | person | register_province | period
        GD4010000000001 | A      | 01                | 2025-03-01
        0000000001      | A      | 08                | 2025-03-01
    """
    )
    world.shows(NATION, "insured_persons | valid_cards\n 1 | 1")


def test_a_card_in_two_rows_is_one_card(warehouse_sql):
    world = warehouse_sql(
        cards="""
        card_number     | period     | valid_from | valid_to
        GD4010000000001 | 2025-03-01 | 2025-01-01 | 2025-12-31
        GD4010000000001 | 2025-03-01 | 2025-03-01 |
    """
    )
    world.shows(NATION, "insured_persons | valid_cards\n 1 | 1")


def test_a_month_without_a_register_uses_the_latest_before_it(warehouse_sql):
    world = warehouse_sql(
        cards="""
        card_number     | person | register_province | province_code | period     | valid_to
        GD4010000000001 | A      | 01                | 01            | 2025-01-01 | 2025-02-28
        GD4080000000002 | B      | 08                | 08            | 2025-03-01 |
    """
    )
    world.shows(
        PROVINCE,
        """
        month      | province_code | insured_persons | register_month
        2025-01-01 | 01            | 1               | 2025-01-01
        2025-02-01 | 01            | 1               | 2025-01-01
        2025-03-01 | 01            | 0               | 2025-01-01
        2025-03-01 | 08            | 1               | 2025-03-01
    """,
    )


def test_of_two_deliveries_of_one_register_the_later_received_counts(warehouse_sql):
    world = warehouse_sql(
        cards="""
        card_number     | period     | delivery_id | received_rank
        GD4010000000001 | 2025-03-01 | b           | 1
        GD4010000000002 | 2025-03-01 | a           | 2
        GD4010000000003 | 2025-03-01 | a           | 2
    """
    )
    world.shows(NATION, "insured_persons\n 2")


def test_a_merged_province_counts_by_its_old_ones_until_its_first_own_register(warehouse_sql):
    world = warehouse_sql(
        cards="""
        card_number     | person | register_province | province_code | period
        GD4020000000001 | A      | 02                | 08            | 2025-05-01
        GD4020000000001 | A      | 02                | 08            | 2025-06-01
        GD4080000000002 | B      | 08                | 08            | 2025-05-01
        GD4010000000009 | C      | 01                | 01            | 2025-05-01
        GD4010000000009 | C      | 01                | 01            | 2025-07-01
        GD4080000000003 | D      | 08                | 08            | 2025-08-01
    """
    )
    world.shows(
        PROVINCE,
        """
        month      | province_code | insured_persons | register_month
        2025-05-01 | 01            | 1               | 2025-05-01
        2025-05-01 | 08            | 2               | 2025-05-01
        2025-06-01 | 01            | 1               | 2025-05-01
        2025-06-01 | 08            | 2               | 2025-06-01
        2025-07-01 | 01            | 1               | 2025-07-01
        2025-07-01 | 08            | 2               | 2025-06-01
        2025-08-01 | 01            | 1               | 2025-07-01
        2025-08-01 | 08            | 1               | 2025-08-01
    """,
    )


def test_a_code_that_changed_its_owner_is_read_by_the_month_of_the_register(warehouse_sql):
    # Until June 15 is Yên Bái, one of the two parts of Lào Cai; from July it is Lào Cai whole, and 10 no longer counts.
    world = warehouse_sql(
        cards="""
        card_number     | person | register_province | province_code | period
        GD4100000000001 | A      | 10                | 15            | 2025-06-01
        GD4150000000002 | B      | 15                | 15            | 2025-06-01
        GD4150000000003 | C      | 15                | 15            | 2025-07-01
    """
    )
    world.shows(PROVINCE, "month | province_code | insured_persons\n 2025-06-01 | 15 | 2\n 2025-07-01 | 15 | 1")


def test_an_old_code_delivered_late_is_still_a_part(warehouse_sql):
    world = warehouse_sql(
        cards="""
        card_number     | person | register_province | province_code | period
        GD4100000000001 | A      | 10                | 15            | 2025-07-01
        GD4150000000002 | B      | 15                | 15            | 2025-06-01
        GD4150000000003 | C      | 15                | 15            | 2025-08-01
    """
    )
    world.shows(
        PROVINCE,
        """
        month      | province_code | insured_persons | register_month
        2025-06-01 | 15            | 1               | 2025-06-01
        2025-07-01 | 15            | 2               | 2025-07-01
        2025-08-01 | 15            | 1               | 2025-08-01
    """,
    )


def test_residents_of_a_province_without_a_register_count_without_a_rate(warehouse_sql):
    world = warehouse_sql(
        cards="""
        card_number     | person | register_province | province_code | period
        GD4010000000001 | A      | 01                | 01            | 2025-03-01
        GD4010000000002 | B      | 01                | 08            | 2025-03-01
    """,
        population="""
        province_code | old_province_code | population
        01            |                   | 4
        08            |                   | 4
    """,
        targets="province | province_code | target_pct\n 08 | 08 | 90\n 00 | | 50",
    )
    world.shows(
        PROVINCE,
        """
        province_code | insured_persons | population | coverage_pct | target_pct | gap_points | persons_to_target | register_month
        01            | 1               | 4          | 25           |            |            |                   | 2025-03-01
        08            | 1               | 4          |              | 90         |            |                   |
    """,
    )
    world.shows(
        NATION,
        """
        insured_persons | population | population_year | coverage_pct | target_pct | gap_points | persons_to_target | provinces_reporting
        2               | 8          | 2025            | 25           | 50         | -25        | 2                 | 1
    """,
    )
