"""Persons in a night: link the cards of the registers in use, keep ids, write the journal. `flows.night` says when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from transforms import persons
from transforms.persons.events import events
from transforms.persons.report import told_as_json
from transforms.persons.review import in_force
from warehouse import card_persons
from warehouse.build import given_fingerprints, sha256
from warehouse.code_version import code_hash
from warehouse.ledger import Ledger
from warehouse.settings import Settings

EVENTS, DECISIONS = "person_events", "person_decisions"
ANEW = "anew"  # no index was ever made from this


def made_from(settings: Settings, ledger: Ledger) -> str:
    """Fingerprint of the person index that the registers in use, the decisions and the code call for."""
    if settings.relink_file.exists():
        return ANEW
    registers = given_fingerprints(settings, ledger.deliveries(), "")["typed.cards"]
    decided = in_force(ledger.book(DECISIONS)).select("card_key_a", "card_key_b", "same").drop_nulls().sort("card_key_a", "card_key_b")
    return sha256(registers, code_hash("transforms/persons"), repr(decided.rows()))


def model_of(report: Mapping[str, Any]) -> persons.Model:
    """The model that the linkage of this report reckoned with."""
    return replace(persons.pinned(), population=report["population"])


def link_persons(settings: Settings, ledger: Ledger, run_id: str) -> Mapping[str, Any] | None:
    """Bring the person index up to date; returns the report of the linkage, None when the index stands.

    The index is written last: until then the events of a killed night are those of no index, and the next one takes them away.
    """
    file = settings.card_persons_file
    if card_persons.fingerprint(file) == made_from(settings, ledger):
        return None
    former, former_run = card_persons.read(file), card_persons.run_of(file)
    if former is not None:
        ledger.forget_after(former_run, EVENTS)
    decisions = in_force(ledger.book(DECISIONS), former_run)
    linkage = persons.link(
        card_persons.cards(settings, ledger.deliveries()),
        former,
        decisions.filter(pl.col("same").is_not_null()).select("card_key_a", "card_key_b", "same"),
        run=int(run_id.split("-")[0]),
        retired=_ids_of(ledger.book(EVENTS)),
    )
    happened = events(former, linkage.card_persons, linkage.pairs, decisions, linkage.report["merge_bits"])
    report = told_as_json(linkage.report, run_id, happened, card_persons.read_report(settings))
    ledger.write(run_id, EVENTS, happened)
    card_persons.write_pairs(settings, linkage.pairs)
    card_persons.write_report(settings, report)
    settings.relink_file.unlink(missing_ok=True)
    card_persons.write(file, linkage.card_persons, made_from(settings, ledger), run_id)
    return report


def _ids_of(journal: pl.DataFrame) -> pl.Series:
    """Every id that the journal names: what retired is among them."""
    return pl.concat([journal["person_id"], journal["other_person_id"].rename("person_id")]).drop_nulls().unique()
