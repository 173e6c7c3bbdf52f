"""What the claim marts must say, computed straight from the simulated visits; nothing here reads the project's SQL.

Readings of the contract where it leaves room:
- `referred_in_visits`: claims whose registered facility lies in another province than the care; `referred_out_visits` the same seen from
  home, given for provinces that have care of their own in the month.
- `copayment_share` is a fraction: co-payment / covered cost. `icd_code` is the code as sent.
- `outside_card_validity`: no listed card is valid by the claim's own dates, and none by what the registers said last
  (a withdrawal ends what the register says).
- `frequent_visits`: eight claims of one settlement month; all of them are flagged. `same_day`: the day of NGAY_VAO.
- `several_cards`: by what the registers said last about each card and first day of validity.
- `fund_quarter`: rows of holders that have a budget and whose claims fall into the quarter.
"""

from __future__ import annotations

import polars as pl

from warehouse.samples.claim_files import lines_of, with_money
from warehouse.samples.claim_xml import money
from warehouse.samples.lists import Lists
from warehouse.samples.places import Places
from warehouse.samples.visits import INPATIENT
from warehouse.samples.window import ALWAYS, quarter

SUMS = {
    "total_cost": "total_header",
    "covered_cost": "covered",
    "fund_paid": "fund",
    "copayment": "copay",
    "self_paid": "own",
    "other_sources": "other",
}


