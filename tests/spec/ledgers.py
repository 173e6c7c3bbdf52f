"""Entries of a ledger, as short as a test wants them."""

from __future__ import annotations

from datetime import datetime

from warehouse.ledger import Entry


def entry(delivery_id: str, export: str, *, pack: str = "", records: int = 1) -> Entry:
    """A loaded delivery."""
    return Entry(
        delivery_id=delivery_id, export=export, path=f"{export}/{delivery_id}.csv", file=f"{export}/{delivery_id}.csv", sha256=delivery_id,
        province_code=None, period=None, received_at=datetime(2025, 9, 1), received_seq=1, modified_ns=0, status="loaded",
        records_read=records, records_loaded=records, pack=pack,
    )  # fmt: skip
