"""Marts of coverage: who is insured at the end of a month, where, in which group, and whose cards end or double."""

from expectations.declare import INTEGER, MONTH, RATE, TEXT, YEAR, Field, Rule, Table
from expectations.rules import ERROR, WARNING

PERSONS, CARDS, PERCENT = "persons", "cards", "percent"
DEFECT = "This is a defect of the software: report it."
SOURCE = "provinces/cards, planning/population, planning/targets"


def key_rules(table: str, key: tuple[str, ...], *, nullable: tuple[str, ...] = (), not_null: tuple[str, ...] = ()) -> tuple[Rule, ...]:
    """The key is unique (two NULLs are equal), and filled but for what may be unknown; so are further columns in `not_null`."""
    columns = ", ".join(key)
    missing = " OR ".join(f"{c} IS NULL" for c in (*(k for k in key if k not in nullable), *not_null))
    return (
        Rule(f"{table}.key.twice", ERROR,
             f"({columns}) IN (SELECT ({columns}) FROM marts.{table} GROUP BY {columns} HAVING count(*) > 1)",
             f"two rows have the same {columns}", DEFECT, columns),
        Rule(f"{table}.key.missing", ERROR, missing, "a column that says what the row is about is empty", DEFECT, columns),
    )  # fmt: skip


def no_negative(table: str, *counts: str) -> Rule:
    offends = " OR ".join(f"coalesce({c} < 0, true)" for c in counts)
    return Rule(f"{table}.counts.negative", ERROR, offends, "a count is negative or missing", DEFECT, counts[0])


def sums_to_province(table: str) -> Rule:
    """Each province's rows of a month add up to its insured in `coverage_province_month`."""
    return Rule(
        f"{table}.insured_persons.differs", ERROR,
        "(month, province_code) IN (SELECT (parts.month, parts.province_code)"
        f" FROM (SELECT month, province_code, sum(insured_persons) AS insured_persons FROM marts.{table} GROUP BY month, province_code) AS parts"
        " LEFT JOIN marts.coverage_province_month AS whole ON whole.month = parts.month AND whole.province_code = parts.province_code"
        " WHERE parts.insured_persons IS DISTINCT FROM whole.insured_persons)",
        "the insured do not add up to those of the province", DEFECT, "insured_persons",
    )  # fmt: skip


def rate_rules(table: str) -> tuple[Rule, ...]:
    """A rate above 100 % is possible (people live where nobody counted them); above 150 % the population figure is wrong. Both only warn: a wrong
    list of population must not keep a night from being published.
    """
    return (
        Rule(f"{table}.coverage_pct.above_100", WARNING, "coalesce(coverage_pct > 100 AND coverage_pct <= 150, false)",
             "more people are insured than live there",
             "Compare the population figure (year, unit: persons, not thousands) with the register.", "coverage_pct"),
        Rule(f"{table}.coverage_pct.out_of_range", WARNING, "coalesce(coverage_pct < 0 OR coverage_pct > 150, false)",
             "the coverage is not between 0 and 150 percent",
             "The population figure is wrong, or a register is doubled: deliver a corrected list of population for the year.", "coverage_pct"),
    )  # fmt: skip


_MONTH = Field("month", MONTH, "Month, first day; states are those of its last day", needed=True)
_PROVINCE = Field("province_code", TEXT, "Province (34) where the person counts: residence on the valid card that began last", needed=True)
_INSURED = Field("insured_persons", INTEGER, "Persons with at least one valid card on the month's last day, each counted once",
                 unit=PERSONS, needed=True)  # fmt: skip
_POPULATION_YEAR = Field("population_year", YEAR, "Year of the population figure: the latest delivered that is not after the month's year")
_PAYER_GROUP = Field("payer_group", TEXT, "Payer group 1-6 of the card's object code on the month's last day; NULL: code unknown")

_MEASURES = (
    _INSURED,
    Field("valid_cards", INTEGER, "Valid cards of these persons, counted where the person counts", unit=CARDS, needed=True),
    Field("duplicate_cards", INTEGER, "Valid cards beyond one a person: valid_cards - insured_persons", unit=CARDS, needed=True),
    Field("population", INTEGER, "Population by the latest figure; NULL when there is none", unit=PERSONS),
    _POPULATION_YEAR,
    Field("coverage_pct", RATE, "insured_persons / population x 100, not rounded; NULL without a population figure or a register", unit=PERCENT),
    Field("target_pct", RATE, "The place's own coverage target of the year (all groups); NULL when it has none", unit=PERCENT),
    Field("gap_points", RATE, "coverage_pct - target_pct", unit="percentage points"),
    Field("persons_to_target", INTEGER, "Persons still to insure to reach the target, rounded up; 0 if it is reached", unit=PERSONS),
    Field("register_month", MONTH, "Latest register period in use; NULL where the province has no register yet"),
)  # fmt: skip


