"""What the marts of claims count, and where (contract: *Definitions*, and the columns of its tables)."""

from __future__ import annotations

from datetime import date

import pytest

from expectations.declare import Table
from expectations.marts.claims import CLAIM_MARTS
from expectations.marts.facts import FACTS
from expectations.marts.funds import FUND_MARTS
from expectations.marts.signals import SIGNAL_MARTS
from tests.spec.claims_tables import FACILITIES, offended, rows, warehouse

SEPTEMBER = date(2025, 9, 1)
CARDS = """
    card_number     | person
    DN4010000000011 | An
    DN4790000000022 | Bình
"""
ONE_OF_EACH = """
    episode | facility_code | care_code | card_numbers    | registered_facilities | main_icd | admitted_at | discharged_at | treatment_days | total_cost | covered_cost | fund_paid | copayment
    A       | 01001         | 01        | DN4010000000011 | 01001                 | A09      | 2025-09-02  | 2025-09-02    | 0              | 300        | 200          | 160       | 40
    B       | 01001         | 03        | DN4790000000022 | 79001                 | J00.1    | 2025-09-02  | 2025-09-06    | 5              | 900        | 800          | 760       | 40
    C       | 79001         | 01        | DN4010000000011 | 01001                 | J00      | 2025-09-09  | 2025-09-09    | 0              | 100        | 100          | 80        | 20
"""  # noqa: E501


def test_a_row_of_the_facility_mart() -> None:
    con = warehouse(ONE_OF_EACH, cards=CARDS)
    places = "month, facility_code, facility_name, province_code, facility_level, ownership, care_type"
    assert rows(con, "marts.facility_month", places)[0] == (SEPTEMBER, "01001", "Bạch Mai", "01", "1", "CONG", "inpatient")
    figures = "visits, patients, total_cost::INTEGER, covered_cost::INTEGER, fund_paid::INTEGER, copayment::INTEGER, treatment_days"
    assert rows(con, "marts.facility_month", f"{figures}, avg_cost_per_visit, avg_length_of_stay, referred_in_visits") == [
        (1, 1, 900, 800, 760, 40, 5, 900.0, 5.0, 1),
        (1, 1, 300, 200, 160, 40, 0, 300.0, None, 0),
        (1, 1, 100, 100, 80, 20, 0, 100.0, None, 1),
    ]


def test_patients_are_counted_once_and_averages_are_not_rounded() -> None:
    con = warehouse(
        """
        episode | card_numbers    | total_cost
        A       | DN4010000000011 | 100
        B       | DN4010000000011 | 100
        C       | DN4790000000022 | 50
        """,
        cards=CARDS,
    )
    assert rows(con, "marts.facility_month", "visits, patients, avg_cost_per_visit") == [(3, 2, 250 / 3)]


@pytest.mark.parametrize(
    ("care_code", "care_type"),
    [("01", "outpatient"), ("02", "outpatient"), ("03", "inpatient"), ("3", "inpatient"), ("04", "inpatient"), ("05", "outpatient"),
     ("09", "inpatient"), ("10", "outpatient"), ("13", "outpatient"), ("14", "outpatient"), ("none", "outpatient")],
)  # fmt: skip
def test_care_type(care_code: str, care_type: str) -> None:
    con = warehouse(f"""
        episode | care_code
        A       | {care_code}
    """)
    assert rows(con, "marts.facility_month", "care_type") == [(care_type,)]


def test_an_average_over_nothing_is_null() -> None:
    con = warehouse("""
        episode | care_code | treatment_days
        A       | 03        |
        B       | 01        | 3
    """)
    assert rows(con, "marts.facility_month", "care_type, treatment_days, avg_length_of_stay") == [
        ("inpatient", 0, None),
        ("outpatient", 3, None),
    ]


