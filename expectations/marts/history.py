"""Marts of history: published figures beside ours, the insured by old borders, and what ends with a province's own support."""

from expectations.declare import BOOLEAN, DATE, INTEGER, MONTH, RATE, TEXT, YEAR, Field, Rule, Table
from expectations.marts.coverage import CARDS, DEFECT, PERSONS, key_rules, no_negative, sums_to_province
from expectations.rules import ERROR, WARNING

RECONCILIATION = Table(
    schema="marts", name="national_reconciliation", key=("year", "measure", "value", "basis", "source"),
    source="warehouse/reference/national_series.csv, reconciliation_bands.csv; marts.coverage_nation_month, marts.facility_month",
    vietnamese="Đối chiếu số liệu công bố toàn quốc",
    grain="One row per published national figure, with our own figure of the same time beside it.",
    fields=(
        Field("year", YEAR, "Year that the figure is about", needed=True),
        Field("measure", TEXT, "insured_persons, coverage_pct, visits or claims_amount", needed=True),
        Field("ours", RATE, "What our marts say of the same time, in the unit of the measure; NULL: we lack some of it"),
        Field("value", RATE, "The published figure", needed=True),
        Field("basis", TEXT, "What the published figure includes, in the publisher's words"),
        Field("source", TEXT, "Who published it, where", needed=True),
        Field("status", TEXT, "SOURCED, DERIVED, or UNCERTAIN: from memory, to be checked before use"),
        Field("period_from", DATE, "First day that the figure is about; NULL: a state of one day"),
        Field("period_to", DATE, "Last day that the figure is about, or the day of the state", needed=True),
        Field("difference", RATE, "ours - value"),
        Field("difference_pct", RATE, "Difference as a share of the published figure", unit="percent"),
        Field("band_pct", RATE, "Within how much the two should agree; why: reference.reconciliation_bands", unit="percent"),
        Field("agrees", BOOLEAN, "The difference is within the band; NULL where ours is"),
        Field("provinces_reporting", INTEGER, "Provinces whose registers ours is made of (states only)", unit="provinces"),
        Field("conflicts_with", TEXT, "Sources whose published figure for the same measure and time differs by more than rounding; NULL: none"),
        Field("conflict_pct", RATE, "Largest difference to one of these, as a share of this figure", unit="percent"),
    ),
    rules=(
        *key_rules("national_reconciliation", ("year", "measure", "value", "basis", "source"), nullable=("basis",)),
        Rule("national_reconciliation.band_pct.missing", ERROR, "coalesce(band_pct <= 0, true)", "a measure has no band",
             "Add the measure to warehouse/reference/reconciliation_bands.csv.", "band_pct"),
        Rule("national_reconciliation.agrees.not", WARNING, "coalesce(NOT agrees AND provinces_reporting = 34, false)",
             "all provinces report, and our figure lies outside the band of a published one",
             "Look for a missing or doubled register or list of population; the published figure may be of another basis.", "agrees"),
    ),
)  # fmt: skip

