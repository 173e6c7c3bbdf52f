"""Cards in the standard form that all engines of the comparison start from.

    python -m benchmarks.linkage.standardised FOLDER

reads `cards.parquet` and `truth.parquet` of FOLDER and writes `standardised.parquet`: one row per card, sorted by `card` (its place among
the keys); `records/`, the same for `transforms.persons`; and `persons.parquet`, the true person of each card.
Names are taken apart and numbers checked by `transforms.persons.standardise`, so that no engine is better for having cleaner
data; the keys that engines block by stand ready in it too.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import polars as pl

from benchmarks.linkage.ours import save
from transforms.persons.standardise import Records, standardise

# What Splink blocks by, the tight set of the study; each becomes one whole number.
KEYS = {
    "key_date_surname_given": ("birth", "surname_id", "given_id"),
    "key_date_given_province": ("birth", "given_id", "province"),
    "key_date_commune": ("birth", "commune"),
    "key_name_year_province": ("plain_id", "year", "province"),
    "key_name_day_month_province": ("plain_id", "day_month", "province"),
    "key_name_commune": ("plain_id", "commune"),
    "key_words_year_parts": ("ordered_id", "year", "parts"),
    "key_words_year_commune": ("ordered_id", "year", "commune"),
}


def plain_rows(records: Records, cards: pl.DataFrame) -> pl.DataFrame:
    """One row per card (its latest state): `card`, text of the name and its parts, dates, numbers and places; null where unknown.

    `cards` gives the address, which is in no record.
    """
    table = records.names.select(
        name=pl.int_range(pl.len(), dtype=pl.Int32), plain="plain", accents="standard", given="given", plain_id="plain_id",
        joined_id="joined_id", ordered_id="ordered_id", surname_id="surname_id", given_id="given_id",
    )  # fmt: skip
    month, day = pl.col("day_month") // 100, pl.col("day_month") % 100
    address = pl.col("address").str.normalize("NFD").str.replace_all(r"\p{M}", "").str.to_lowercase()
    addresses = cards.select("card_number", address=address).join(records.numbers, on="card_number").unique("card", keep="any")
    return (
        records.rows.filter("latest")
        .join(table, on="name", how="left")
        .join(addresses.select("card", "address"), on="card", how="left")
        .with_columns(
            # 1 January says no more than the year.
            pl.when(~pl.col("vague")).then(pl.col("birth", "day_month")),
            short_citizen=pl.col("short_citizen").cast(pl.Int64),
            parts=pl.when(~pl.col("vague")).then(pl.min_horizontal(month, day) * 100 + pl.max_horizontal(month, day)),
        )
        .drop("latest")
        .sort("card")
    )


def with_keys(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` and a whole number for each of `KEYS`, null where a part of it is."""
    keys = [pl.when(pl.all_horizontal(pl.col(parts).is_not_null())).then(pl.struct(parts).hash()).alias(key) for key, parts in KEYS.items()]
    return rows.with_columns(keys)


def write(folder: Path) -> dict[str, float]:
    """Seconds of preparation: `standardise` (ours and the peers' alike), `keys` (the peers' only)."""
    cards = pl.read_parquet(folder / "cards.parquet")
    start = time.perf_counter()
    records = standardise(cards)
    middle = time.perf_counter()
    rows = with_keys(plain_rows(records, cards))
    rows.write_parquet(folder / "standardised.parquet")
    end = time.perf_counter()
    save(records, folder / "records")
    truth = pl.read_parquet(folder / "truth.parquet").join(records.numbers, on="card_number").unique("card", keep="any").sort("card")
    truth.select("card", "person").write_parquet(folder / "persons.parquet")
    return {"standardise": middle - start, "keys": end - middle}


if __name__ == "__main__":
    print(json.dumps(write(Path(sys.argv[1]))))
