"""The books about persons: what happened to them and what people decided. Restricted: they name cards.

Here and not in `transforms.persons`, so that the ledger can be read without the libraries of linkage.
"""

from __future__ import annotations

import polars as pl

EVENTS: dict[str, pl.DataType] = {
    "event": pl.String(),  # created, card_added, card_removed, merged, split, decided
    "person_id": pl.String(),  # of `merged` the one that stays, of `split` the one that keeps the id
    "other_person_id": pl.String(),  # created or added: whence; merged: the one that retires; split: the new one
    "card_number": pl.String(),
    "reason": pl.String(),
    "weight": pl.Float64(),  # bits of the pair of cards that speaks loudest; null where no pair does
}
DECISIONS: dict[str, pl.DataType] = {
    "pair": pl.String(),  # `review.pair_id` of the two cards
    "card_key_a": pl.String(),
    "card_key_b": pl.String(),
    "decision": pl.String(),  # same, different, undo
    "decided_by": pl.String(),
    "why": pl.String(),
    "decided_at": pl.Datetime("us"),
}
