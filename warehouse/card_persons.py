"""The person index on disk: which card belongs to which person. Personal; in the restricted area only."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from expectations.exports.cards import CARDS
from warehouse import packs
from warehouse.settings import Settings
from warehouse.storage import replacing

FINGERPRINT = "bhyt.fingerprint"

# What linkage looks at; other columns of a register are not read.
LINKED = (
    "delivery_id", "row_number", "card_number", "social_insurance_number", "citizen_id", "full_name", "birth_date", "birth_precision",
    "sex", "object_code", "province_code", "old_province_code", "commune_code", "address", "household", "employer_tax_code",
    "valid_from", "valid_to", "withdrawn_on", "withdrawal_reason",
)  # fmt: skip


def fingerprint(path: Path) -> str:
    """What the index was made from; empty when there is none."""
    return pl.read_parquet_metadata(path).get(FINGERPRINT, "") if path.exists() else ""


def read(path: Path) -> pl.DataFrame | None:
    """card_number, card_key, person_id; None when there is no index yet."""
    return pl.read_parquet(path) if path.exists() else None


def write(path: Path, card_persons: pl.DataFrame, made_from: str) -> None:
    with replacing(path) as temporary:
        card_persons.write_parquet(temporary, compression="zstd", metadata={FINGERPRINT: made_from})


def cards(settings: Settings, deliveries: pl.DataFrame) -> pl.LazyFrame:
    """All rows of the registers in use, with `period` and `received_rank` of their delivery; grain: card row."""
    used = deliveries.filter((pl.col("export") == CARDS.name) & (pl.col("status") == "loaded"))
    files = packs.files(settings, packs.LOADED, CARDS, used)
    if not files:
        schema = {n: CARDS.field_named(n).kind.polars for n in LINKED} | {"period": pl.Date(), "received_rank": pl.Int64()}
        return pl.LazyFrame(schema=schema)
    ranked = used.select("delivery_id", "period", "received_rank").lazy()
    return pl.scan_parquet(files).select(LINKED).join(ranked, on="delivery_id", how="inner")
