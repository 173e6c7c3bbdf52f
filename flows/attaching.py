"""Claims in no register, in a night: new ones are compared with the standing index of cards. `flows.night` says when."""

from __future__ import annotations

import logging

import polars as pl

from flows.linking import model_of
from transforms.persons.attach import attach
from warehouse import card_persons, claim_persons, standing_index
from warehouse.ledger import Ledger
from warehouse.settings import Settings

log = logging.getLogger("bhyt")


def due(settings: Settings, ledger: Ledger) -> bool:
    """Whether there are claims that nobody has asked about since the standing index was made."""
    base = _base(settings)
    if not base:
        return False
    used = claim_persons.in_use(ledger.deliveries())
    return claim_persons.base_of(settings) != base or not _same(used, claim_persons.read(settings)[1])


def attach_claims(settings: Settings, ledger: Ledger) -> int:
    """Bring `warehouse.claim_persons` up to date; returns how many claims in no register were compared.

    Claims are compared once with a standing index: on the night they come, and all of them when it has been made anew.
    """
    base, used = _base(settings), claim_persons.in_use(ledger.deliveries())
    same = list(claim_persons.DELIVERIES)
    if claim_persons.base_of(settings) == base:
        likely, looked_at = claim_persons.read(settings)
        new = used.join(looked_at, on=same, how="anti")
        stayed = used.join(looked_at, on=same, how="semi")
        likely = likely.join(stayed, on="delivery_id", how="semi")
    else:
        likely, new = pl.DataFrame(), used
    persons, (standing, _) = card_persons.read(settings.card_persons_file), standing_index.read(settings)
    assert persons is not None
    asked = claim_persons.in_no_register(settings, new, persons, standing)
    found = attach(asked, persons, standing, model_of(settings))
    likely = pl.concat([f for f in (likely, found) if f.width]).sort("delivery_id", "row_number")
    claim_persons.write(settings, likely, used, base)
    log.info("%d new claims are in no register; scoring finds a likely person for %d", asked.height, found.height)
    return asked.height


def _base(settings: Settings) -> str:
    """The run of the standing index, where it is that of the index of persons; else empty."""
    run: str = standing_index.facts(settings).get("run", "")
    return run if run and card_persons.base_of(settings.card_persons_file) == run else ""


def _same(used: pl.DataFrame, looked_at: pl.DataFrame) -> bool:
    columns = list(claim_persons.DELIVERIES)
    return used.select(columns).sort(columns).equals(looked_at.sort(columns))
