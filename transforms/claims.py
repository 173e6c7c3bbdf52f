"""What only claims have: the parallel lists of cards, and the sums and checks of their lines."""

from __future__ import annotations

import polars as pl

from expectations.declare import CARD_NUMBER, FACILITY, MONEY
from expectations.exports.claims import CLAIM_LINES
from transforms import values
from transforms.claim_codes import CodeLists, dated, line_flags
from transforms.claim_lists import completed
from transforms.dates import read_date
from transforms.rows import typed

SUMS = (
    "line_count", "lines_total_cost", "lines_covered_cost", "lines_unreadable", "lines_off_total", "lines_without_group",
    "lines_benefit_off",
)  # fmt: skip
AMOUNTS = ("total_cost", "covered_cost", "copayment", "fund_paid")
# Amounts are rounded to the đồng by many programs, so a difference of one đồng says nothing (contract, amount_mismatch).
TOLERANCE_DONG = 1

_LISTS = {"card_list": "card", "registered_facility_list": "facility", "card_from_list": "valid_from", "card_to_list": "valid_to"}
_NONE_READ = pl.lit([], dtype=pl.List(pl.String()))


def claims(rows: pl.DataFrame, raw_lines: pl.DataFrame, delivery_id: str, lists: CodeLists) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One batch of claims with what is made of them, and its lines, typed.

    In: typed rows of `claims` (unique `row_number`) and the raw lines of the same batch, as a `ClaimBatch` has them.
    Out: the same rows with `card_numbers`, `registered_facilities`, `card_valid_from`, `card_valid_to` (lists of one length, an
    entry a card), `line_count`, `lines_total_cost`, `lines_covered_cost` (đồng), `lines_unreadable`, `lines_off_total`,
    `lines_without_group`, `lines_benefit_off`, the era of the claim (`transforms.claim_codes.dated`) and what a row of a flat list needs
    (`transforms.claim_lists.completed`); and one row per line with the fields of `CLAIM_LINES`. Orders are kept.
    """
    lines = typed(raw_lines, CLAIM_LINES, delivery_id)
    judged = line_flags(lines.join(rows.select("row_number", "standard"), on="row_number", how="left", maintain_order="left"), rows, lists)
    return _with(rows, _sums(judged), lists), lines.select(f.name for f in CLAIM_LINES.fields)


def claims_again(rows: pl.DataFrame, made: pl.DataFrame, lists: CodeLists) -> pl.DataFrame:
    """Claims that were made before (`made`, by `row_number`) and are typed again: all made anew but the sums of their lines."""
    return _with(rows, made.select("row_number", *SUMS), lists)


def _with(rows: pl.DataFrame, sums: pl.DataFrame, lists: CodeLists) -> pl.DataFrame:
    made = rows.join(_cards(rows), on="row_number", how="left", maintain_order="left").join(
        sums, on="row_number", how="left", maintain_order="left"
    )
    made = made.with_columns(pl.col(c).fill_null(pl.lit(0).cast(t)) for c, t in sums.schema.items() if c != "row_number")
    return dated(completed(made), lists)


def _cards(rows: pl.DataFrame) -> pl.DataFrame:
    """The four lists per `row_number`, read by position. An empty card goes with the facility and dates at its place; a card
    without facility or dates has null there. A claim with no card at all keeps its facilities and dates.
    """
    split = rows.select("row_number", *(pl.col(c).str.split(";").fill_null(_NONE_READ).alias(name) for c, name in _LISTS.items()))
    longest = pl.max_horizontal(pl.col(*_LISTS.values()).list.len()).cast(pl.Int64)
    padded = split.select("row_number", pl.col(*_LISTS.values()).list.gather(pl.int_ranges(0, longest), null_on_oob=True))
    entries = padded.explode(*_LISTS.values()).select("row_number", *_entry())
    carded = pl.col("card_numbers").is_not_null()
    filled = pl.any_horizontal(pl.exclude("row_number").is_not_null())
    kept = entries.filter(carded | (filled & ~carded.any().over("row_number")))
    lists = kept.group_by("row_number", maintain_order=True).agg(pl.all())
    return (
        rows.select("row_number")
        .join(lists, on="row_number", how="left", maintain_order="left")
        .with_columns(
            pl.col("card_numbers").list.drop_nulls().fill_null(_NONE_READ),
            pl.col("registered_facilities").fill_null(_NONE_READ),
            pl.col("card_valid_from", "card_valid_to").fill_null(pl.lit([], dtype=pl.List(pl.Date()))),
        )
    )


def _entry() -> list[pl.Expr]:
    bare = pl.col("card").str.to_uppercase().str.replace_all(r"[\s.\-]", "")
    return [
        # A malformed number stays as it is written: a rule counts it.
        pl.coalesce(values.read(CARD_NUMBER, pl.col("card"))[0], pl.when(bare != "").then(bare)).alias("card_numbers"),
        values.read(FACILITY, pl.col("facility"))[0].alias("registered_facilities"),
        read_date(pl.col("valid_from")).alias("card_valid_from"),
        read_date(pl.col("valid_to")).alias("card_valid_to"),
    ]


def _sums(lines: pl.DataFrame) -> pl.DataFrame:
    """One row per `row_number` that has lines, in order of first appearance."""
    amounts_unreadable = pl.any_horizontal(pl.col("unreadable").list.contains(a) for a in AMOUNTS)
    return lines.group_by("row_number", maintain_order=True).agg(
        line_count=pl.len().cast(pl.Int64),
        lines_total_cost=pl.col("total_cost").sum().cast(MONEY.polars, strict=False),
        lines_covered_cost=pl.col("covered_cost").sum().cast(MONEY.polars, strict=False),
        lines_unreadable=(pl.col("total_cost").is_null() | amounts_unreadable).sum().cast(pl.Int64),
        lines_off_total=_off_total().sum().cast(pl.Int64),
        lines_without_group=(~pl.col("group_listed")).sum().cast(pl.Int64),
        lines_benefit_off=(~pl.col("benefit_sound")).sum().cast(pl.Int64),
    )


def _off_total() -> pl.Expr:
    """The amount is not quantity × price × rate / 100, rounded to the cent. A line without quantity or price is not judged.

    The rate is TYLE_TT_DV of XML3 in the QĐ 130 family (absent: 100). XML2 has none; programs of QĐ 4210 wrote the amount both
    before and after TYLE_TT, so there both are right (formats.md §2.7).
    """
    # Cents below 2^53 are exact enough in floating point once the difference is rounded back to cents.
    product = pl.col("quantity").cast(pl.Float64) * pl.col("unit_price").cast(pl.Float64)
    rated = product * pl.col("service_rate_pct").fill_null(100).cast(pl.Float64) / 100
    either = (pl.col("standard") == "4210").fill_null(False) | (pl.col("line_table") == "2")
    amount = pl.col("total_cost").cast(pl.Float64)

    def far(computed: pl.Expr) -> pl.Expr:
        return (amount - computed.round(2)).abs().round(2) > TOLERANCE_DONG

    return (far(rated) & (~either | far(product))).fill_null(False)