def test_a_facility_is_described_as_it_was_in_the_month() -> None:
    con = warehouse(
        """
        episode | discharged_at
        A       | 2024-12-10
        B       | 2025-02-10
        """,
        facilities="""
        facility_code | facility_name | province_code | facility_level | valid_from | valid_to
        01001         | Trạm xá       | 01            | 4              |            | 2024-12-31
        01001         | Bệnh viện     | 01            | 3              | 2025-01-01 |
        """,
    )
    assert rows(con, "marts.facility_month", "facility_name, facility_level") == [("Trạm xá", "4"), ("Bệnh viện", "3")]


def test_a_facility_that_is_listed_only_later_is_described_as_first_listed() -> None:
    con = warehouse(
        "episode\nA",
        facilities="""
        facility_code | facility_name | province_code | valid_from | valid_to
        01001         | Thứ hai       | 01            | 2026-02-01 |
        01001         | Thứ nhất      | 01            | 2025-11-01 | 2026-01-31
        """,
    )
    assert rows(con, "marts.facility_month", "facility_name") == [("Thứ nhất",)]


@pytest.mark.parametrize(
    ("code", "province"),
    [("02999", "08"), ("74A24", "79"), ("97001", None), ("34999", None)],
    ids=["old code of a merged province", "letters", "defence", "a code only of today is no old code"],
)
def test_a_facility_in_no_list_lies_where_its_prefix_says_read_as_an_old_code(code: str, province: str | None) -> None:
    con = warehouse(f"""
        episode | facility_code
        A       | {code}
    """)
    assert rows(con, "marts.facility_month", "facility_name, province_code, facility_level, visits") == [(None, province, None, 1)]


def test_a_facility_in_no_list_lies_where_its_successor_lies() -> None:
    con = warehouse(
        """
        episode | facility_code
        A       | 74001
        """,
        facilities="""
        facility_code | facility_name | province_code | replaced_code
        08123         | Trạm mới      | 08            | 74001
        """,
    )
    assert rows(con, "marts.facility_month", "facility_name, province_code") == [(None, "08")]


def test_referrals_hold_home_and_care_in_different_provinces_only() -> None:
    con = warehouse(ONE_OF_EACH, cards=CARDS)
    assert rows(con, "marts.referral_month", "home_province_code, care_province_code, care_type, visits, fund_paid::INTEGER") == [
        ("01", "79", "outpatient", 1, 80),
        ("79", "01", "inpatient", 1, 760),
    ]


def test_provinces_that_merged_are_one_home() -> None:
    con = warehouse("""
        episode | facility_code | registered_facilities
        A       | 08001         | 02999
    """)
    assert rows(con, "marts.referral_month") == []


@pytest.mark.parametrize("registered", ["", ";79001", "97001", "none"])
def test_a_visit_whose_home_is_not_known_is_no_referral(registered: str) -> None:
    con = warehouse(f"""
        episode | registered_facilities
        A       | {registered}
    """)
    assert rows(con, "marts.referral_month") == []
    assert rows(con, "marts.facility_month", "visits, referred_in_visits") == [(1, 0)]


def test_the_first_card_decides_the_home() -> None:
    con = warehouse("""
        episode | facility_code | card_numbers                    | registered_facilities
        A       | 01001         | DN4790000000022;DN4010000000011 | 79001;01001
    """)
    assert rows(con, "marts.referral_month", "home_province_code, care_province_code") == [("79", "01")]


def test_a_row_of_the_province_mart() -> None:
    con = warehouse(
        ONE_OF_EACH,
        cards=CARDS,
        insured="""
        month      | province_code | insured_persons
        2025-09-01 | 01            | 8
        2025-08-01 | 79            | 8
        """,
    )
    figures = "province_code, visits, patients, inpatient_visits, fund_paid::INTEGER, visits_per_insured, cost_per_visit, copayment_share"
    assert rows(con, "marts.province_claims_month", f"{figures}, referred_in_visits, referred_out_visits") == [
        ("01", 2, 2, 1, 920, 0.25, 600.0, 0.08, 1, 1),
        ("79", 1, 1, 0, 80, None, 100.0, 0.2, 1, 1),
    ]


