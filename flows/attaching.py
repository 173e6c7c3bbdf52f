"""Claims in no register, in a night: new ones are compared with the standing index of cards, and earlier ones with what changed in it.
`flows.night` says when."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import polars as pl

from flows.linking import changed_since, model_of
from transforms.persons.attach import attach, keys_changed, keys_of
from transforms.persons.standing import Relink
from warehouse import card_persons, claim_persons, standing_index
from warehouse.claim_persons import Asked
from warehouse.ledger import Ledger
from warehouse.settings import Settings

log = logging.getLogger("bhyt")


@dataclass(frozen=True)
class Due:
    """Claim deliveries in use (`warehouse.claim_persons.in_use`): `new` ones, and those `asked` about before on the same standing index,
    with what was found; the `index` of persons may be another by now."""

    new: pl.DataFrame
    asked: Asked
    index: str
    registers: pl.DataFrame  # of cards, in use (`warehouse.card_persons.in_use`)


def due(settings: Settings, ledger: Ledger) -> Due | None:
    """What is to be asked; None when every delivery has been on the index of persons as it is, or there is no standing index.

    All claims are asked about when the standing index has been made anew; otherwise those that come, and those that share a key with a
    card that registers tell of otherwise than the standing index.
    """
    deliveries = ledger.deliveries()
    used, registers = claim_persons.in_use(deliveries), card_persons.in_use(deliveries)
    base, index = _base(settings), card_persons.run_of(settings.card_persons_file)
    if not base:
        return None
    asked = claim_persons.read(settings)
    if asked.base != base:
        return Due(used, Asked(base, index, deliveries=used.clear()), index, registers)
    same = list(claim_persons.DELIVERIES)
    new, stayed = used.join(asked.deliveries, on=same, how="anti"), asked.deliveries.join(used, on=same, how="semi")
    if new.is_empty() and stayed.height == asked.deliveries.height and index == asked.index:
        return None
    likely = asked.likely.join(stayed, on="delivery_id", how="semi")
    return Due(new, replace(asked, likely=likely, deliveries=stayed), index, registers)


def attach_claims(settings: Settings, task: Due) -> int:
    """Bring `warehouse.claim_persons` up to date; returns how many claims in no register were compared."""
    persons, (standing, registers) = card_persons.read(settings.card_persons_file), standing_index.read(settings)
    assert persons is not None
    asked, since = task.asked, None
    try:
        if not registers.equals(task.registers):
            since = changed_since(settings, standing, registers, task.registers)
    except Relink as reason:
        log.info("claims are compared with the cards of the last linkage of all: %s", reason)
    known = claim_persons.KnownNumbers.of(persons, standing, since)
    claims = known.in_no_register(claim_persons.claims_of(settings, task.new))
    met = pl.DataFrame(schema=claim_persons.SAID_OF_CLAIMS)
    if since is not None and task.index != asked.index:
        met = claim_persons.asked_before(settings, asked, keys_changed(standing, since))
    again = known.in_no_register(met.lazy())
    found = attach(pl.concat([claims, again]).drop("tails"), persons, standing, model_of(settings), since)
    kept = asked.likely.join(met, on=list(claim_persons.KEY), how="anti")
    now = replace(
        asked,
        index=task.index,
        likely=pl.concat([kept, found]).sort("delivery_id", "row_number"),
        deliveries=pl.concat([of.select(claim_persons.DELIVERIES) for of in (asked.deliveries, task.new)]),
    )
    claim_persons.write(settings, now, claims.with_columns(keys_of(claims.drop("tails"))))
    log.info(
        "%d new claims are in no register, %d earlier ones are asked about again; scoring finds a likely person for %d of these",
        claims.height,
        again.height,
        found.height,
    )
    return claims.height + again.height


def _base(settings: Settings) -> str:
    """The run of the standing index, where it is that of the index of persons; else empty."""
    run: str = standing_index.facts(settings).get("run", "")
    return run if run and card_persons.base_of(settings.card_persons_file) == run else ""
