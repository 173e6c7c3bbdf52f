"""Claims in no register, in a night: new ones are compared with the standing index of cards. `flows.night` says when."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import polars as pl

from flows.linking import changed_since, model_of
from transforms.persons.attach import attach
from transforms.persons.standing import Relink
from warehouse import card_persons, claim_persons, standing_index
from warehouse.ledger import Ledger
from warehouse.settings import Settings

log = logging.getLogger("bhyt")


@dataclass(frozen=True)
class Due:
    """Claim deliveries in use (`warehouse.claim_persons.in_use`): `used`, and of these `new`, not asked about yet on the standing index
    `base`; `kept`: what was found for the others."""

    base: str
    used: pl.DataFrame
    new: pl.DataFrame
    kept: pl.DataFrame
    registers: pl.DataFrame  # of cards, in use (`warehouse.card_persons.in_use`)


def due(settings: Settings, ledger: Ledger) -> Due | None:
    """What is to be asked; None when every delivery has been since the standing index was made, or there is no such index.

    Claims are compared once with a standing index: on the night they come, and all of them when it has been made anew.
    """
    deliveries = ledger.deliveries()
    base, used, registers = _base(settings), claim_persons.in_use(deliveries), card_persons.in_use(deliveries)
    if not base:
        return None
    if claim_persons.base_of(settings) != base:
        return Due(base, used, used, pl.DataFrame(), registers)
    likely, looked_at = claim_persons.read(settings)
    same = list(claim_persons.DELIVERIES)
    new, stayed = used.join(looked_at, on=same, how="anti"), used.join(looked_at, on=same, how="semi")
    if new.is_empty() and stayed.height == looked_at.height:
        return None
    return Due(base, used, new, likely.join(stayed, on="delivery_id", how="semi"), registers)


def attach_claims(settings: Settings, asked: Due) -> int:
    """Bring `warehouse.claim_persons` up to date; returns how many claims in no register were compared."""
    persons, (standing, registers) = card_persons.read(settings.card_persons_file), standing_index.read(settings)
    assert persons is not None
    since = None
    try:
        if not registers.equals(asked.registers):
            since = changed_since(settings, standing, registers, asked.registers)
    except Relink as reason:
        log.info("claims are compared with the cards of the last linkage of all: %s", reason)
    claims = claim_persons.in_no_register(settings, asked.new, persons, standing, since)
    found = attach(claims, persons, standing, model_of(settings), since)
    likely = pl.concat([f for f in (asked.kept, found) if f.width]).sort("delivery_id", "row_number")
    claim_persons.write(settings, likely, asked.used, asked.base)
    log.info("%d new claims are in no register; scoring finds a likely person for %d", claims.height, found.height)
    return claims.height


def _base(settings: Settings) -> str:
    """The run of the standing index, where it is that of the index of persons; else empty."""
    run: str = standing_index.facts(settings).get("run", "")
    return run if run and card_persons.base_of(settings.card_persons_file) == run else ""