def test_a_province_whose_insured_were_only_treated_elsewhere_has_a_row() -> None:
    con = warehouse("""
        episode | facility_code | registered_facilities
        A       | 01001         | 08001
    """)
    figures = "province_code, visits, patients, cost_per_visit, copayment_share, referred_in_visits, referred_out_visits"
    assert rows(con, "marts.province_claims_month", figures) == [("01", 1, 1, 0.0, None, 1, 0), ("08", 0, 0, None, None, 0, 1)]


def test_visits_at_a_facility_of_no_province_are_kept_apart_and_not_lost() -> None:
    con = warehouse("""
        episode | facility_code
        A       | 97001
    """)
    assert rows(con, "marts.province_claims_month", "province_code, visits") == [(None, 1)]


@pytest.mark.parametrize(
    ("sent", "code", "chapter"),
    [("A09", "A09", "I"), ("j00.1", "J00.1", "X"), ("A17†", "A17", "I"), ("G01*", "G01", None), ("I10", "I10", "IX"),
     ("ABC", "ABC", None), ("none", None, None),
     ("Bùi Thị Mơ", None, None), ("I10, CCCD 001080000001", None, None), ("I10;E11.9", "I10;E11.9", "IX")],
)  # fmt: skip
def test_diagnoses_and_their_chapters(sent: str, code: str | None, chapter: str | None) -> None:
    con = warehouse(f"""
        episode | main_icd
        A       | {sent}
    """)
    assert rows(con, "marts.diagnosis_month", "province_code, icd_chapter, icd_code, visits, patients") == [("01", chapter, code, 1, 1)]


def test_cost_groups_have_names_where_they_are_listed() -> None:
    con = warehouse(
        "episode\nA",
        lines="""
        row_number | cost_group | total_cost | covered_cost | fund_paid
        1          | 4          | 10         | 9            | 8
        1          | 77         | 10         |              | 8
        1          |            | 10         | 9            | 8
        """,
    )
    columns = "cost_group, cost_group_name, lines, total_cost::INTEGER, covered_cost::INTEGER, fund_paid::INTEGER"
    assert rows(con, "marts.facility_cost_group_month", columns) == [
        ("4", "Thuốc", 1, 10, 9, 8),
        ("77", None, 1, 10, 0, 8),
        (None, None, 1, 10, 9, 8),
    ]


def test_a_fact_has_keys_in_place_of_identifiers() -> None:
    con = warehouse(ONE_OF_EACH, cards=CARDS)
    same = "count(DISTINCT claim_key), count(DISTINCT person_key)"
    assert rows(con, "facts.claim", same) == [(3, 2)]
    text = str(rows(con, "facts.claim")) + str(rows(con, "facts.claim_cost"))
    assert not [secret for secret in ("0000000011", "An'", "'A'", "unlisted") if secret in text]


@pytest.mark.parametrize(
    ("cards", "discharged", "object_code", "payer_group"),
    [
        ("GD4010000000033", "2025-06-30", "GD", "5"),
        ("GD4010000000033", "2025-07-01", "GD", "6"),
        ("0000000044", "2025-09-01", "TE", "3"),
        ("0000000044;GD4010000000033", "2025-09-01", "GD", "6"),
        ("ZZ4010000000099", "2025-09-01", "ZZ", None),
        ("0000000099", "2025-09-01", None, None),
        ("", "2025-09-01", None, None),
    ],
    ids=["before", "after the law", "short card", "first long card", "unknown code", "unknown short card", "no card"],
)
def test_the_object_code_is_the_cards_and_the_payer_group_that_of_the_day(
    cards: str, discharged: str, object_code: str | None, payer_group: str | None
) -> None:
    con = warehouse(
        f"""
        episode | card_numbers | discharged_at
        A       | {cards}      | {discharged}
        """,
        cards="""
        card_number | person | object_code
        0000000044  | Dung   | TE
        """,
    )
    assert rows(con, "facts.claim", "object_code, payer_group") == [(object_code, payer_group)]


