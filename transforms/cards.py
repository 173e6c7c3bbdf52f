"""What only the rows of a card register have: the object code and the check of the employer's tax code."""

from __future__ import annotations

import polars as pl

from transforms.tax_codes import with_tax_code_valid


def made(rows: pl.DataFrame) -> pl.DataFrame:
    """Typed rows of cards and, same rows, `object_code` (String) and `employer_tax_code_valid` (Boolean).

    The object code is the first two letters of a 15-character card, else the one listed beside a 10-digit card: what is
    printed on the card decides (QĐ 1351/QĐ-BHXH).
    """
    printed = pl.when(pl.col("card_number").str.len_bytes() == 15).then(pl.col("card_number").str.slice(0, 2))
    listed = pl.col("listed_object_code").str.slice(0, 2)  # some registers list code and level, as DN4
    return with_tax_code_valid(rows.with_columns(object_code=pl.coalesce(printed, listed)), "employer_tax_code", "employer_tax_code_valid")
