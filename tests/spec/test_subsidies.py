"""What ends when a province's own resolution ends, and whom it leaves without insurance."""

import pytest

ENDS = "marts.subsidy_end_month"
SUBSIDIES = """
    old_province_code | group_name | payer_group | object_codes | age_from | age_to | support_pct | instrument   | valid_from | valid_to
    00                | near-poor  | 4           | CN           |          |        | 70          | Decree 188   | 2025-08-15 |
    00                | near-poor  | 4           | CN           |          |        | 70          | Decree 146   |            | 2025-08-14
    02                | near-poor  | 4           | CN           |          |        | 100         | 35/NQ-HĐND   |            | 2025-08-31
    02                | aged 70-79 | 5           | GD           | 70       | 79     | 100         | 21/NQ-HĐND   |            | 2025-08-31
    08                | pupils     | 4           | HS;SV        |          |        | 50          | until …      |            |
    02                | orphans    | 4           |              |          |        | 100         | not told     |            | 2025-08-31
"""
COLUMNS = "card_number     | person | register_province | province_code | old_province_code | period     | valid_to   | birth_date"
BEFORE = """
    CN3020000000001 | A      | 02                | 08            | 02                | 2025-06-01 | 2025-08-31 | 1980-01-01
    CN3020000000002 | B      | 02                | 08            | 02                | 2025-06-01 | 2025-12-31 | 1980-01-01
    CN3080000000003 | C      | 08                | 08            | 08                | 2025-06-01 | 2025-08-31 | 1980-01-01
    GD4020000000004 | D      | 02                | 08            | 02                | 2025-06-01 | 2025-08-31 | 1955-08-31
    GD4020000000005 | E      | 02                | 08            | 02                | 2025-06-01 | 2025-08-31 | 1955-09-01
    GD4020000000006 | F      | 02                | 08            | 02                | 2025-06-01 |            | 1945-09-01
"""


def test_supported_are_those_of_group_age_and_old_province_and_uncovered_those_whose_cards_all_end(warehouse_sql):
    """What came of them is not known before the month of the end. Seed case: Quảng Ninh, end of 2025."""
    warehouse_sql(cards=COLUMNS + BEFORE, subsidies=SUBSIDIES).shows(
        ENDS,
        """
        month      | old_province_code | province_code | group_name | support_pct | remaining_pct | supported_persons | uncovered_persons | renewed_persons
        2025-06-01 | 02                | 08            | aged 70-79 | 100         | 0             | 2                 | 1                 |
        2025-06-01 | 02                | 08            | near-poor  | 100         | 70            | 2                 | 1                 |
    """,  # noqa: E501
    )


@pytest.mark.parametrize(("renewed", "counts"), [("", "0 | 1"), ("GD4080000000009 | A | 08 | 08 | | 2025-09-01 | | 1980-01-01", "1 | 0")])
def test_the_next_month_tells_who_was_insured_anew(warehouse_sql, renewed, counts):
    later = """
    CN3020000000001 | A      | 08                | 08            |                   | 2025-08-01 | 2025-08-31 | 1980-01-01
    GD4080000000008 | G      | 08                | 08            |                   | 2025-09-01 |            | 1980-01-01
    """
    world = warehouse_sql(cards=f"{COLUMNS}{later.rstrip()}\n{renewed}".rstrip(), subsidies=SUBSIDIES)
    world.build("steps.old_province")
    world.con.execute("INSERT INTO steps.old_province VALUES ('08', NULL, '02')")  # as if the new province had but one old one
    world.build(ENDS)
    found = world.con.execute(
        f"SELECT month, renewed_persons || ' | ' || lapsed_persons FROM {ENDS} WHERE group_name = 'near-poor'"
    ).fetchall()
    assert [(str(m), c) for m, c in found] == [("2025-08-01", counts)]


def test_the_old_province_of_a_commune_of_today_is_known_where_all_its_people_lived_in_one(warehouse_sql):
    world = warehouse_sql(
        cards="card_number | period\n GD4010000000001 | 2025-07-01",
        commune_crosswalk="old_code | commune_code\n 00001 | 00004\n 00004 | 00004",
    )
    world.shows(
        "steps.old_province",
        """
        province_code | commune_code | old_province_code
        01            |              | 01
        01            | 00004        | 01
    """,
    )


def test_a_resolution_that_ended_before_the_registers_has_no_row(warehouse_sql):
    world = warehouse_sql(cards="card_number | period\n CN3020000000001 | 2025-09-01", subsidies=SUBSIDIES)
    world.shows(ENDS, "month")
