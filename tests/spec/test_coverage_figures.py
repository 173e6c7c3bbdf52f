"""The figures beside the insured: population, targets, groups, ages, communes and facilities."""

import pytest

PROVINCE, NATION, COMMUNE = "marts.coverage_province_month", "marts.coverage_nation_month", "marts.coverage_commune_month"
ONE = """
        card_number     | period
        GD4010000000001 | 2025-09-01
"""
ONE_IN_08 = """
        card_number     | period     | province_code | register_province
        GD4080000000001 | 2025-09-01 | 08            | 08
"""


def test_the_latest_population_not_after_the_year_counts(warehouse_sql):
    world = warehouse_sql(cards=ONE, population="year | population\n 2023 | 10\n 2024 | 20\n 2026 | 40")
    world.shows(PROVINCE, "population | population_year | coverage_pct\n 20 | 2024 | 5")


def test_a_corrected_figure_replaces_the_earlier_one(warehouse_sql):
    world = warehouse_sql(cards=ONE, population="population | received_rank\n 10 | 2\n 20 | 1\n 40 | 2")
    world.shows(PROVINCE, "population\n 40")  # the last row of the later list


def test_the_row_without_commune_sex_and_age_is_the_total(warehouse_sql):
    world = warehouse_sql(
        cards=ONE,
        population="""
        commune | commune_code | sex | age_band | population
                |              |     |          | 100
        00004   | 00004        |     |          | 30
                |              | 1   | 0-5      | 5
    """,
    )
    world.shows(PROVINCE, "population\n 100")


def test_without_a_total_the_finest_rows_add_up(warehouse_sql):
    world = warehouse_sql(
        cards=ONE,
        population="""
        commune | commune_code | sex | age_band | population
        00004   | 00004        |     |          | 30
                |              | 1   |          | 60
                |              | 1   | 0-5      | 5
                |              | 2   | 0-5      | 6
    """,
    )
    world.shows(PROVINCE, "population\n 11")


def test_of_two_equally_fine_cuts_the_one_by_commune_counts(warehouse_sql):
    world = warehouse_sql(
        cards=ONE,
        population="""
        commune | commune_code | sex | population
        00004   | 00004        |     | 30
        99999   |              |     | 12
                |              | 1   | 60
    """,
    )
    world.shows(PROVINCE, "population\n 42")


def test_the_parts_of_a_merged_province_add_up_only_when_all_are_there(warehouse_sql):
    population = "year | province_code | old_province_code | population\n 2023 | 08 | 02 | 10\n 2023 | 08 | 08 | 20\n 2024 | 08 | 02 | 11"
    world = warehouse_sql(cards=ONE_IN_08, population=population)
    world.shows(PROVINCE, "population | population_year\n 30 | 2023")


def test_without_population_there_is_no_rate(warehouse_sql):
    world = warehouse_sql(cards=ONE)
    world.shows(PROVINCE, "insured_persons | population | population_year | coverage_pct\n 1 | | |")
    world.shows(NATION, "insured_persons | population | coverage_pct | provinces_without_population\n 1 | | | 1")


def test_the_nation_has_no_rate_while_one_province_lacks_a_figure(warehouse_sql):
    world = warehouse_sql(
        cards="""
        card_number     | period     | province_code
        GD4010000000001 | 2025-09-01 | 01
        GD4080000000002 | 2025-09-01 | 08
    """,
        population="population\n 10",
    )
    world.shows(NATION, "population | coverage_pct | provinces_without_population\n 10 | | 1")


@pytest.mark.parametrize(
    ("target", "population", "missing"),
    [("95", "100", "94"), ("95.1", "100", "95"), ("0", "100", "0"), ("0.5", "100", "0"), ("33.3333", "3", "0"), ("33.3334", "3", "1")],
)
def test_persons_to_the_target_are_rounded_up(warehouse_sql, target, population, missing):
    world = warehouse_sql(cards=ONE, population=f"population\n {population}", targets=f"province_code | target_pct\n 01 | {target}")
    world.shows(PROVINCE, f"persons_to_target\n {missing}")


def test_gap_is_coverage_less_target_of_that_year(warehouse_sql):
    world = warehouse_sql(
        cards=ONE,
        population="population\n 4",
        targets="year | province_code | target_group | target_pct\n 2024 | 01 | ALL | 10\n 2025 | 01 | | 20\n 2025 | 01 | 4 | 90",
    )
    world.shows(PROVINCE, "coverage_pct | target_pct | gap_points | persons_to_target\n 25 | 20 | 5 | 0")


def test_a_target_of_an_old_part_is_not_the_merged_provinces_own(warehouse_sql):
    targets = "province | province_code | old_province_code | target_pct\n 08 | 08 | 08 | 90\n 01 | 01 | 01 | 80"
    cards = ONE_IN_08 + "        GD4010000000002 | 2025-09-01 | 01            | 01\n"
    warehouse_sql(cards=cards, targets=targets).shows(PROVINCE, "province_code | target_pct\n 01 | 80\n 08 |")


def test_the_target_received_last_counts(warehouse_sql):
    targets = "province_code | target_group | target_pct | received_rank\n 01 | ALL | 90 | 2\n 01 | | 80 | 1"
    warehouse_sql(cards=ONE, targets=targets).shows(PROVINCE, "target_pct\n 90")


