"""Published national figures beside ours: within which band they agree, and which of them contradict each other."""

import pytest

RECONCILIATION = "marts.national_reconciliation"
BANDS = """
    measure         | armed_forces_included | band_pct | conflict_pct
    insured_persons | true                  | 1        | 0.1
    insured_persons | false                 | 50       | 0.1
    coverage_pct    |                       | 1        | 0.1
    visits          |                       | 1.5      | 0.1
    claims_amount   |                       | 3        | 0.1
"""
CARDS = """
    card_number     | period
    GD4010000000001 | 2024-12-01
    GD4010000000002 | 2024-12-01
    GD4010000000001 | 2025-01-01
"""
POPULATION = "year | population\n 2024 | 4"


def world(warehouse_sql, series, **given):
    return warehouse_sql(cards=CARDS, population=POPULATION, reconciliation_bands=BANDS, national_series=series, **given)


@pytest.mark.parametrize(
    ("value", "basis", "difference_pct", "agrees"),
    [
        ("2", "at 2024-12", "0", "True"),
        ("2.02", "at 2024-12", "-0.990099", "True"),  # within 1 %
        ("1.9", "at 2024-12", "5.26316", "False"),
        ("1.9", "at 2024-12, armed forces not included", "5.26316", "True"),  # its band is wider
        ("1.9", "at 2024-12, armed forces probably not included", "5.26316", "True"),
    ],
)
def test_a_state_is_compared_with_ours_at_the_end_of_its_month(warehouse_sql, value, basis, difference_pct, agrees):
    series = f"year | measure | value | period_to | basis | source\n 2024 | insured_persons | {value} | 2024-12-31 | {basis} | A"
    world(warehouse_sql, series).shows(
        RECONCILIATION,
        f"""
        year | measure         | ours | value   | difference_pct   | agrees   | provinces_reporting | conflicts_with
        2024 | insured_persons | 2    | {value} | {difference_pct} | {agrees} | 1                   |
    """,
    )


def test_a_rate_is_compared_with_ours_and_a_month_that_we_lack_is_not(warehouse_sql):
    world(
        warehouse_sql,
        """
        year | measure      | value | period_to  | source
        2024 | coverage_pct | 50    | 2024-12-31 | A
        2024 | coverage_pct | 50    | 2024-11-30 | A
        2025 | coverage_pct | 50    | 2025-01-31 | A
    """,
    ).shows(
        RECONCILIATION,
        """
        year | ours | agrees
        2024 | 50   | True
        2024 |      |
        2025 | 25   | False
    """,
    )


def test_claims_are_compared_only_where_we_have_every_month(warehouse_sql):
    world(
        warehouse_sql,
        """
        year | measure       | value | period_from | period_to  | basis        | source
        2025 | claims_amount | 300   | 2025-01-01  | 2025-02-28 | paid         | A
        2025 | visits        | 30    | 2025-01-01  | 2025-02-28 | in 2025-01.. | A
        2025 | visits        | 30    | 2025-01-01  | 2025-03-31 | in 2025-Q1   | A
    """,
        facility_month="month | visits | fund_paid\n 2025-01-01 | 20 | 100\n 2025-01-01 | 5 | 50\n 2025-02-01 | 5 | 141",
    ).shows(
        RECONCILIATION,
        """
        measure       | ours | difference | difference_pct | band_pct | agrees
        claims_amount | 291  | -9         | -3             | 3        | True
        visits        | 30   | 0          | 0              | 1.5      | True
        visits        |      |            |                | 1.5      |
    """,
    )


def test_figures_of_one_measure_and_time_that_differ_by_more_than_rounding_contradict_each_other(warehouse_sql):
    """2024: 183.6 million visits by the ministry, 186.2 by the social insurance (domain/policy.md)."""
    world(
        warehouse_sql,
        """
        year | measure | value | period_from | period_to  | source
        2024 | visits  | 183.6 | 2024-01-01  | 2024-12-31 | ministry
        2024 | visits  | 186.2 | 2024-01-01  | 2024-12-31 | VSS
        2024 | visits  | 186.3 | 2024-01-01  | 2024-12-31 | press
        2024 | visits  | 89.6  | 2024-01-01  | 2024-06-30 | VSS
    """,
    ).shows(
        RECONCILIATION,
        """
        value | source   | conflicts_with | conflict_pct
        89.6  | VSS      |                |
        186.2 | VSS      | ministry       | 1.39635
        183.6 | ministry | VSS / press    | 1.47059
        186.3 | press    | ministry       | 1.44928
    """,
    )