def current_claims(
    records: pl.DataFrame, lines: pl.DataFrame, visits: pl.DataFrame, places: Places, facilities: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The latest version of each claim that is not withdrawn, with its sums, care type and provinces; and the lines of these."""
    latest = records.sort("claim", "version").unique("claim", keep="last", maintain_order=True).filter(pl.col("kind") != "withdrawn")
    own_lines = lines_of(latest, lines)
    claims = with_money(latest, own_lines)
    where = pl.concat(
        [facilities.select("code", "province"), facilities.select("province", code="recoded").drop_nulls().select("code", "province")]
    )
    claims = (
        claims.drop("province", "care_code")
        .join(visits.select("claim", "care_code"), on="claim", how="left", maintain_order="left")
        .join(where.rename({"code": "facility_code", "province": "listed_care"}), on="facility_code", how="left", maintain_order="left")
        .join(where.rename({"code": "registered", "province": "listed_home"}), on="registered", how="left", maintain_order="left")
    )
    claims = claims.with_columns(
        care_type=pl.when(pl.col("care_code").is_in(list(INPATIENT))).then(pl.lit("inpatient")).otherwise(pl.lit("outpatient")),
        province=pl.coalesce("listed_care", _by_prefix("facility_code", places)),
        home=pl.coalesce("listed_home", _by_prefix("registered", places)),
        # QĐ 4210 has one total for both.
        covered=pl.when(pl.col("standard") == "4210").then("total_header").otherwise("covered"),
        month=pl.col("settled"),
        service_month=pl.from_epoch("out_day", time_unit="d").dt.truncate("1mo"),
    )
    return claims, own_lines.join(claims.select("claim", "facility_code", "care_type", "month", "standard"), on="claim", how="left")


def _by_prefix(column: str, places: Places) -> pl.Expr:
    """Where a facility in no list lies: its first two digits, read as an old code."""
    return pl.col(column).str.slice(0, 2).replace_strict(places.today, default=None, return_dtype=pl.String)


def _in_dong(frame: pl.DataFrame, *columns: str) -> pl.DataFrame:
    return frame.with_columns(money(c).cast(pl.Decimal(18, 2)).alias(c) for c in columns)


def _totals(*names: str) -> list[pl.Expr]:
    return [pl.col(SUMS[n]).sum().alias(n) for n in names or SUMS]


def claim_marts(
    claims: pl.DataFrame, lines: pl.DataFrame, lists: Lists, insured: pl.DataFrame, facilities: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    """The marts on current claims; `insured`: coverage_province_month."""
    away = pl.col("home") != pl.col("province")
    count = pl.len().cast(pl.Int64)
    patients = pl.col("patient").n_unique().cast(pl.Int64)
    attributes = pl.concat(
        [
            facilities.select("level", "ownership", facility_code="code"),
            facilities.select("level", "ownership", facility_code="recoded").drop_nulls(),
        ]
    )
    out: dict[str, pl.DataFrame] = {}
    for name, month in (("facility_month", "month"), ("facility_service_month", "service_month")):
        frame = claims.group_by(month, "facility_code", "province", "care_type").agg(
            *_totals(),
            visits=count,
            patients=patients,
            treatment_days=pl.col("treatment_days").sum().cast(pl.Int64),
            referred_in_visits=away.fill_null(False).sum().cast(pl.Int64),
        ).join(attributes, on="facility_code", how="left")  # fmt: skip
        frame = frame.with_columns(
            avg_cost_per_visit=pl.col("total_cost") / 100 / pl.col("visits"),
            avg_length_of_stay=pl.when(pl.col("care_type") == "inpatient").then(pl.col("treatment_days") / pl.col("visits")),
        )
        out[name] = (
            _in_dong(frame, *SUMS)
            .rename({"province": "province_code", "level": "facility_level"})
            .sort(month, "facility_code", "care_type")
        )
    groups = lines.group_by("month", "facility_code", "care_type", cost_group=pl.col("group").cast(pl.String)).agg(
        lines=count,
        total_cost=pl.col("total").sum(),
        covered_cost=pl.when(pl.col("standard") == "4210").then("total").otherwise("covered").sum(),
        fund_paid=pl.col("fund").sum(),
    )
    out["facility_cost_group_month"] = _in_dong(groups, "total_cost", "covered_cost", "fund_paid").sort(
        "month", "facility_code", "care_type", "cost_group"
    )
    diagnoses = claims.group_by("month", "province", "care_type", icd_code="icd").agg(
        *_totals("fund_paid"), visits=count, patients=patients
    )
    out["diagnosis_month"] = (
        _in_dong(diagnoses, "fund_paid").rename({"province": "province_code"}).sort("month", "province_code", "icd_code", "care_type")
    )
    referrals = claims.filter(away).group_by("month", "home", "province", "care_type").agg(*_totals("fund_paid"), visits=count)
    out["referral_month"] = (
        _in_dong(referrals, "fund_paid")
        .rename({"home": "home_province_code", "province": "care_province_code"})
        .sort("month", "home_province_code", "care_province_code", "care_type")
    )
    out["province_claims_month"] = _province_claims(claims, insured)
    out["fund_quarter"] = _funds(claims, lists)
    return out


def _province_claims(claims: pl.DataFrame, insured: pl.DataFrame) -> pl.DataFrame:
    away = (pl.col("home") != pl.col("province")).fill_null(False)
    here = claims.group_by("month", "province").agg(
        *_totals(),
        visits=pl.len().cast(pl.Int64),
        patients=pl.col("patient").n_unique().cast(pl.Int64),
        inpatient_visits=(pl.col("care_type") == "inpatient").sum().cast(pl.Int64),
        referred_in_visits=away.sum().cast(pl.Int64),
    )
    sent = claims.filter(away).group_by("month", province="home").agg(referred_out_visits=pl.len().cast(pl.Int64))
    here = (
        here.join(sent, on=["month", "province"], how="left")
        .join(insured.select("month", "insured_persons", province="province_code"), on=["month", "province"], how="left")
        .with_columns(
            pl.col("referred_out_visits").fill_null(0),
            visits_per_insured=pl.col("visits") / pl.col("insured_persons"),
            cost_per_visit=pl.col("total_cost") / 100 / pl.col("visits"),
            copayment_share=pl.col("copayment") / pl.col("covered_cost"),
        )
    )
    kept = ["month", "province", "visits", "patients", "inpatient_visits", "fund_paid", "visits_per_insured", "cost_per_visit",
    "copayment_share",
            "referred_in_visits", "referred_out_visits"]  # fmt: skip
    return _in_dong(here, "fund_paid").select(kept).rename({"province": "province_code"}).sort("month", "province_code")


def _funds(claims: pl.DataFrame, lists: Lists) -> pl.DataFrame:
    names = {m: quarter(m) for m in claims["month"].unique()}
    paid = claims.select(
        "facility_code",
        "province",
        "fund",
        year=pl.col("month").dt.year(),
        quarter=pl.col("month").replace_strict(names, return_dtype=pl.String),
    )
    parts = []
    for holder, columns in (("facility_code", ["facility_code", "province"]), ("province", ["province"])):
        spent = paid.group_by("year", "quarter", *columns).agg(pl.col("fund").sum()).sort("quarter")
        spent = spent.with_columns(so_far=pl.col("fund").cum_sum().over("year", holder, order_by="quarter"))
        budget = lists.budgets.filter(
            pl.col("facility_code").is_not_null() if holder == "facility_code" else pl.col("facility_code").is_null()
        )
        rows = spent.join(budget.select("year", holder, "budget"), on=["year", holder], how="inner")
        if holder == "province":
            rows = rows.with_columns(facility_code=pl.lit(None, pl.String))
        parts.append(rows.select("quarter", "province", "facility_code", "fund", "budget", "so_far"))
    frame = pl.concat(parts).with_columns(budget_used_pct=pl.col("so_far") / pl.col("budget"))  # xu / đồng is percent
    return (
        _in_dong(frame, "fund")
        .with_columns(pl.col("budget").cast(pl.Decimal(18, 2)))
        .select("quarter", "budget", "budget_used_pct", province_code="province", facility_code="facility_code", fund_paid="fund")
        .sort("quarter", "province_code", "facility_code", nulls_last=True)
    )


def signals(claims: pl.DataFrame, listed: pl.DataFrame) -> pl.DataFrame:
    """`claim, signal`: each current claim that raises a signal."""
    found: list[pl.DataFrame] = []

    def add(name: str, keys: pl.DataFrame) -> None:
        found.append(keys.select("claim").unique().sort("claim").with_columns(signal=pl.lit(name)))

    cards = pl.concat(
        [
            claims.select("claim", "day", "full", "valid_from", "valid_to"),
            claims.filter(pl.col("other_full").is_not_null()).select(
                "claim", "day", full="other_full", valid_from="other_from", valid_to="other_to"
            ),
        ]
    )
    in_registers = listed.select("full").unique()
    add("unknown_card", claims.join(cards.join(in_registers, on="full", how="semi"), on="claim", how="anti"))

    def covers(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.filter((pl.col("valid_from") <= pl.col("day")) & (pl.col("valid_to").fill_null(ALWAYS) >= pl.col("day"))).select(
            "claim"
        )

    said_last = listed.sort("period", "span").unique(["full", "valid_from"], keep="last", maintain_order=True)
    by_register = (
        cards.select("claim", "day", "full").join(said_last, on="full").filter(pl.col("withdrawn_on").fill_null(ALWAYS) > pl.col("day"))
    )
    add("outside_card_validity", claims.join(pl.concat([covers(cards), covers(by_register)]), on="claim", how="anti"))

    deaths = listed.filter(pl.col("reason") == "CHET").group_by("person").agg(died=pl.col("withdrawn_on").min())
    add("after_death", claims.join(deaths, left_on="patient", right_on="person").filter(pl.col("day") > pl.col("died")))

    stays = claims.filter(pl.col("care_type") == "inpatient").select("claim", "patient", "day", "out_day")
    pairs = stays.join(stays, on="patient", suffix="_b").filter(pl.col("claim") != pl.col("claim_b"))
    common = pl.min_horizontal("out_day", "out_day_b") - pl.max_horizontal("day", "day_b")
    add("overlapping_inpatient", pairs.filter(common >= 1))

    outpatient = claims.filter(pl.col("care_type") == "outpatient")
    several = pl.col("facility_code").n_unique().over("patient", "day") > 1
    add("same_day_several_facilities", outpatient.filter(several))
    add("frequent_visits", claims.filter(pl.len().over("patient", "month") >= 8))
    add("amount_mismatch", claims.filter((pl.col("total_header") - pl.col("total")).abs() > 100))

    rows = said_last.filter(pl.col("full").n_unique().over("person") > 1).select("person", "full", "valid_from", "valid_to", "withdrawn_on")
    valid = claims.select("claim", "day", person="patient").join(rows, on="person")
    valid = valid.filter(
        (pl.col("valid_from") <= pl.col("day"))
        & (pl.col("valid_to").fill_null(ALWAYS) >= pl.col("day"))
        & (pl.col("withdrawn_on").fill_null(ALWAYS) > pl.col("day"))
    )
    add("several_cards", valid.group_by("claim").agg(n=pl.col("full").n_unique()).filter(pl.col("n") > 1))
    return pl.concat(found)


def signals_mart(claims: pl.DataFrame, raised: pl.DataFrame) -> pl.DataFrame:
    frame = (
        raised.join(claims.drop("signal"), on="claim", how="left")
        .group_by("month", "facility_code", "signal")
        .agg(*_totals("fund_paid"), claims=pl.len().cast(pl.Int64), persons=pl.col("patient").n_unique().cast(pl.Int64))
    )
    return _in_dong(frame, "fund_paid").sort("month", "facility_code", "signal")
