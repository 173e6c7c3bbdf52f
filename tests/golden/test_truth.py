"""A night over 20,000 people and three months around the reform: what is published is what the simulated world says.

Money and counts of things are exact. What counts persons may be off by three in a thousand: who is who is inferred from what registers say.
"""

from __future__ import annotations

import polars as pl
import pytest

from expectations.declare import Table
from expectations.marts import BI_TABLES
from tests.golden.published import PERSONS_WITHIN, WITHOUT_TRUTH, Published, distance, keyed_pairs

MARTS = {t.name: t for t in BI_TABLES if t.schema == "marts"}
WITH_OWN_TEST = {"fund_quarter", "registration_level_month", "claim_signals_month", "duplicate_cards_month"}

# Columns that depend on who is taken for one person -> the column whose total the difference is a share of. A difference between two
# figures (duplicate cards = cards - persons, gap = coverage - target) is as far off as its parts are, not as its own small size is.
OF_PERSONS = {
    "insured_persons": "insured_persons", "patients": "patients", "employees_insured": "employees_insured",
    "employees_missing": "employees_paid", "duplicate_cards": "valid_cards", "persons_to_target": "insured_persons",
    "coverage_pct": "coverage_pct", "gap_points": "coverage_pct", "visits_per_insured": "visits_per_insured",
    "renewed_persons": "ending_cards", "lapsed_persons": "ending_cards",
}  # fmt: skip
# Where a person's second card counts depends on whether it is known to be his; in the nation it counts anyway.
OF_PERSONS_IN_A_PROVINCE = {"valid_cards": "valid_cards"}
# Signals raised by what a person's several cards or visits say together.
SIGNALS_OF_PERSONS = ("several_cards", "overlapping_inpatient", "same_day_several_facilities", "frequent_visits")
# Of holders of several cards a few in a hundred are not seen to be one person: cards that share neither number nor citizen id nor place.
DUPLICATES_WITHIN = 0.04
RATES_WITHIN = 1e-9  # an exact quotient, up to the order in which its parts are added


def assert_alike(pairs: pl.DataFrame, table: Table, inferred: dict[str, str]) -> None:
    """Columns of `inferred` within three in a thousand, all others the same."""
    for column in (c.removesuffix("_got") for c in pairs.columns if c.endswith("_got")):
        if column in inferred:
            assert distance(pairs, column, inferred[column]) <= PERSONS_WITHIN, f"{table.name}.{column}"
        elif pairs[column].dtype == pl.Float64:
            assert distance(pairs, column) <= RATES_WITHIN, f"{table.name}.{column}"
        else:
            theirs = pairs[column].cast(pairs[f"{column}_got"].dtype)
            differing = pairs.filter(~theirs.eq_missing(pairs[f"{column}_got"]))
            assert differing.is_empty(), f"{table.name}.{column}: {differing.height} rows differ"


def test_every_mart_is_compared(golden: Published) -> None:
    written = {p.stem for p in (golden.world / "truth").glob("*.parquet")}
    assert set(MARTS) - WITHOUT_TRUTH <= written
    assert not WITHOUT_TRUTH & written


@pytest.mark.parametrize("name", sorted(set(MARTS) - WITHOUT_TRUTH - WITH_OWN_TEST))
def test_a_mart_is_the_truth(golden: Published, name: str) -> None:
    table, truth = MARTS[name], golden.truth(name)
    assert not truth.is_empty()
    assert set(truth.columns) <= {f.name for f in table.fields}
    inferred = OF_PERSONS | (OF_PERSONS_IN_A_PROVINCE if name == "coverage_province_month" else {})
    assert_alike(keyed_pairs(truth, golden.tables[table.qualified_name], table), table, inferred)


def test_registration_level_has_rows_of_its_own_for_those_whose_facility_is_unknown(golden: Published) -> None:
    """The truth lists people by the facility on their card; the mart also counts those with none, in rows without level and ownership."""
    table, mart = MARTS["registration_level_month"], golden.tables["marts.registration_level_month"]
    nowhere = pl.col("facility_level").is_null() & pl.col("ownership").is_null()
    pairs = keyed_pairs(golden.truth(table.name), mart.filter(~nowhere), table)
    assert_alike(pairs, table, OF_PERSONS)
    assert mart.filter(nowhere).height > 0
    everyone = golden.tables["marts.coverage_province_month"].select("month", "province_code", "insured_persons")
    summed = mart.group_by("month", "province_code").agg(pl.col("insured_persons").sum())
    assert summed.sort(summed.columns).equals(everyone.sort(everyone.columns))


def test_holders_of_several_cards_are_counted_for_the_reason_that_holds(golden: Published) -> None:
    """Cells are small, so one pair that is not seen empties a cell: what is compared is the sum of all differences."""
    key = ["month", "province_code", "other_province_code", "reason"]
    both = golden.truth("duplicate_cards_month").join(
        golden.tables["marts.duplicate_cards_month"], on=key, how="full", coalesce=True, suffix="_got", nulls_equal=True
    )
    both = both.with_columns(pl.col("persons", "persons_got", "cards", "cards_got").fill_null(0))
    for measure in ("persons", "cards"):
        assert both[measure].sum() > 1000
        assert distance(both, measure) <= DUPLICATES_WITHIN, measure