SUBSIDY_END = Table(
    schema="marts", name="subsidy_end_month", key=("month", "old_province_code", "group_name", "instrument"),
    source="provinces/cards; warehouse/reference/subsidies.csv",
    vietnamese="Người mất hỗ trợ khi nghị quyết của tỉnh hết hiệu lực",
    grain="One row per month and local resolution in force in it with a known end, and group whose cards tell that they belong to it.",
    fields=(
        Field("month", MONTH, "Month, first day; states are those of its last day", needed=True),
        Field("old_province_code", TEXT, "Province by the borders before 2025-07-01, whose resolution it is", needed=True),
        Field("province_code", TEXT, "Province (34) that it lies in today"),
        Field("group_name", TEXT, "Who is supported", needed=True),
        Field("payer_group", TEXT, "Payer group 1-6 of the supported"),
        Field("instrument", TEXT, "The resolution", needed=True),
        Field("ends_on", DATE, "Last day of the support; uncertain where dims.subsidy says so", needed=True),
        Field("support_pct", RATE, "Share of the premium that is paid until then", unit="percent", needed=True),
        Field("remaining_pct", RATE, "Most that is still paid for such a card the day after, by the nation or the province", unit="percent", needed=True),
        Field("supported_persons", INTEGER, "Insured at the end of the month in the group and the old province", unit=PERSONS, needed=True),
        Field("uncovered_persons", INTEGER, "Of these, who hold no valid card that runs on after the support ends", unit=PERSONS, needed=True),
        Field("renewed_persons", INTEGER, "Of the uncovered, who are insured at the end of the next month; only where the support ends in the month, NULL until it is known", unit=PERSONS),
        Field("lapsed_persons", INTEGER, "Of the uncovered, who are not; NULL as for the renewed", unit=PERSONS),
    ),
    rules=(
        *key_rules("subsidy_end_month", ("month", "old_province_code", "group_name", "instrument")),
        no_negative("subsidy_end_month", "supported_persons", "uncovered_persons"),
        Rule("subsidy_end_month.uncovered_persons.above_supported", ERROR, "coalesce(uncovered_persons > supported_persons, true)",
             "more people uncovered than supported", DEFECT, "uncovered_persons"),
        Rule("subsidy_end_month.lapsed_persons.differs", ERROR, "coalesce(renewed_persons + lapsed_persons <> uncovered_persons, false)",
             "renewed and lapsed do not add up to the uncovered", DEFECT, "lapsed_persons"),
    ),
)  # fmt: skip

PROVINCE_SERIES = Table(
    schema="marts", name="province_series", key=("year", "area", "measure", "basis", "source"),
    source="warehouse/reference/province_series.csv, former_provinces.csv",
    vietnamese="Số liệu công bố của các tỉnh",
    grain="One row per published figure of a province: year, area, measure, basis and source.",
    fields=(
        Field("year", YEAR, "Year that the figure is about", needed=True),
        Field("area", TEXT, "Province as it was called then", needed=True),
        Field("province_code", TEXT, "Province (34) that the figure speaks of; NULL: of several"),
        Field("old_province_code", TEXT, "Province (63) that it is about; NULL: one of today, or one abolished before (dims.former_province)"),
        Field("is_whole", BOOLEAN, "The figure is about the whole province of today, not a part of it", needed=True),
        Field("measure", TEXT, "What is counted", needed=True),
        Field("value", RATE, "The figure, in the unit that the measure names", needed=True),
        Field("basis", TEXT, "What it includes and when"),
        Field("source", TEXT, "Who published it, where", needed=True),
        Field("note", TEXT, "What to know before comparing"),
        Field("status", TEXT, "SOURCED, DERIVED, or UNCERTAIN: from memory, to be checked before use"),
    ),
    rules=key_rules("province_series", ("year", "area", "measure", "basis", "source"), nullable=("basis",)),
)  # fmt: skip

OLD_PROVINCE = Table(
    schema="marts", name="coverage_old_province_month", key=("month", "province_code", "old_province_code"), source="provinces/cards",
    vietnamese="Người tham gia BHYT theo tỉnh cũ, tháng",
    grain="One row per month, province (34) and old province (63) that it took in.",
    fields=(
        Field("month", MONTH, "Month, first day; states are those of its last day", needed=True),
        Field("province_code", TEXT, "Province (34) where the person counts", needed=True),
        Field("old_province_code", TEXT, "Province (63) where he counts; NULL: not to be told"),
        Field("old_province_name", TEXT, "Its name until 2025-06-30"),
        Field("insured_persons", INTEGER, "Persons with a valid card on the month's last day, each counted once", unit=PERSONS, needed=True),
        Field("valid_cards", INTEGER, "Valid cards of these persons", unit=CARDS, needed=True),
    ),
    rules=(
        *key_rules("coverage_old_province_month", ("month", "province_code", "old_province_code"), nullable=("old_province_code",)),
        no_negative("coverage_old_province_month", "insured_persons", "valid_cards"),
        sums_to_province("coverage_old_province_month"),
    ),
)  # fmt: skip

HISTORY_MARTS: tuple[Table, ...] = (RECONCILIATION, PROVINCE_SERIES, SUBSIDY_END, OLD_PROVINCE)
