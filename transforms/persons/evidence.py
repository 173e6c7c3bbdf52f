"""What speaks for a pair of cards, kept with the pair: the level of each field, by name, so that it can be read years later."""

from __future__ import annotations

import polars as pl

from transforms.persons.compare import FIELDS, LEVELS

MISSING = "missing"
LEVEL_NAMES = {field: pl.Enum([MISSING, *levels]) for field, levels in LEVELS.items()}
# One row per pair of cards from the review band upwards; `rarity` in bits, of the pair's name.
PAIRS: dict[str, pl.DataType] = {
    "card_key_a": pl.String(),
    "card_key_b": pl.String(),
    "weight": pl.Float64(),
    **LEVEL_NAMES,
    "rarity": pl.Int16(),
}


def named_levels(patterns: pl.DataFrame) -> pl.DataFrame:
    """`compare.Compared.patterns` with the names of the levels in place of their numbers."""
    names = {field: pl.Series(kind.categories, dtype=kind) for field, kind in LEVEL_NAMES.items()}
    return patterns.with_columns(names[field].gather(patterns[field]).alias(field) for field in FIELDS).cast({"rarity": pl.Int16})


def numbered_levels(pairs: pl.DataFrame) -> pl.DataFrame:
    """The reverse: `PAIRS` with the number of each level, as `weigh` reads them."""
    return pairs.with_columns(pl.col(field).cast(LEVEL_NAMES[field]).to_physical().cast(pl.UInt8) for field in FIELDS)


def told() -> pl.Expr:
    """A pair's evidence in a line: `name same, birth same, citizen one_digit`; what is missing is left out."""
    parts = [pl.when(pl.col(f) != MISSING).then(pl.lit(f"{f} ") + pl.col(f).cast(pl.String)) for f in FIELDS]
    return pl.concat_str(parts, separator=", ", ignore_nulls=True)
