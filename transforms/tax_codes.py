"""Tax codes of employers and enterprises: the check digit, and what only a person's number can be.

Ten digits, the tenth a check digit; a branch adds three. Since 2025-07-01 people and household businesses use their
12-digit citizen number (TT 86/2024/TT-BTC), which has none. The weights are those of python-stdnum's `stdnum.vn.mst`.
"""

from __future__ import annotations

import polars as pl

_WEIGHTS = (31, 29, 23, 19, 17, 13, 7, 5, 3)

# A citizen number opens with the province of birth, 001-096 (and 1xx-3xx, the countries of those born abroad),
# then 0-9 for century and sex, of which 0-3 are in use for people born since 1900 (Decree 137/2015, Circular 59/2021).
_PERSONAL = r"^(0[0-8][0-9]|09[0-6]|[1-3][0-9]{2})[0-3][0-9]{8}$"


def check_digit_agrees(code: pl.Expr) -> pl.Expr:
    """Boolean: the tenth of (at least ten) digits is the check digit of the first nine; null where `code` is no such text."""
    ten = pl.when(code.str.contains(r"^[0-9]{10}")).then(code)
    total = pl.sum_horizontal(ten.str.slice(i, 1).cast(pl.Int32, strict=False) * w for i, w in enumerate(_WEIGHTS))
    return pl.when(ten.is_not_null()).then(ten.str.slice(9, 1) == (10 - total % 11).cast(pl.String))


def plausible_personal_number(code: pl.Expr) -> pl.Expr:
    """Boolean: twelve digits in the structure of a citizen number."""
    return code.str.contains(_PERSONAL)


def tax_code_valid(code: pl.Expr) -> pl.Expr:
    """Boolean: a canonical tax code is one that can have been issued; null where there is none.

    10 and 13 digits: as `stdnum.vn.mst` says (check digit, not all zeros in the middle, branch not 000); 12 digits have no
    check digit and are valid in the structure of a citizen number.
    """
    length = code.str.len_bytes()
    numbered = code.str.contains(r"^[0-9]+$") & (code.str.slice(2, 7) != "0000000")
    company = numbered & length.is_in([10, 13]) & ((length == 10) | (code.str.slice(10, 3) != "000"))
    return pl.when(code.is_not_null()).then((company & check_digit_agrees(code)).fill_null(False) | plausible_personal_number(code))


def with_tax_code_valid(rows: pl.DataFrame, column: str = "tax_code", into: str = "tax_code_valid") -> pl.DataFrame:
    """`rows` (typed rows of employers, enterprises or cards) and Boolean `into`: whether `column` passes its check digit."""
    return rows.with_columns(tax_code_valid(pl.col(column)).alias(into))
