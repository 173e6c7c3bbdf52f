"""What the coverage marts must say, computed straight from the simulated registers; nothing here reads the project's SQL.

Readings of the contract where it leaves room:
- Rows of communes and of age and sex exist where somebody is insured; people whose commune is not delivered have no row.
- Age and sex are those on the card that counts; age in full years on the last day of the month; year-only births are 1 January.
- A group's target is the province's own for that payer group, else for that plan group.
- A province without a register has NULL in `register_month, coverage_pct, gap_points` and in `persons_to_target`.
- The nation's population is the sum over the provinces that have a row, also those without a register.
- `registration_level_month`: only people whose registered facility stands in a list.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from warehouse.samples.lists import AGE_BANDS, Lists
from warehouse.samples.people import day_number
from warehouse.samples.places import REFERENCE, Places
from warehouse.samples.window import ALWAYS, Window, after_reform, month_end, quarter_end


def registers_in_use(delivered: list[tuple[date, str]], places: Places, month: date) -> list[tuple[str, date, str]]:
    """(register, its month, province of today) of the registers that serve `month`."""
    serving = []
    for province, olds in places.groups().items():
        own = [m for m, p in delivered if p == province and after_reform(m) and m <= month]
        if own:
            serving.append((province, max(own), province))
            continue
        for old in olds:
            earlier = [m for m, p in delivered if p == old and not after_reform(m) and m <= month]
            if earlier:
                serving.append((old, max(earlier), province))
    return serving


def valid_rows(listed: pl.DataFrame, serving: list[tuple[str, date, str]], day: int) -> pl.DataFrame:
    """Rows of the serving registers that are valid on `day`."""
    use = pl.DataFrame([(r, m) for r, m, _ in serving], schema={"register": pl.String, "period": pl.Date}, orient="row")
    return listed.join(use, on=["register", "period"], how="semi", maintain_order="left").filter(
        (pl.col("valid_from") <= day) & (pl.col("valid_to").fill_null(ALWAYS) >= day) & (pl.col("withdrawn_on").fill_null(ALWAYS) > day)
    )


def groups_in_force(day: date) -> pl.DataFrame:
    """`object, payer_group, plan_group`: what each object code stands for on `day`."""
    groups = pl.read_csv(REFERENCE / "object_codes.csv", infer_schema=False, try_parse_dates=False).select(
        object="object_code",
        payer_group="payer_group",
        plan_group=pl.col("^plan_group.*$"),
        begin=pl.col("valid_from").str.to_date(strict=False),
        end=pl.col("valid_to").str.to_date(strict=False),
    )
    in_force = (pl.col("begin").is_null() | (pl.col("begin") <= day)) & (pl.col("end").is_null() | (pl.col("end") >= day))
    return groups.filter(in_force).select("object", "payer_group", "plan_group")


def counted(listed: pl.DataFrame, delivered: list[tuple[date, str]], places: Places, window: Window) -> pl.DataFrame:
    """One row per month and insured person: the row of the card that counts, and `month, cards` (the person's valid cards)."""
    parts = []
    for month in window.months:
        end = month_end(month)
        rows = valid_rows(listed, registers_in_use(delivered, places, month), day_number(end))
        cards = rows.group_by("person").agg(cards=pl.col("full").n_unique())
        rows = (
            rows.sort("person", "valid_from", "period", "full", "span", descending=[False, True, True, False, False])
            .unique("person", keep="first", maintain_order=True)
            .join(cards, on="person", how="left", maintain_order="left")
        )
        rows = rows.join(groups_in_force(end), on="object", how="left", maintain_order="left")
        parts.append(rows.with_columns(month=pl.lit(month)))
    return pl.concat(parts)


def coverage(
    people: pl.DataFrame, delivered: list[tuple[date, str]], lists: Lists, places: Places, facilities: pl.DataFrame, window: Window
) -> dict[str, pl.DataFrame]:
    """The coverage marts from `people`, the result of `counted`."""
    months = pl.DataFrame({"month": window.months}).with_columns(year=pl.col("month").dt.year())
    totals = _latest(months, lists.totals, ["province"])
    targets = lists.targets.with_columns(pl.col("year").cast(pl.Int32))
    overall = targets.filter(pl.col("target_group") == "ALL").select("year", "province", "target_pct")
    register_month = pl.DataFrame(
        [(m, p, r) for m in window.months for _, r, p in registers_in_use(delivered, places, m)],
        schema={"month": pl.Date, "province": pl.String, "register_month": pl.Date},
        orient="row",
    ).group_by("month", "province").agg(pl.col("register_month").max())  # fmt: skip
    insured = people.group_by("month", "province").agg(
        insured_persons=pl.len().cast(pl.Int64), valid_cards=pl.col("cards").sum().cast(pl.Int64)
    )
    province = (
        insured.join(register_month, on=["month", "province"], how="full", coalesce=True)
        .with_columns(pl.col("insured_persons", "valid_cards").fill_null(0), year=pl.col("month").dt.year())
        .join(totals, on=["month", "province"], how="left")
        .join(overall, on=["year", "province"], how="left")
        .with_columns(duplicate_cards=pl.col("valid_cards") - pl.col("insured_persons"))
    )
    province = _rates(province, known=pl.col("register_month").is_not_null())
    nation = province.group_by("month", "year").agg(
        pl.col("insured_persons", "valid_cards", "duplicate_cards", "population").sum(),
        provinces_reporting=pl.col("register_month").count().cast(pl.Int64),
    )
    nation = nation.join(overall.filter(pl.col("province") == "00").drop("province"), on="year", how="left")
    names = pl.DataFrame({"province": list(places.names), "province_name": list(places.names.values())})
    province = province.join(names, on="province", how="left")
    measures = ["insured_persons", "valid_cards", "duplicate_cards", "population"]
    rates = ["coverage_pct", "target_pct", "gap_points", "persons_to_target"]
    out = {
        "coverage_province_month": province.select(
            "month", "province_name", *measures, "population_year", *rates, "register_month", province_code="province"
        ).sort("month", "province_code"),
        "coverage_nation_month": _rates(nation, known=pl.lit(True)).select("month", *measures, *rates, "provinces_reporting").sort("month"),
    }
    out["coverage_commune_month"] = _communes(people, months, lists)
    out["coverage_age_sex_month"] = _ages(people, months, lists)
    out["coverage_group_month"] = _groups(people, targets)
    codes = pl.concat(
        [
            facilities.select("level", "ownership", registered="code"),
            facilities.select("level", "ownership", registered="recoded").drop_nulls(),
        ]
    )
    out["registration_level_month"] = (
        people.join(codes, on="registered", how="inner")
        .group_by("month", province_code="province", facility_level="level", ownership="ownership")
        .agg(insured_persons=pl.len().cast(pl.Int64))
        .sort("month", "province_code", "facility_level", "ownership")
    )
    return out


def _latest(months: pl.DataFrame, figures: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """For each month and key the figure of the latest year up to the month's: `month, *by, population, population_year`."""
    return (
        months.join(figures.rename({"year": "population_year"}), how="cross")
        .filter(pl.col("population_year") <= pl.col("year"))
        .sort("population_year")
        .group_by("month", *by)
        .agg(pl.col("population").last(), pl.col("population_year").last())
    )


def _rates(frame: pl.DataFrame, known: pl.Expr) -> pl.DataFrame:
    coverage = pl.when(known & (pl.col("population") > 0)).then(pl.col("insured_persons") / pl.col("population") * 100)
    return frame.with_columns(coverage_pct=coverage).with_columns(
        gap_points=pl.col("coverage_pct") - pl.col("target_pct"),
        # Whole persons: the smallest number that reaches the target.
        persons_to_target=pl.when(pl.col("coverage_pct").is_not_null()).then(
            ((pl.col("target_pct") * pl.col("population") / 100).round(6).ceil() - pl.col("insured_persons")).clip(0).cast(pl.Int64)
        ),
    )


def _communes(people: pl.DataFrame, months: pl.DataFrame, lists: Lists) -> pl.DataFrame:
    by_commune = lists.population.filter(pl.col("commune").is_not_null() & pl.col("sex").is_null() & pl.col("age_band").is_null())
    figures = _latest(months, by_commune.select("year", "province", "commune", "population"), ["province", "commune"])
    return (
        people.filter(pl.col("commune").is_not_null())
        .group_by("month", "province", "commune")
        .agg(insured_persons=pl.len().cast(pl.Int64))
        .join(figures, on=["month", "province", "commune"], how="left")
        .select(
            "month", "insured_persons", "population", province_code="province", commune_code="commune",
            coverage_pct=pl.col("insured_persons") / pl.col("population") * 100,
        )
        .sort("month", "province_code", "commune_code")
    )  # fmt: skip


def _ages(people: pl.DataFrame, months: pl.DataFrame, lists: Lists) -> pl.DataFrame:
    born = pl.from_epoch(pl.col("birth"), time_unit="d")
    born = pl.when("year_only").then(pl.date(born.dt.year(), 1, 1)).otherwise(born)
    end = pl.col("month").dt.month_end()
    had_birthday = (born.dt.month() < end.dt.month()) | ((born.dt.month() == end.dt.month()) & (born.dt.day() <= end.dt.day()))
    age = end.dt.year() - born.dt.year() - (~had_birthday).cast(pl.Int32)
    band = pl.lit("80+")
    for name, (low, high) in AGE_BANDS.items():
        band = pl.when(pl.col("age").is_between(low, high)).then(pl.lit(name)).otherwise(band)
    by_age = lists.population.filter(pl.col("commune").is_null() & pl.col("sex").is_not_null() & pl.col("age_band").is_not_null())
    figures = _latest(months, by_age.select("year", "province", "sex", "age_band", "population"), ["province", "sex", "age_band"])
    return (
        people.with_columns(age=age)
        .group_by("month", "province", "sex", age_band=band)
        .agg(insured_persons=pl.len().cast(pl.Int64))
        .join(figures, on=["month", "province", "sex", "age_band"], how="left")
        .select(
            "month", "age_band", "sex", "insured_persons", "population", province_code="province",
            coverage_pct=pl.col("insured_persons") / pl.col("population") * 100,
        )
        .sort("month", "province_code", "age_band", "sex")
    )  # fmt: skip


def _groups(people: pl.DataFrame, targets: pl.DataFrame) -> pl.DataFrame:
    of_group = targets.select("year", "province", "target_group", "target_pct")
    return (
        people.with_columns(year=pl.col("month").dt.year())
        .group_by("month", "year", "province", "payer_group", "plan_group")
        .agg(insured_persons=pl.len().cast(pl.Int64))
        .join(of_group.rename({"target_group": "payer_group", "target_pct": "own"}), on=["year", "province", "payer_group"], how="left")
        .join(of_group.rename({"target_group": "plan_group", "target_pct": "plan"}), on=["year", "province", "plan_group"], how="left")
        .select("month", "payer_group", "plan_group", "insured_persons", province_code="province", target_pct=pl.coalesce("own", "plan"))
        .sort("month", "province_code", "payer_group", "plan_group")
    )


def employers(
    listed: pl.DataFrame, delivered: list[tuple[date, str]], lists: Lists, places: Places, window: Window
) -> dict[str, pl.DataFrame]:
    """`employer_compliance_quarter` and `employers_missing_quarter`; tax codes are digits only."""
    digits = pl.col("tax_code").str.replace("-", "")
    paid = lists.employers.with_columns(digits)
    firms = lists.enterprises.with_columns(digits)
    compliance, missing = [], []
    for name in lists.employers["quarter"].unique().sort():
        end = quarter_end(name)
        rows = valid_rows(listed, registers_in_use(delivered, places, end.replace(day=1)), day_number(end))
        insured = rows.filter(pl.col("tax_code").is_not_null()).group_by(digits).agg(insured=pl.col("person").n_unique().cast(pl.Int64))
        active = (
            paid.filter((pl.col("quarter") == name) & (pl.col("status") == "00"))
            .join(insured, on="tax_code", how="left")
            .join(firms.select("tax_code", "registered_on"), on="tax_code", how="left")
            .with_columns(pl.col("insured").fill_null(0))
            .with_columns(missing=(pl.col("employees_paid") - pl.col("insured")).clip(0))
        )
        young = (pl.col("registered_on") <= end) & (pl.col("registered_on") > pl.lit(end).dt.offset_by("-365d"))
        registered = firms.filter(
            (pl.col("registered_on") <= end) & (pl.col("dissolved_on").is_null() | (pl.col("dissolved_on") > end))
        ).group_by("province").agg(enterprises_registered=pl.len().cast(pl.Int64))  # fmt: skip
        summary = active.group_by("province").agg(
            employers_active=pl.len().cast(pl.Int64),
            employees_paid=pl.col("employees_paid").sum(),
            employers_insuring=(pl.col("insured") > 0).sum().cast(pl.Int64),
            employees_insured=pl.col("insured").sum(),
            employers_missing=(pl.col("missing") > 0).sum().cast(pl.Int64),
            employees_missing=pl.col("missing").sum(),
            new_enterprises_missing=(young & (pl.col("employees_paid") > 0) & (pl.col("insured") == 0)).sum().cast(pl.Int64),
        )
        compliance.append(registered.join(summary, on="province", how="full", coalesce=True).with_columns(quarter=pl.lit(name)))
        missing.append(active.filter(pl.col("missing") > 0).with_columns(quarter=pl.lit(name)))
    order = ["quarter", "province_code"]
    counts = ["enterprises_registered", "employers_active", "employees_paid", "employers_insuring", "employees_insured",
    "employers_missing",
              "employees_missing", "new_enterprises_missing"]  # fmt: skip
    return {
        "employer_compliance_quarter": pl.concat(compliance).select("quarter", *counts, province_code="province").sort(order),
        "employers_missing_quarter": pl.concat(missing)
        .select(
            "quarter",
            "tax_code",
            "name",
            "registered_on",
            "employees_paid",
            province_code="province",
            employees_insured="insured",
            employees_missing="missing",
        )
        .sort(*order, "tax_code"),
    }
