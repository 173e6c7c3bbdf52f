"""The person index on disk: which card belongs to which person, and what speaks for it. Personal; in the restricted area only.

`card_persons.parquet` is the index. Beside it in `persons/`: `pairs.parquet`, the evidence of every pair of cards from the review band
upwards, and `report.json`, counts of the run that linked them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from expectations.exports.cards import CARDS
from warehouse import packs
from warehouse.settings import Settings
from warehouse.storage import replacing

FINGERPRINT, RUN, BASE = "bhyt.fingerprint", "bhyt.run", "bhyt.base"

# What linkage looks at; other columns of a register are not read.
LINKED = (
    "delivery_id", "row_number", "card_number", "social_insurance_number", "citizen_id", "full_name", "birth_date", "birth_precision",
    "sex", "object_code", "province_code", "old_province_code", "commune_code", "address", "household", "employer_tax_code",
    "valid_from", "valid_to", "withdrawn_on", "withdrawal_reason",
)  # fmt: skip


def fingerprint(path: Path) -> str:
    """What the index was made from; empty when there is none."""
    return pl.read_parquet_metadata(path).get(FINGERPRINT, "") if path.exists() else ""


def run_of(path: Path) -> str:
    """The run that made the index; empty when there is none."""
    return pl.read_parquet_metadata(path).get(RUN, "") if path.exists() else ""


def base_of(path: Path) -> str:
    """The run that linked all cards, on which the index rests; empty when there is none."""
    return pl.read_parquet_metadata(path).get(BASE, "") if path.exists() else ""


def read(path: Path) -> pl.DataFrame | None:
    """card_number, card_key, person_id, person_since, card_since; None when there is no index yet."""
    return pl.read_parquet(path) if path.exists() else None


def write(path: Path, card_persons: pl.DataFrame, made_from: str, run_id: str = "", base: str = "") -> None:
    """`made_from`, `run_id`, `base`: what `fingerprint`, `run_of` and `base_of` will say."""
    with replacing(path) as temporary:
        card_persons.write_parquet(
            temporary, compression="zstd", compression_level=1, metadata={FINGERPRINT: made_from, RUN: run_id, BASE: base}
        )


def read_pairs(settings: Settings) -> pl.DataFrame | None:
    """Evidence of pairs of cards (`transforms.persons.evidence.PAIRS`) of the latest linkage; None when there is none yet."""
    path = settings.persons_dir / "pairs.parquet"
    return pl.read_parquet(path) if path.exists() else None


def write_pairs(settings: Settings, pairs: pl.DataFrame) -> None:
    with replacing(settings.persons_dir / "pairs.parquet") as temporary:
        pairs.write_parquet(temporary, compression="zstd", compression_level=1)


def read_report(settings: Settings) -> dict[str, Any] | None:
    """The report of the latest linkage; None when there is none yet."""
    path = settings.persons_dir / "report.json"
    found: dict[str, Any] | None = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    return found


def write_report(settings: Settings, report: dict[str, Any]) -> None:
    with replacing(settings.persons_dir / "report.json") as temporary:
        temporary.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def in_use(deliveries: pl.DataFrame) -> pl.DataFrame:
    """The card registers that count, by rank: `delivery_id`, `pack`, `read_by`, `records_loaded`, `period`, `received_rank`."""
    used = deliveries.filter((pl.col("export") == CARDS.name) & (pl.col("status") == "loaded"))
    return used.select("delivery_id", "pack", "read_by", "records_loaded", "period", "received_rank").sort("received_rank")


def cards(settings: Settings, used: pl.DataFrame) -> pl.LazyFrame:
    """All rows of these registers (`in_use`), with `period` and `received_rank` of their delivery; grain: card row."""
    files = packs.files(settings, packs.LOADED, CARDS, used)
    if not files:
        schema = {n: CARDS.field_named(n).kind.polars for n in LINKED} | {"period": pl.Date(), "received_rank": pl.Int64()}
        return pl.LazyFrame(schema=schema)
    ranked = used.select("delivery_id", "period", "received_rank").lazy()
    return pl.scan_parquet(files).select(LINKED).join(ranked, on="delivery_id", how="inner")
