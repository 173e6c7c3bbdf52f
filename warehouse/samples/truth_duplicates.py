"""What `duplicate_cards_month` must say, computed straight from the simulated registers; nothing here reads the project's SQL.

Readings of the contract where it leaves room:
- A person has one reason, the first that holds: his valid cards name two provinces; a card of 15 characters beside one that is only
  known by ten digits, or an old citizen id (9 digits) on one card beside a new one (12) on another; two object codes; issued again.
- `other_province_code` is the smallest other province of residence; null where all name one.
- Every register lists the object code beside a ten-digit number, so nothing is `other`.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from warehouse.samples.people import day_number
from warehouse.samples.places import Places
from warehouse.samples.truth_coverage import registers_in_use, valid_rows
from warehouse.samples.window import Window, month_end


def duplicates(
    listed: pl.DataFrame, insured: pl.DataFrame, delivered: list[tuple[date, str]], places: Places, window: Window
) -> pl.DataFrame:
    """`duplicate_cards_month` from the rows of the registers (`listed`) and one row per month and insured person (`insured`)."""
    parts = []
    for month in window.months:
        home = insured.filter((pl.col("month") == month) & (pl.col("cards") > 1)).select("person", "cards", home="province")
        rows = valid_rows(listed, registers_in_use(delivered, places, month), day_number(month_end(month)))
        parts.append(_told_apart(rows.join(home, on="person", how="inner")).with_columns(month=pl.lit(month)))
    return (
        pl.concat(parts)
        .group_by("month", "other_province_code", "reason", province_code="home")
        .agg(persons=pl.len().cast(pl.Int64), cards=pl.col("cards").sum().cast(pl.Int64))
        .sort("month", "province_code", "other_province_code", "reason", nulls_last=True)
    )


def _told_apart(rows: pl.DataFrame) -> pl.DataFrame:
    """`person, home, cards, other_province_code, reason` from the valid rows of persons with several cards."""
    cards = rows.group_by("person", "home", "cards", "full").agg(
        other=pl.col("province").filter(pl.col("province") != pl.col("home")).min(),
        is_long=(pl.col("card").str.len_chars() == 15).any(),
        has_new_id=(pl.col("citizen_id").str.len_chars() == 12).fill_null(False).any(),
        has_old_id=(pl.col("citizen_id").str.len_chars() == 9).fill_null(False).any(),
        object=pl.col("object").min(),
    )
    people = cards.group_by("person", "home", "cards").agg(
        other_province_code=pl.col("other").min(),
        two_forms=pl.col("is_long").any() & ~pl.col("is_long").all(),
        two_ids=pl.col("has_new_id").any() & (pl.col("has_old_id") & ~pl.col("has_new_id")).any(),
        objects=pl.col("object").n_unique(),
    )
    return people.select(
        "person",
        "home",
        "cards",
        "other_province_code",
        reason=pl.when(pl.col("other_province_code").is_not_null())
        .then(pl.lit("two_provinces"))
        .when(pl.col("two_forms") | pl.col("two_ids"))
        .then(pl.lit("old_and_new_number"))
        .when(pl.col("objects") > 1)
        .then(pl.lit("two_groups"))
        .otherwise(pl.lit("reissued")),
    )