def test_fund_quarter_has_rows_of_its_own_for_facilities_without_a_budget(golden: Published) -> None:
    """The truth lists holders of a budget; the mart's grain is "with claims or a budget", so it also has who was paid without one."""
    table, mart = MARTS["fund_quarter"], golden.tables["marts.fund_quarter"]
    truth = golden.truth(table.name)
    without = pl.col("budget").is_null()
    assert truth.filter(without).is_empty()
    assert_alike(keyed_pairs(truth, mart.filter(~without), table), table, {})
    others = mart.filter(without)
    assert others["facility_code"].null_count() == 0
    assert others["budget_used_pct"].null_count() == others.height
    quarter = pl.format("{}-Q{}", pl.col("month").dt.year(), pl.col("month").dt.quarter()).alias("quarter")
    paid = golden.tables["marts.facility_month"].group_by(quarter, "facility_code").agg(pl.col("fund_paid").sum())
    listed = mart.filter(pl.col("facility_code").is_not_null()).join(paid, on=["quarter", "facility_code"], how="full", suffix="_month")
    assert listed.filter(pl.col("quarter").is_null()).is_empty(), "a facility with claims is in the mart"
    assert listed["fund_paid"].equals(listed["fund_paid_month"].fill_null(0), null_equal=True)


def test_signals_on_one_claim_are_exact(golden: Published) -> None:
    table, mart = MARTS["claim_signals_month"], golden.tables["marts.claim_signals_month"]
    of_claims = ~pl.col("signal").is_in(SIGNALS_OF_PERSONS)
    assert_alike(keyed_pairs(golden.truth(table.name).filter(of_claims), mart.filter(of_claims), table), table, {})


@pytest.mark.parametrize("signal", SIGNALS_OF_PERSONS)
def test_signals_on_a_person_miss_or_invent_three_claims_in_a_thousand_at_most(golden: Published, signal: str) -> None:
    """A second card that is not seen to be the same person's raises no signal; the share is one of all claims."""
    key = ["month", "facility_code"]
    truth = golden.truth("claim_signals_month").filter(pl.col("signal") == signal)
    mart = golden.tables["marts.claim_signals_month"].filter(pl.col("signal") == signal)
    both = truth.join(mart, on=key, how="full", coalesce=True, suffix="_got")
    claims = golden.tables["marts.facility_month"].select(pl.col("visits").sum(), pl.col("fund_paid").sum()).row(0)
    assert not truth.is_empty()
    for column, total in zip(("claims", "persons", "fund_paid"), (claims[0], *claims), strict=True):
        wrong = both.select((pl.col(column).fill_null(0) - pl.col(f"{column}_got").fill_null(0)).abs().sum()).item()
        assert float(wrong) <= PERSONS_WITHIN * float(total), column


@pytest.mark.parametrize("column", ["insured_persons", "valid_cards", "duplicate_cards"])
def test_the_provinces_sum_to_the_nation_in_every_month(golden: Published, column: str) -> None:
    provinces = golden.tables["marts.coverage_province_month"].group_by("month").agg(pl.col(column).sum()).sort("month")
    nation = golden.tables["marts.coverage_nation_month"].select("month", pl.col(column)).sort("month")
    assert nation.height == 3
    assert provinces.cast(nation.schema).equals(nation)


@pytest.mark.parametrize("part", ["coverage_group_month", "coverage_age_sex_month"])
def test_groups_and_ages_sum_to_their_province(golden: Published, part: str) -> None:
    whole = golden.tables["marts.coverage_province_month"].select("month", "province_code", "insured_persons")
    summed = golden.tables[f"marts.{part}"].group_by("month", "province_code").agg(pl.col("insured_persons").sum())
    assert summed.sort(summed.columns).cast(whole.schema).equals(whole.sort(whole.columns))


COUNTS = ["status", "records_read", "records_loaded", "records_quarantined", "records_repeated"]


def test_every_delivery_has_the_status_and_counts_that_were_sent(golden: Published) -> None:
    sent = golden.truth("deliveries").select("path", "export", *COUNTS).sort("path")
    received = golden.tables["quality.deliveries"].select("path", "export", *COUNTS).sort("path")
    assert received.cast(sent.schema).equals(sent)
    assert golden.summary.statuses == {"loaded": sent.height}


def test_every_rule_of_every_mart_was_evaluated_and_none_of_severity_error_is_broken(golden: Published) -> None:
    results = golden.tables["quality.results"]
    marts = results.filter(pl.col("delivery_id").str.contains(".", literal=True))
    assert set(marts["rule"]) >= {r.name for t in BI_TABLES for r in t.rules}
    assert marts.filter((pl.col("status") == "error") | (pl.col("severity") == "error") & (pl.col("failed") > 0)).is_empty()