def test_groups_follow_the_list_in_force_at_the_months_end(warehouse_sql):
    world = warehouse_sql(
        cards="""
        card_number     | period     | object_code
        GD4010000000001 | 2025-07-01 | GD
        GD4010000000001 | 2025-08-01 | GD
        ZZ4010000000002 | 2025-08-01 | ZZ
        0000000003      | 2025-08-01 |
    """,
        targets="province_code | target_group | target_pct\n 01 | 5 | 50\n 01 | K6 | 60",
    )
    world.shows(
        "marts.coverage_group_month",
        """
        month      | province_code | payer_group | plan_group | insured_persons | target_pct
        2025-07-01 | 01            | 5           | K6         | 1               | 50
        2025-08-01 | 01            | 6           | K6         | 1               | 60
        2025-08-01 | 01            |             |            | 2               |
    """,
    )


@pytest.mark.parametrize(
    ("born", "band"),
    [
        ("2019-09-30", "6-17"),  # six on the last day of the month
        ("2019-10-01", "0-5"),
        ("1965-01-01", "60-69"),  # a year alone is its first day
        ("1966-01-01", "18-59"),
        ("1945-09-30", "80+"),
        ("1945-10-01", "70-79"),
        ("2025-10-01", ""),
    ],
)
def test_ages_are_full_years_at_the_months_end(warehouse_sql, born, band):
    world = warehouse_sql(cards=f"card_number | period | birth_date\n GD4010000000001 | 2025-09-01 | {born}")
    world.shows("marts.coverage_age_sex_month", f"age_band | sex | insured_persons\n {band} | 1 | 1")


def test_born_on_a_leap_day_is_a_year_older_on_the_first_of_march(warehouse_sql):
    world = warehouse_sql(cards="card_number | period | birth_date\n GD4010000000001 | 2022-02-01 | 2016-02-29")
    world.shows("marts.coverage_age_sex_month", "age_band\n 0-5")


def test_population_by_age_and_sex_is_summed_over_communes_only_without_a_province_row(warehouse_sql):
    world = warehouse_sql(
        cards=ONE + "GD4010000000002 | 2024-12-01",
        population="""
        year | commune | sex | age_band | population
        2024 | 00004   | 1   | 18-59    | 1
        2024 | 00070   | 1   | 18-59    | 3
        2025 | 00004   | 1   | 18-59    | 1
        2025 |         | 1   | 18-59    | 5
    """,
    )
    world.build("marts.coverage_age_sex_month")
    figures = world.con.execute("SELECT DISTINCT population, coverage_pct FROM marts.coverage_age_sex_month ORDER BY 1").fetchall()
    assert figures == [(4, 25.0), (5, 20.0)]


def test_communes_leave_out_whom_they_do_not_know(warehouse_sql):
    world = warehouse_sql(
        cards="""
        card_number     | period     | commune_code
        GD4010000000001 | 2025-09-01 | 00004
        GD4010000000002 | 2025-09-01 | 00070
        GD4010000000003 | 2025-09-01 |
    """,
        population="""
        commune | commune_code | sex | population
        00004   | 00004        |     | 10
        00004   | 00004        | 1   | 4
        00070   | 00070        | 1   | 2
        00070   | 00070        | 2   | 3
    """,
    )
    world.shows(
        COMMUNE,
        """
        province_code | commune_code | commune_name | insured_persons | population | coverage_pct
        01            | 00004        | Ba Đình      | 1               | 10         | 10
        01            | 00070        | Hoàn Kiếm    | 1               | 5          | 20
    """,
    )


def test_old_communes_add_up_to_the_commune_of_today(warehouse_sql):
    world = warehouse_sql(
        cards="card_number | period | commune_code\n GD4010000000001 | 2025-09-01 | 00004",
        population="""
        year | old_province_code | commune | commune_code | population
        2023 | 01                | 00001   | 00004        | 10
        2023 | 01                | 00004   | 00004        | 5
        2024 | 01                | 00004   | 00004        | 6
    """,  # the second year lacks an old commune
    )
    world.shows(COMMUNE, "commune_code | population | population_year\n 00004 | 15 | 2023")


def test_registration_level_is_the_facilitys_on_that_day(warehouse_sql):
    world = warehouse_sql(
        cards="""
        card_number     | period     | registered_facility
        GD4010000000001 | 2025-08-01 | 01001
        GD4010000000001 | 2025-09-01 | 01001
        GD4010000000002 | 2025-09-01 | 01999
        GD4010000000003 | 2025-09-01 | 01002
        GD4010000000004 | 2025-09-01 |
    """,
        facilities="""
        facility_code | facility_level | ownership | valid_from | valid_to
        01001         | 3              | CONG      |            | 2025-09-15
        01001         | 2              | TU        | 2025-09-16 |
        01002         | 4              | CONG      |            | 2025-09-29
    """,
    )
    world.shows(
        "marts.registration_level_month",
        """
        month      | province_code | facility_level | ownership | insured_persons
        2025-08-01 | 01            | 3              | CONG      | 1
        2025-09-01 | 01            | 2              | TU        | 1
        2025-09-01 | 01            |                |           | 3
    """,
    )


def test_published_figures_pass_through(warehouse_sql):
    world = warehouse_sql(national_series="year | measure | value | basis | source\n 2025 | coverage_pct | 95.16 | | vss.gov.vn")
    world.shows("marts.national_series", "year | measure | value | basis | source\n 2025 | coverage_pct | 95.16 | | vss.gov.vn")
