"""What every export's typed rows get after reading: the places that their codes stand for, and what is particular to the export."""

from __future__ import annotations

from datetime import date

import polars as pl

from expectations.declare import Table
from transforms import cards, tax_codes
from transforms.geography import Places, resolve

# The fields that hold the delivered codes of places: province, commune.
PLACE_FIELDS: dict[str, tuple[str, str | None]] = {
    "cards": ("residence_province", "residence_commune"),
    "claims": ("residence_province", "residence_commune"),
    "facilities": ("province", "commune"),
    "employers": ("province", "commune"),
    "enterprises": ("province", "commune"),
    "population": ("province", "commune"),
    "targets": ("province", None),
    "budgets": ("province", None),
}


def codes_in_force_on(table: Table, period: date | None) -> pl.Expr:
    """The day whose codes of places count: the file's period; without one the row's quarter or year (its last day), or NGAY_RA.

    Source: contract, "Codes of places". For a claim it is always NGAY_RA.
    """
    if "discharged_at" in table.places:
        return pl.col("discharged_at").cast(pl.Date)
    if period is not None:
        return pl.lit(period)
    if "quarter" in table.places:
        year, quarter = pl.col("quarter").str.slice(0, 4).cast(pl.Int32), pl.col("quarter").str.slice(6, 1).cast(pl.Int32)
        return pl.date(year, quarter * 3, 1).dt.month_end()
    if "year" in table.places:
        return pl.date(pl.col("year"), 12, 31)
    return pl.lit(None, dtype=pl.Date)


def complete(rows: pl.DataFrame, table: Table, period: date | None, places: Places) -> pl.DataFrame:
    """Typed rows (of `transforms.rows.typed`, and `transforms.claims` for claims) → all declared fields of the export, in their order."""
    province, commune = PLACE_FIELDS[table.name]
    rows = resolve(rows, province, commune, codes_in_force_on(table, period), places)
    if table.name == "cards":
        rows = cards.made(rows)
    elif table.name in ("employers", "enterprises"):
        rows = tax_codes.with_tax_code_valid(rows)
    return rows.select(f.name for f in table.fields)
