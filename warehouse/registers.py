"""Card registers that have lost more than half of their cards: held until a person looks.

Whether a register is held follows from the registers that there are, as *superseded* does, and not from the order in which they were
loaded: months that a backfill loads backwards are judged as they would have been on consecutive nights. So a register may be held, or
no longer held, because an earlier month of its province came later.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date

import polars as pl

# A register with fewer than half of the cards of the month before is held, when there were enough for that to mean something.
HALVED_FROM = 100
CODE = "register_halved"


def halved(deliveries: pl.DataFrame, released: set[str]) -> dict[str, str]:
    """Card registers to be held, delivery_id → reason.

    `deliveries`: entries in order of `received_rank`, with status loaded (or held under this code by an earlier release of this software).
    Of a province's registers, month by month and in order of receipt, one is held that has fewer than half of the cards of the register
    that counts for the latest earlier month, where that has at least `HALVED_FROM`. `released` are never held.
    """
    cards = deliveries.filter((pl.col("export") == "cards") & ((pl.col("status") == "loaded") | (pl.col("code") == CODE)))
    counting: dict[str, dict[date, int]] = defaultdict(dict)
    found: dict[str, str] = {}
    ordered = cards.sort("period", maintain_order=True).select("delivery_id", "province_code", "period", "records_loaded")
    for delivery_id, province, period, records in ordered.iter_rows():
        of_province = counting[province]
        before = [p for p in of_province if p < period]
        previous = of_province[max(before)] if before else 0
        if previous >= HALVED_FROM and 2 * records < previous and delivery_id not in released:
            found[delivery_id] = (
                f"the register has {records} records, the one before {previous}; check with the province, then"
                f" `bhyt release {delivery_id}` or deliver the whole register"
            )
        else:
            of_province[period] = records
    return found