def _measure_rules(table: str) -> tuple[Rule, ...]:
    return (
        no_negative(table, "insured_persons", "valid_cards", "duplicate_cards"),
        Rule(f"{table}.valid_cards.below_insured", ERROR, "coalesce(valid_cards < insured_persons, true)",
             "fewer valid cards than insured persons", DEFECT, "valid_cards"),
        Rule(f"{table}.register_month.later", ERROR, "coalesce(register_month > month, false)",
             "a register of a later month was used", DEFECT, "register_month"),
        *rate_rules(table),
    )  # fmt: skip


PROVINCE = Table(
    schema="marts", name="coverage_province_month", key=("month", "province_code"), vietnamese="Bao phủ BHYT theo tỉnh, tháng", source=SOURCE,
    grain="One row per month and province (34) that has a register in use for the month, or residents in another's register.",
    fields=(_MONTH, _PROVINCE, Field("province_name", TEXT, "Name of the province today"), *_MEASURES),
    rules=(
        *key_rules("coverage_province_month", ("month", "province_code")),
        *_measure_rules("coverage_province_month"),
        Rule("coverage_province_month.register_month.rate_without", ERROR, "register_month IS NULL AND coverage_pct IS NOT NULL",
             "a province without a register has a rate", DEFECT, "coverage_pct"),
        Rule("coverage_province_month.duplicate_cards.differs", ERROR,
             "duplicate_cards IS DISTINCT FROM coalesce((SELECT sum(d.cards - d.persons) FROM marts.duplicate_cards_month AS d"
             " WHERE d.month = coverage_province_month.month AND d.province_code = coverage_province_month.province_code), 0)",
             "the duplicate cards by reason do not add up to those of the province", DEFECT, "duplicate_cards"),
        Rule("coverage_province_month.population.missing", WARNING, "population IS NULL",
             "no population figure was delivered for the province; its rate and the nation's are empty",
             "Deliver the population of all old parts of the province, or of the province, for the year or an earlier one.", "population"),
    ),
)  # fmt: skip

NATION = Table(
    schema="marts", name="coverage_nation_month", key=("month",), vietnamese="Bao phủ BHYT cả nước, tháng", source=SOURCE,
    grain="One row per month: the whole nation.",
    fields=(
        _MONTH,
        *_MEASURES,
        Field("provinces_reporting", INTEGER, "Provinces (34) with a register in use", unit="provinces", needed=True),
        Field("provinces_without_population", INTEGER, "Provinces with a row and without a population figure; if any, there is no rate",
              unit="provinces", needed=True),
    ),
    rules=(
        *key_rules("coverage_nation_month", ("month",)),
        *_measure_rules("coverage_nation_month"),
        Rule("coverage_nation_month.insured_persons.differs", ERROR,
             "(insured_persons, valid_cards) IS DISTINCT FROM (SELECT (sum(p.insured_persons)::BIGINT, sum(p.valid_cards)::BIGINT)"
             " FROM marts.coverage_province_month AS p WHERE p.month = coverage_nation_month.month)",
             "the provinces do not sum to the nation", DEFECT, "insured_persons"),
        Rule("coverage_nation_month.month.skipped", ERROR,
             "month <> (SELECT min(n.month) FROM marts.coverage_nation_month AS n)"
             " AND (month - INTERVAL 1 MONTH)::DATE NOT IN (SELECT n.month FROM marts.coverage_nation_month AS n)",
             "a month between the first and the last register is missing", DEFECT, "month"),
    ),
)  # fmt: skip