@pytest.mark.parametrize(
    ("born", "admitted", "age"),
    [("1980-09-10", "2025-09-10", 45), ("1980-09-11", "2025-09-10", 44), ("2025-09-11", "2025-09-10", None), ("", "2025-09-10", None)],
)
def test_age_is_in_full_years_on_the_day_of_admission(born: str, admitted: str, age: int | None) -> None:
    con = warehouse(f"""
        episode | birth_date | admitted_at | discharged_at
        A       | {born}     | {admitted}  | 2025-09-30
    """)
    assert rows(con, "facts.claim", "age_years") == [(age,)]


TABLES = (*CLAIM_MARTS, *FUND_MARTS, *SIGNAL_MARTS, *FACTS)


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_each_table_has_the_declared_columns_in_order_and_type(table: Table) -> None:
    con = warehouse(ONE_OF_EACH, cards=CARDS)
    rows(con, table.qualified_name)
    described = con.execute(f"DESCRIBE {table.qualified_name}").fetchall()
    assert [(name, kind) for name, kind, *_ in described] == [(f.name, f.kind.duckdb) for f in table.fields]


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_the_rules_of_each_table_hold(table: Table) -> None:
    con = warehouse(
        ONE_OF_EACH,
        cards=CARDS,
        lines="row_number | cost_group | total_cost\n1 | 4 | 300",
        budgets="year | facility_code | budget\n2025 | 01001 | 3000",
    )
    assert offended(con, table) == []
    assert rows(con, "facts.claim", "count(*), sum(fund_paid)") == rows(con, "marts.facility_month", "sum(visits), sum(fund_paid)")


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_without_claims_the_tables_are_empty(table: Table) -> None:
    con = warehouse(facilities=FACILITIES, budgets="year | facility_code | budget\n2025 | 01001 | 3000")
    assert rows(con, table.qualified_name) == []


@pytest.mark.parametrize(
    ("damage", "rule"),
    [
        ("UPDATE marts.facility_month SET patients = visits + 1", "facility_month.patients.out_of_range"),
        ("UPDATE marts.facility_month SET visits = visits + 1", "facility_month.totals.differ"),
        ("DELETE FROM marts.facility_service_month WHERE care_type = 'inpatient'", "facility_month.totals.differ"),
        ("INSERT INTO marts.facility_month FROM marts.facility_month LIMIT 1", "facility_month.key.twice"),
        ("UPDATE marts.facility_month SET avg_cost_per_visit = 1e12", "facility_month.avg_cost_per_visit.out_of_range"),
        ("UPDATE marts.facility_month SET total_cost = -1", "facility_month.money.negative"),
        ("UPDATE marts.referral_month SET care_province_code = home_province_code", "referral_month.care_province_code.is_home"),
        ("UPDATE marts.diagnosis_month SET visits = 9", "diagnosis_month.visits.differ"),
        ("UPDATE marts.province_claims_month SET referred_out_visits = 9", "province_claims_month.referred.differ"),
        ("UPDATE marts.fund_quarter SET fund_paid = 0", "fund_quarter.fund_paid.differs"),
        ("UPDATE facts.claim SET claim_key = 'x'", "claim.claim_key.twice"),
        ("DELETE FROM facts.claim", "claim_cost.claim_key.unknown"),
    ],
)
def test_a_damaged_table_breaks_its_rule(damage: str, rule: str) -> None:
    con = warehouse(ONE_OF_EACH, cards=CARDS, lines="row_number | cost_group | total_cost\n1 | 4 | 300")
    for table in TABLES:
        rows(con, table.qualified_name)
    con.execute(damage)
    assert rule in offended(con, next(t for t in TABLES if t.name == rule.split(".")[0]))
