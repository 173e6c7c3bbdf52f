"""What `lapse_month` must say, computed straight from the simulated registers; nothing here reads the project's SQL.

Readings of the contract where it leaves room:
- A card ends in the month of GT_THE_DEN, by the register in use for that month; one withdrawn before its last day does not lapse.
- A card that stands in several rows counts once, in the one that began last; then that of the latest register and the smallest number.
- Its holder is renewed when any card of his is valid at the end of the next month, anywhere. The last month has no rows.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from warehouse.samples.people import day_number
from warehouse.samples.places import Places
from warehouse.samples.truth_coverage import groups_in_force, registers_in_use
from warehouse.samples.window import ALWAYS, Window, month_end

_SCHEMA = {"month": pl.Date, "payer_group": pl.String, "province_code": pl.String} | dict.fromkeys(
    ("ending_cards", "renewed_persons", "lapsed_persons"), pl.Int64
)


def lapses(listed: pl.DataFrame, insured: pl.DataFrame, delivered: list[tuple[date, str]], places: Places, window: Window) -> pl.DataFrame:
    """`lapse_month` from the rows of the registers (`listed`) and one row per month and insured person (`insured`, of `counted`)."""
    parts = []
    for month, following in zip(window.months, window.months[1:], strict=False):
        begin, end = day_number(month), day_number(month_end(month))
        serving = pl.DataFrame(
            [(r, m) for r, m, _ in registers_in_use(delivered, places, month)],
            schema={"register": pl.String, "period": pl.Date},
            orient="row",
        )
        ending = (
            listed.join(serving, on=["register", "period"], how="semi", maintain_order="left")
            .filter(pl.col("valid_to").is_between(begin, end) & (pl.col("valid_from") <= pl.col("valid_to")))
            .filter(pl.col("withdrawn_on").fill_null(ALWAYS) >= pl.col("valid_to"))
            .sort("person", "full", "valid_from", "period", "card", "span", descending=[False, False, True, True, False, False])
            .unique(["person", "full"], keep="first", maintain_order=True)
        )
        renewed = insured.filter(pl.col("month") == following).select("person", is_renewed=pl.lit(True)).unique()
        parts.append(
            ending.join(renewed, on="person", how="left", maintain_order="left")
            .join(groups_in_force(month_end(month)), on="object", how="left", maintain_order="left")
            .with_columns(pl.col("is_renewed").fill_null(False), month=pl.lit(month))
        )
    if not parts:
        return pl.DataFrame(schema=_SCHEMA)
    renewed_ones = pl.col("person").filter("is_renewed").n_unique()
    return (
        pl.concat(parts)
        .group_by("month", "payer_group", province_code="province")
        .agg(
            ending_cards=pl.len().cast(pl.Int64),
            renewed_persons=renewed_ones.cast(pl.Int64),
            lapsed_persons=(pl.col("person").n_unique() - renewed_ones).cast(pl.Int64),
        )
        .sort("month", "province_code", "payer_group", nulls_last=True)
    )