COMMUNE = Table(
    schema="marts", name="coverage_commune_month", key=("month", "province_code", "commune_code"), source=SOURCE,
    vietnamese="Bao phủ BHYT theo xã, tháng",
    grain="One row per month, province and commune of today with insured residents.",
    fields=(
        _MONTH,
        _PROVINCE,
        Field("commune_code", TEXT, "Commune of today; persons whose commune is unknown are in no row", needed=True),
        Field("commune_name", TEXT, "Name of the commune today"),
        _INSURED,
        Field("population", INTEGER, "Population by the latest figure; NULL when there is none, or not of every old commune in it", unit=PERSONS),
        Field("coverage_pct", RATE, "insured_persons / population x 100, not rounded; NULL without a population figure or a register", unit=PERCENT),
        _POPULATION_YEAR,
    ),
    rules=(
        *key_rules("coverage_commune_month", ("month", "province_code", "commune_code")),
        no_negative("coverage_commune_month", "insured_persons"),
        *rate_rules("coverage_commune_month"),
        Rule("coverage_commune_month.insured_persons.above_province", ERROR,
             "(month, province_code) IN (SELECT (parts.month, parts.province_code)"
             " FROM (SELECT month, province_code, sum(insured_persons) AS insured_persons FROM marts.coverage_commune_month"
             " GROUP BY month, province_code) AS parts"
             " LEFT JOIN marts.coverage_province_month AS whole ON whole.month = parts.month AND whole.province_code = parts.province_code"
             " WHERE parts.insured_persons > coalesce(whole.insured_persons, 0))",
             "the communes hold more insured than their province", DEFECT, "insured_persons"),
    ),
)  # fmt: skip

GROUP = Table(
    schema="marts", name="coverage_group_month", key=("month", "province_code", "payer_group", "plan_group"), source=f"{SOURCE}; object_codes.csv",
    vietnamese="Người tham gia BHYT theo nhóm đối tượng, tháng",
    grain="One row per month, province, payer group and plan group of the insured.",
    fields=(
        _MONTH,
        _PROVINCE,
        _PAYER_GROUP,
        Field("plan_group", TEXT, "Plan group K1-K6 of decision 5063/QĐ-UBND; NULL: code unknown or in none"),
        _INSURED,
        Field("target_pct", RATE, "The province's own target of the year for the payer group, else for the plan group; NULL when none", unit=PERCENT),
    ),
    rules=(
        *key_rules("coverage_group_month", ("month", "province_code", "payer_group", "plan_group"), nullable=("payer_group", "plan_group")),
        no_negative("coverage_group_month", "insured_persons"),
        sums_to_province("coverage_group_month"),
    ),
)  # fmt: skip

AGE_SEX = Table(
    schema="marts", name="coverage_age_sex_month", key=("month", "province_code", "age_band", "sex"), source=SOURCE,
    vietnamese="Bao phủ BHYT theo tuổi và giới, tháng",
    grain="One row per month, province, age band and sex of the insured.",
    fields=(
        _MONTH,
        _PROVINCE,
        Field("age_band", TEXT, "Age in full years on the month's last day: 0-5, 6-17, 18-59, 60-69, 70-79, 80+; NULL: not yet born by the card",
              unit="years"),
        Field("sex", TEXT, "Sex: 1 male, 2 female, 3 undetermined"),
        _INSURED,
        Field("population", INTEGER, "Population of the cell by the latest figure; NULL when there is none", unit=PERSONS),
        Field("coverage_pct", RATE, "insured_persons / population x 100, not rounded; NULL without a population figure or a register", unit=PERCENT),
        _POPULATION_YEAR,
    ),
    rules=(
        *key_rules("coverage_age_sex_month", ("month", "province_code", "age_band", "sex"), nullable=("age_band", "sex")),
        no_negative("coverage_age_sex_month", "insured_persons"),
        *rate_rules("coverage_age_sex_month"),
        sums_to_province("coverage_age_sex_month"),
    ),
)  # fmt: skip

REGISTRATION_LEVEL = Table(
    schema="marts", name="registration_level_month", key=("month", "province_code", "facility_level", "ownership"),
    source="provinces/cards, provinces/facilities", vietnamese="Nơi đăng ký khám chữa bệnh ban đầu theo tuyến, tháng",
    grain="One row per month, province of residence, level and ownership of the facility of first registration.",
    fields=(
        _MONTH,
        _PROVINCE,
        Field("facility_level", TEXT, "Level: 1 central, 2 province, 3 district, 4 commune; NULL: facility not given or not known that day"),
        Field("ownership", TEXT, "CONG public, TU private; NULL as for the level"),
        _INSURED,
    ),
    rules=(
        *key_rules("registration_level_month", ("month", "province_code", "facility_level", "ownership"), nullable=("facility_level", "ownership")),
        no_negative("registration_level_month", "insured_persons"),
        sums_to_province("registration_level_month"),
    ),
)  # fmt: skip

