"""The era of a claim: which standard and which edition of ICD-10 hold on its day of discharge, and whether its codes were in force then.

Lists of codes change under the same digits (MA_LOAI_KCB and MA_KHOA on 2026-08-01), so every look-up goes by NGAY_RA. What is in no
list of its day is odd, not wrong: it is noted, never changed.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

FAMILY_4210, FAMILY_130 = "4210", "130"


@dataclass(frozen=True)
class CodeLists:
    """Dated code lists; in each, `valid_from` and `valid_to` are Date, null where a list has no begin or end.

    `standards`: `family` (what the elements say: 4210 or 130), `standard`. `codes`: `field` (of claims), `family` (null: of both), `code`.
    `icd_editions`: `icd_edition`. `cost_groups`: `cost_group`, one row each. `benefit_rate_forms`: `decimals` that MUC_HUONG may have.
    """

    standards: pl.DataFrame
    codes: pl.DataFrame
    icd_editions: pl.DataFrame
    cost_groups: pl.DataFrame
    benefit_rate_forms: pl.DataFrame


def dated(rows: pl.DataFrame, lists: CodeLists) -> pl.DataFrame:
    """Typed rows of `claims` with their era: same rows, same order.

    In: unique `row_number`, `standard` (the family of the elements, null where none says), `discharged_at` and the coded fields.
    Out: `standard` (4210, 130, 4750 or 3176; null without a family or a day), `icd_edition`, and `code_notes` (List[String], never
    null: names of the coded fields whose code is in no list of the day). Without a day of discharge nothing is judged.
    """
    day = rows.select("row_number", family="standard", day=pl.col("discharged_at").cast(pl.Date))
    standards = _in_force(day.join(lists.standards, on="family")).select("row_number", "standard")
    editions = _in_force(day.join(lists.icd_editions, how="cross")).select("row_number", "icd_edition")
    notes = _unlisted(rows, day, lists).group_by("row_number").agg(code_notes=pl.col("note").sort())
    era = (
        day.join(standards, on="row_number", how="left", maintain_order="left")
        .join(editions, on="row_number", how="left", maintain_order="left")
        .join(notes, on="row_number", how="left", maintain_order="left")
    )
    return rows.with_columns(
        # A file in the elements of 4210 is of that standard whenever it is sent; only the 130 family was amended with time.
        pl.coalesce(era["standard"], pl.when(era["family"] == FAMILY_4210).then(pl.lit(FAMILY_4210))).alias("standard"),
        era["icd_edition"].cast(pl.String),
        era["code_notes"].fill_null(pl.Series([[]], dtype=pl.List(pl.String))).alias("code_notes"),
    )


def _in_force(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows whose `day` lies between `valid_from` and `valid_to`; of several of one row the one that began last."""
    return (
        frame.filter(pl.col("day") >= pl.col("valid_from").fill_null(pl.date(1, 1, 1)))
        .filter(pl.col("day") <= pl.col("valid_to").fill_null(pl.date(9999, 12, 31)))
        .sort("row_number", "valid_from", descending=[False, True], nulls_last=True)
        .unique("row_number", keep="first", maintain_order=True)
    )


def _unlisted(rows: pl.DataFrame, day: pl.DataFrame, lists: CodeLists) -> pl.DataFrame:
    """`row_number, note` (the field) of the rows with a code that no list of the day has, each pair once."""
    codes = pl.concat(frame.with_columns(field=pl.lit(field)) for field, frame in _codes_of(rows).items())
    written = codes.filter(pl.col("code").is_not_null()).join(day.drop_nulls("day"), on="row_number")
    held = written.join(lists.codes, on=["field", "code"], how="inner", suffix="_listed").filter(
        pl.col("family_listed").is_null() | (pl.col("family_listed") == pl.col("family")),
        pl.col("day").is_between(pl.col("valid_from").fill_null(pl.date(1, 1, 1)), pl.col("valid_to").fill_null(pl.date(9999, 12, 31))),
    )
    missing = written.join(held, on=["row_number", "field", "code"], how="anti")
    return missing.select("row_number", note="field").unique()


def _codes_of(rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """`row_number, code` of each coded field, as the lists write the code; several rows where a field is a list."""

    def one(name: str, code: pl.Expr) -> pl.DataFrame:
        return rows.select("row_number", code=code)

    # Units of a department follow a dot (K02.D35), joint departments are written in one (K0809 is K08 and K09).
    units = (
        rows.select("row_number", unit=pl.col("department_list").str.split(";"))
        .explode("unit")
        .select("row_number", unit=pl.col("unit").str.to_uppercase().str.strip_chars())
        .filter(pl.col("unit") != "")
    )
    pairs = units.select(
        "row_number",
        code=pl.when(pl.col("unit").str.contains(r"^K([0-9]{2})+([.]\w+)*$"))
        .then(pl.col("unit").str.split(".").list.first().str.extract_all("[0-9]{2}").list.eval("K" + pl.element()))
        .otherwise(pl.concat_list("unit")),
    ).explode("code")
    return {
        "care_code": one("care_code", pl.col("care_code").str.strip_chars_start("0")),
        "visit_category": one("visit_category", pl.col("visit_category").str.strip_chars()),
        "department_list": pairs,
        "main_icd": one("main_icd", pl.col("main_icd").str.slice(0, 3)),
    }


def line_flags(lines: pl.DataFrame, rows: pl.DataFrame, lists: CodeLists) -> pl.DataFrame:
    """`lines` with `group_listed` and `benefit_sound` (Boolean, never null), by the day of discharge of the claim; same rows, same order.

    MUC_HUONG is sound when it is missing, or lies between 0 and 100 and has no more decimals than its time allows (47.5 since 2026-07-01,
    QĐ 1931/QĐ-BYT). A claim without a day is judged by all lists.
    """
    day = rows.select("row_number", day=pl.col("discharged_at").cast(pl.Date))
    forms = _in_force(day.join(lists.benefit_rate_forms, how="cross")).select("row_number", decimals=pl.col("decimals").cast(pl.Int64))
    of_claim = day.join(forms, on="row_number", how="left", maintain_order="left")
    joined = lines.join(of_claim, on="row_number", how="left", maintain_order="left").join(
        lists.cost_groups.select("cost_group", "valid_from", "valid_to", is_listed=pl.lit(True)),
        on="cost_group",
        how="left",
        maintain_order="left",
    )
    most = int(lists.benefit_rate_forms["decimals"].cast(pl.Int64).max() or 0)  # type: ignore[arg-type]
    rate = pl.col("benefit_pct").cast(pl.Float64)
    fits = pl.when(pl.col("decimals").fill_null(most) > 0).then(rate.round(1) == rate).otherwise(rate.round(0) == rate)
    early, late = (pl.col("day") < pl.col("valid_from")).fill_null(False), (pl.col("day") > pl.col("valid_to")).fill_null(False)
    return joined.with_columns(
        group_listed=pl.col("is_listed").fill_null(False) & ~early & ~late,
        benefit_sound=(fits & rate.is_between(0, 100)).fill_null(True) & ~pl.col("unreadable").list.contains("benefit_pct"),
    ).drop("day", "decimals", "valid_from", "valid_to", "is_listed")
