"""Employers who pay people and insure fewer, at the end of a quarter."""

COMPLIANCE, MISSING = "marts.employer_compliance_quarter", "marts.employers_missing_quarter"
CARDS = """
    card_number     | person | period     | employer_tax_code | valid_from | valid_to
    DN4010000000001 | A      | 2025-09-01 | 0100000001        | 2025-01-01 |
    GD4010000000002 | A      | 2025-09-01 | 0100000001        | 2025-01-01 |
    DN4010000000003 | B      | 2025-09-01 | 0100000001        | 2025-09-30 |
    DN4010000000004 | C      | 2025-09-01 | 0100000001        | 2025-01-01 | 2025-09-29
    DN4010000000005 | D      | 2025-09-01 | 0100000001001     | 2025-01-01 |
    DN4010000000006 | E      | 2025-09-01 |                   | 2025-01-01 |
"""


def test_insured_are_distinct_persons_with_a_valid_card_on_the_last_day_and_branches_stand_apart(warehouse_sql):
    world = warehouse_sql(cards=CARDS, employers="tax_code | employees_paid\n 0100000001 | 5\n 0100000001001 | 3\n 0100000002 | 0")
    world.shows(
        MISSING,
        """
        quarter | province_code | tax_code      | name    | registered_on | employees_paid | employees_insured | employees_missing
        2025-Q3 | 01            | 0100000001    | Công ty |               | 5              | 2                 | 3
        2025-Q3 | 01            | 0100000001001 | Công ty |               | 3              | 1                 | 2
    """,
    )
    world.shows(
        COMPLIANCE,
        """
        quarter | employers_active | employees_paid | employers_insuring | employees_insured | employers_missing | employees_missing
        2025-Q3 | 3                | 8              | 2                  | 3                 | 2                 | 5
    """,
    )


def test_who_insures_more_than_he_pays_misses_nobody_and_hides_no_other(warehouse_sql):
    world = warehouse_sql(cards=CARDS, employers="tax_code | employees_paid\n 0100000001 | 1\n 0100000002 | 4")
    world.shows(COMPLIANCE, "employees_paid | employees_insured | employers_missing | employees_missing\n 5 | 2 | 1 | 4")


def test_only_active_employers_count(warehouse_sql):
    world = warehouse_sql(cards=CARDS, employers="tax_code | status | employees_paid\n 0100000001 | 01 | 9\n 0100000002 | | 9")
    world.shows(COMPLIANCE, "employers_active | employees_paid | employees_insured | employees_missing\n 0 | 0 | 0 | 0")
    world.shows(MISSING, "tax_code")


def test_the_latest_row_of_a_quarter_counts(warehouse_sql):
    employers = "tax_code | employees_paid | received_rank\n 0100000002 | 7 | 2\n 0100000002 | 9 | 1"
    warehouse_sql(cards=CARDS, employers=employers).shows(MISSING, "employees_paid\n 7")


def test_a_quarter_after_the_last_register_uses_it_without_giving_coverage_a_month(warehouse_sql):
    world = warehouse_sql(cards=CARDS, employers="quarter | tax_code | employees_paid\n 2025-Q4 | 0100000001 | 5")
    world.shows(MISSING, "quarter | employees_insured\n 2025-Q4 | 2")
    world.shows("marts.coverage_nation_month", "month\n 2025-09-01")


def test_before_the_first_register_nobody_knows_who_is_insured(warehouse_sql):
    world = warehouse_sql(cards=CARDS, employers="quarter | tax_code | employees_paid\n 2025-Q2 | 0100000001 | 5")
    world.shows(COMPLIANCE, "employers_active | employees_paid | employers_insuring | employees_insured | employees_missing\n 1 | 5 | | |")
    world.shows(MISSING, "tax_code")


def test_enterprises_registered_up_to_the_last_day_and_not_dissolved_by_then(warehouse_sql):
    world = warehouse_sql(
        cards=CARDS,
        employers="tax_code\n 0100000001",
        enterprises="""
        tax_code   | province_code | registered_on | dissolved_on
        0100000001 | 01            | 2025-09-30    |
        0100000002 | 01            | 2025-10-01    |
        0100000003 | 01            | 2020-01-01    | 2025-09-30
        0100000004 | 01            | 2020-01-01    | 2025-10-01
        0100000005 | 08            | 2020-01-01    |
    """,
    )
    world.shows(
        COMPLIANCE,
        """
        province_code | enterprises_registered | employers_active | employees_missing
        01            | 2                      | 1                | 0
        08            | 1                      |                  |
    """,
    )


def test_new_enterprises_that_pay_people_and_insure_nobody(warehouse_sql):
    world = warehouse_sql(
        cards=CARDS,
        employers="""
        tax_code   | status | employees_paid
        0100000001 | 00     | 9
        0100000002 | 00     | 9
        0100000003 | 00     | 9
        0100000004 | 00     | 0
        0100000005 | 06     | 9
        0100000006 | 00     | 9
    """,
        enterprises="""
        tax_code   | registered_on
        0100000001 | 2025-09-01
        0100000002 | 2024-10-01
        0100000003 | 2024-09-30
        0100000004 | 2025-09-01
        0100000005 | 2025-09-01
    """,
    )
    world.shows(COMPLIANCE, "new_enterprises_missing\n 1")  # 0100000002, registered 364 days before the last day


def test_a_persons_tax_code_is_hashed_and_his_name_left_out(warehouse_sql):
    world = warehouse_sql(cards=CARDS, employers="tax_code | name | employees_paid\n 001080000001 | Nguyễn Văn A | 2")
    world.shows(MISSING, "tax_code | name | employees_missing\n keyed-01 | | 2")