LAPSE = Table(
    schema="marts", name="lapse_month", key=("month", "province_code", "payer_group"), source="provinces/cards",
    vietnamese="Thẻ hết hạn và gia hạn, tháng",
    grain="One row per month, province of residence and payer group of the cards whose last day lies in the month.",
    fields=(
        _MONTH,
        Field("province_code", TEXT, "Province (34) of residence on the ending card", needed=True),
        _PAYER_GROUP,
        Field("ending_cards", INTEGER, "Cards whose last day lies in the month and that were not withdrawn before it", unit=CARDS, needed=True),
        Field("renewed_persons", INTEGER, "Their holders who are insured, by any card, at the end of the next month", unit=PERSONS, needed=True),
        Field("lapsed_persons", INTEGER, "Their holders who are not", unit=PERSONS, needed=True),
    ),
    rules=(
        *key_rules("lapse_month", ("month", "province_code", "payer_group"), nullable=("payer_group",)),
        no_negative("lapse_month", "ending_cards", "renewed_persons", "lapsed_persons"),
        Rule("lapse_month.persons.above_cards", ERROR, "coalesce(renewed_persons + lapsed_persons > ending_cards, true)",
             "more holders than ending cards", DEFECT, "ending_cards"),
    ),
)  # fmt: skip

REASONS = ("two_provinces", "old_and_new_number", "two_groups", "reissued", "other")

DUPLICATE_CARDS = Table(
    schema="marts", name="duplicate_cards_month", key=("month", "province_code", "other_province_code", "reason"), source="provinces/cards",
    vietnamese="Thẻ cấp trùng, tháng",
    grain="One row per month, province where the person counts, other province of his cards and reason, for persons who hold two or more valid cards.",
    fields=(
        _MONTH,
        _PROVINCE,
        Field("other_province_code", TEXT, "Smallest other province of residence among the person's valid cards; NULL when all name one"),
        Field("reason", TEXT, "First that holds: two_provinces; old_and_new_number (15 characters and ten digits, or CMND and CCCD); two_groups "
              "(object codes differ); reissued (one object code); other (object code unknown)", choices=REASONS, needed=True),
        Field("persons", INTEGER, "Persons who hold two or more valid cards", unit=PERSONS, needed=True),
        Field("cards", INTEGER, "Valid cards that they hold", unit=CARDS, needed=True),
    ),
    rules=(
        *key_rules("duplicate_cards_month", ("month", "province_code", "other_province_code", "reason"), nullable=("other_province_code",)),
        no_negative("duplicate_cards_month", "persons", "cards"),
        Rule("duplicate_cards_month.cards.too_few", ERROR, "coalesce(cards < 2 * persons, true)",
             "a person with fewer than two cards is counted", DEFECT, "cards"),
        Rule("duplicate_cards_month.reason.unknown", ERROR, f"coalesce(reason NOT IN ({', '.join(repr(r) for r in REASONS)}), true)",
             "a reason that the contract does not know", DEFECT, "reason"),
    ),
)  # fmt: skip

NATIONAL_SERIES = Table(
    schema="marts", name="national_series", key=("year", "measure", "value", "basis", "source"), source="warehouse/reference/national_series.csv",
    vietnamese="Số liệu công bố toàn quốc",
    grain="One row per published national figure: year, measure, basis and source.",
    fields=(
        Field("year", YEAR, "Year that the figure is about", needed=True),
        Field("measure", TEXT, "What is counted", needed=True),
        Field("value", RATE, "The figure, in the unit that the measure names"),
        Field("basis", TEXT, "What it includes and how it was come by, where known"),
        Field("source", TEXT, "Who published it, where", needed=True),
        Field("note", TEXT, "What to know before comparing"),
        Field("status", TEXT, "SOURCED, DERIVED, or UNCERTAIN: from memory, to be checked before use"),
    ),
    rules=key_rules("national_series", ("year", "measure", "value", "basis", "source"), nullable=("value", "basis")),
)  # fmt: skip

COVERAGE_MARTS = (PROVINCE, NATION, COMMUNE, GROUP, AGE_SEX, REGISTRATION_LEVEL, LAPSE, DUPLICATE_CARDS, NATIONAL_SERIES)
