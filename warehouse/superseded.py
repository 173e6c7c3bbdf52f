"""Former readings of a delivery: rows that were read again, or replayed, stay readable in the restricted area."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from warehouse import packs
from warehouse.ledger import Ledger
from warehouse.settings import Settings


@dataclass(frozen=True)
class Former:
    """One entry of a delivery that a later one has replaced. `rows`: the Parquet file with its loaded rows, None where it had none."""

    run_id: str
    status: str
    loaded: int
    quarantined: int
    rows: Path | None


def former(settings: Settings, ledger: Ledger, delivery_id: str) -> list[Former]:
    """All entries of a delivery but the latest, oldest first.

    A pack that was written anew under its name lies in `restricted/superseded/<run that replaced it>/`; others are where they were.
    """
    entries = ledger.book("deliveries").filter(pl.col("delivery_id") == delivery_id).to_dicts()
    runs = [e["run_id"] for e in entries]
    found = []
    for place, e in enumerate(entries[:-1]):
        path = packs.path(settings, packs.LOADED, e["export"] or "", e["pack"] or delivery_id)
        kept = [settings.restricted_dir / "superseded" / r / path.relative_to(settings.restricted_dir) for r in runs[place + 1 :]]
        rows = next((p for p in (*kept, path) if p.exists()), None) if e["records_loaded"] else None
        found.append(Former(e["run_id"], e["status"], e["records_loaded"], e["records_quarantined"], rows))
    return found
