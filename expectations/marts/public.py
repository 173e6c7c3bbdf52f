"""What may leave: the tables of the BI file in their public form, declared once. Everything that is not named here is refused.

A public table hides every row with a count of persons under the threshold and further rows, so that no total gives it away
(`transforms.disclosure`); counts are rounded to 5, and rates are computed anew from the rounded counts, for an exact rate would undo the rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl


@dataclass(frozen=True)
class PublicTable:
    """How one table leaves. Columns in none of the lists leave as they are: dimensions, targets, population."""

    name: str
    persons: tuple[str, ...] = ()  # counts of people; these decide
    counts: tuple[str, ...] = ()  # other counts: hidden with the row, rounded
    amounts: tuple[str, ...] = ()  # hidden with the row, not rounded
    left_out: tuple[str, ...] = ()  # always empty: nothing says how many people they are about
    derived: Mapping[str, pl.Expr] = field(default_factory=dict)  # computed anew from the rounded counts
    published: tuple[tuple[str, ...], ...] = ()  # totals that another public table holds
    margins: tuple[tuple[str, ...], ...] = ()  # further totals that a reader may know; the last are withheld first
    above: tuple[str, tuple[str, ...]] | None = None  # the table, and the columns, whose hidden rows hide these


def _rate(count: str, base: str, factor: float = 100.0) -> pl.Expr:
    return factor * pl.col(count) / pl.when(pl.col(base) > 0).then(pl.col(base))


_RATE = {"coverage_pct": _rate("insured_persons", "population")}
_TO_TARGET = {
    **_RATE,
    "gap_points": _rate("insured_persons", "population") - pl.col("target_pct"),
    "persons_to_target": pl.max_horizontal(
        pl.lit(0, pl.Int64), (pl.col("target_pct") * pl.col("population") / 100).ceil().cast(pl.Int64) - pl.col("insured_persons")
    ),
}
_M, _P = "month", "province_code"
_INSURED = ("insured_persons",)
_OF_PROVINCE = ("coverage_province_month", (_M, _P))
_CARDS = ("valid_cards", "duplicate_cards")
_MONEY = ("total_cost", "covered_cost", "fund_paid", "copayment", "self_paid", "other_sources")

PUBLIC: tuple[PublicTable, ...] = (
    PublicTable("coverage_nation_month", _INSURED, left_out=_CARDS, derived=_TO_TARGET),
    PublicTable("coverage_province_month", _INSURED, left_out=_CARDS, derived=_TO_TARGET, published=((_M,),)),
    PublicTable("coverage_commune_month", _INSURED, derived=_RATE, published=((_M,), (_M, _P)), above=_OF_PROVINCE),
    PublicTable("coverage_group_month", _INSURED, above=_OF_PROVINCE, published=((_M,), (_M, _P)), margins=(
        (_M, _P, "payer_group"), (_M, _P, "plan_group"), (_M, "payer_group"), (_M, "plan_group"))),
    PublicTable("coverage_age_sex_month", _INSURED, derived=_RATE, above=_OF_PROVINCE, published=((_M,), (_M, _P)), margins=(
        (_M, _P, "age_band"), (_M, _P, "sex"), (_M, "age_band"), (_M, "sex"), (_M, "age_band", "sex"))),
    PublicTable("registration_level_month", _INSURED, above=_OF_PROVINCE, published=((_M,), (_M, _P)), margins=(
        (_M, _P, "facility_level"), (_M, _P, "ownership"), (_M, "facility_level"), (_M, "ownership"))),
    PublicTable("lapse_month", ("renewed_persons", "lapsed_persons"), ("ending_cards",), margins=((_M,), (_M, _P), (_M, "payer_group"))),
    PublicTable("duplicate_cards_month", ("persons",), ("cards",), margins=((_M,), (_M, _P), (_M, "reason"))),
    PublicTable("province_claims_month", ("patients", "inpatient_visits"), ("visits",), ("fund_paid", "copayment_share"),
                ("referred_in_visits", "referred_out_visits"),
                {"visits_per_insured": pl.col("visits_per_insured").round(2), "cost_per_visit": (pl.col("cost_per_visit") / 1000).round(0) * 1000},
                ((_M,),)),
    PublicTable("facility_month", ("patients",), ("visits", "treatment_days"), _MONEY, ("referred_in_visits",),
                {"avg_cost_per_visit": _rate("total_cost", "visits", 1.0),
                 "avg_length_of_stay": pl.when(pl.col("care_type") == "inpatient").then(_rate("treatment_days", "visits", 1.0))},
                ((_M,), (_M, _P), (_M, _P, "care_type"), (_M, "care_type")), ((_M, "facility_code"),), ("province_claims_month", (_M, _P))),
    PublicTable("diagnosis_month", ("patients",), ("visits",), ("fund_paid",), published=(
        (_M,), (_M, _P), (_M, _P, "care_type"), (_M, "care_type")), margins=((_M, _P, "icd_chapter"), (_M, _P, "icd_code"), (_M, "icd_chapter"),
        (_M, "icd_code")), above=("province_claims_month", (_M, _P))),
    PublicTable("claim_signals_month", ("persons",), ("claims",), ("fund_paid",), margins=((_M, "signal"), (_M, "facility_code"))),
    PublicTable("employer_compliance_quarter", ("employees_paid", "employees_insured", "employees_missing"),
                ("employers_active", "employers_insuring", "employers_missing", "new_enterprises_missing"), margins=(("quarter",),)),
    PublicTable("national_series"),
    PublicTable("province_series"),
)  # fmt: skip

# Why a mart of the BI file does not leave, and what does in its place.
REFUSED: dict[str, str] = {
    "facility_service_month": "the same claims by settlement month are public; both together could be set against each other. Take facility_month",
    "facility_cost_group_month": "it counts lines, not persons, so nobody can say which rows are about few people. Take facility_month",
    "referral_month": "it counts visits, not persons. Take province_claims_month",
    "fund_quarter": "it holds amounts without a count of persons. Take province_claims_month",
    "coverage_old_province_month": "beside coverage_province_month it would give away small parts of a province. Take coverage_province_month",
    "national_reconciliation": "it holds our exact figures beside published ones, and rounding would be undone. Take national_series",
    "subsidy_end_month": "it counts small groups by old province, whose totals are public. Take lapse_month",
    "employers_missing_quarter": "it names employers, and some are persons. Take employer_compliance_quarter",
}
