"""What is declared of the coverage and employer marts is what their SQL makes, and their rules find what is wrong."""

import pytest

from expectations.marts.coverage import COVERAGE_MARTS, NATION, PROVINCE
from expectations.marts.employers import COMPLIANCE, EMPLOYER_MARTS

MARTS = (*COVERAGE_MARTS, *EMPLOYER_MARTS)
WORLD = {
    "cards": """
        card_number     | person | register_province | province_code | period     | valid_from | valid_to   | employer_tax_code
        GD4010000000001 | A      | 01                | 01            | 2025-06-01 | 2024-01-01 | 2025-06-30 |
        DN4010000000002 | B      | 01                | 01            | 2025-06-01 | 2024-01-01 |            | 0100000001
        HS4080000000003 | B      | 01                | 08            | 2025-06-01 | 2024-06-01 |            |
        ZZ4080000000004 | C      | 01                | 08            | 2025-07-01 | 2024-01-01 |            |
        GD4080000000005 | D      | 08                | 08            | 2025-08-01 | 2024-01-01 |            |
    """,
    "population": "province_code | population\n 01 | 3\n 08 | 4",
    "targets": "province | province_code | target_pct\n 00 | | 95\n 01 | 01 | 90",
    "employers": "quarter | tax_code | employees_paid\n 2025-Q2 | 0100000001 | 3",
    "enterprises": "tax_code\n 0100000001",
    "national_series": "year | measure | value | basis | source\n 2024 | insured_persons | 95500000 | | VSS",
}


@pytest.mark.parametrize("mart", MARTS, ids=lambda t: t.name)
def test_the_sql_makes_the_declared_columns(warehouse_sql, mart):
    assert warehouse_sql(**WORLD).columns(mart.qualified_name) == [(f.name, f.kind.duckdb) for f in mart.fields]


@pytest.mark.parametrize("world", [WORLD, {}], ids=["small", "empty"])
def test_what_the_sql_makes_breaks_no_rule(warehouse_sql, world):
    built = warehouse_sql(**world)
    for mart in MARTS:
        built.build(mart.qualified_name)
    assert [rule for mart in MARTS for rule in built.broken(mart)] == []


@pytest.mark.parametrize(
    ("change", "mart", "rules"),
    [
        ("INSERT INTO marts.coverage_province_month FROM marts.coverage_province_month LIMIT 1", PROVINCE,
         {"coverage_province_month.key.twice"}),
        ("UPDATE marts.coverage_nation_month SET insured_persons = insured_persons + 1, valid_cards = valid_cards + 1", NATION,
         {"coverage_nation_month.insured_persons.differs"}),
        ("DELETE FROM marts.coverage_nation_month WHERE month = DATE '2025-07-01'", NATION, {"coverage_nation_month.month.skipped"}),
        ("UPDATE marts.coverage_province_month SET coverage_pct = 120 WHERE coverage_pct IS NOT NULL", PROVINCE,
         {"coverage_province_month.coverage_pct.above_100"}),
        ("UPDATE marts.coverage_province_month SET coverage_pct = 151 WHERE coverage_pct IS NOT NULL", PROVINCE,
         {"coverage_province_month.coverage_pct.out_of_range"}),
        ("UPDATE marts.coverage_province_month SET population = NULL", PROVINCE, {"coverage_province_month.population.missing"}),
        ("DELETE FROM marts.duplicate_cards_month", PROVINCE, {"coverage_province_month.duplicate_cards.differs"}),
        ("DELETE FROM marts.employers_missing_quarter", COMPLIANCE, {"employer_compliance_quarter.employees_missing.differs"}),
    ],
)  # fmt: skip
def test_rules_find_what_is_wrong(warehouse_sql, change, mart, rules):
    built = warehouse_sql(**WORLD)
    for each in MARTS:
        built.build(each.qualified_name)
    built.con.execute(change)
    assert set(built.broken(mart)) == rules


@pytest.mark.parametrize("mart", COVERAGE_MARTS[4:6], ids=lambda t: t.name)
def test_parts_must_add_up_to_the_province(warehouse_sql, mart):
    built = warehouse_sql(**WORLD)
    built.build(mart.qualified_name)
    built.build(PROVINCE.qualified_name)
    built.con.execute(
        f"DELETE FROM {mart.qualified_name} WHERE rowid = 0; UPDATE {mart.qualified_name} SET insured_persons = insured_persons + 1"
    )
    assert f"{mart.name}.insured_persons.differs" in built.broken(mart)


def test_every_rule_says_why_and_what_to_do():
    for mart in MARTS:
        for rule in mart.rules:
            assert rule.reason, rule.name
            assert rule.remedy, rule.name
        assert len({r.name for r in mart.rules}) == len(mart.rules)
        assert all(f.meaning for f in mart.fields)
