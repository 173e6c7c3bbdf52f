"""Persons in a night: link the cards of the registers in use, keep ids, write the journal. `flows.night` says when."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from transforms import persons
from transforms.persons.events import events
from transforms.persons.increment import Changed, changed_numbers, link_new, standardise_again
from transforms.persons.report import told_as_json
from transforms.persons.review import in_force
from transforms.persons.standardise import standardise
from transforms.persons.standing import Relink, Standing
from warehouse import card_persons, packs, standing_index
from warehouse.code_version import code_hash
from warehouse.fingerprints import given_fingerprints, sha256
from warehouse.ledger import Ledger
from warehouse.settings import Settings

log = logging.getLogger("bhyt")

EVENTS, DECISIONS = "person_events", "person_decisions"
FEW_CARDS = 100_000  # are linked anew in a second or two, and then every figure is that of the registers of tonight
ANEW = "anew"  # no index was ever made from this


def made_from(settings: Settings, ledger: Ledger) -> str:
    """Fingerprint of the person index that the registers in use, the decisions and the code call for."""
    if settings.relink_file.exists():
        return ANEW
    registers = given_fingerprints(settings, ledger.deliveries(), "")["typed.cards"]
    decided = in_force(ledger.book(DECISIONS)).select("card_key_a", "card_key_b", "same").drop_nulls().sort("card_key_a", "card_key_b")
    return sha256(registers, code_hash("transforms/persons"), repr(decided.rows()))


def model_of(settings: Settings) -> persons.Model:
    """The model of the linkage that the index rests on, with the chances of coincidence that it counted."""
    return persons.Model.parse(standing_index.facts(settings)["model"])


def link_persons(settings: Settings, ledger: Ledger, run_id: str) -> Mapping[str, Any] | None:
    """Bring the person index up to date; returns the report of the linkage, None when the index stands.

    Only what changed is linked, on the standing index; all cards are where that cannot be (`Relink` says why), when code or model
    changed, and when a person asked for it. The index is written last: until then the events of a killed night are those of no index,
    and the next one takes them away.
    """
    file = settings.card_persons_file
    if card_persons.fingerprint(file) == made_from(settings, ledger):
        return None
    former, former_run = card_persons.read(file), card_persons.run_of(file)
    if former is not None:
        ledger.forget_after(former_run, EVENTS)
    night = _Linking(settings, run_id, former, in_force(ledger.book(DECISIONS), former_run), _ids_of(ledger.book(EVENTS)))
    used = card_persons.in_use(ledger.deliveries())
    try:
        index, was, now, pairs, report = night.increment(used)
    except Relink as reason:
        log.info("linking all cards: %s", reason)
        index, was, now, pairs, report = night.whole(used, str(reason))
    last = card_persons.read_report(settings)
    happened = events(was, now, pairs, night.decisions, report["merge_bits"])
    told = told_as_json(report, run_id, happened, last)
    ledger.write(run_id, EVENTS, happened, empty=True)
    card_persons.write_pairs(settings, pairs)
    card_persons.write_report(settings, told)
    settings.relink_file.unlink(missing_ok=True)
    base = standing_index.facts(settings)["run"]
    card_persons.write(file, index, made_from(settings, ledger), run_id, base)
    return told


@dataclass(frozen=True)
class _Linking:
    """One night's linkage. Both ways return the index, the rows of the last one and of this one that may differ, the pairs, the report."""

    settings: Settings
    run_id: str
    former: pl.DataFrame | None
    decisions: pl.DataFrame  # also those taken back
    retired: pl.Series

    @property
    def in_force(self) -> pl.DataFrame:
        return self.decisions.filter(pl.col("same").is_not_null()).select("card_key_a", "card_key_b", "same")

    @property
    def run(self) -> int:
        return int(self.run_id.split("-")[0])

    def increment(self, used: pl.DataFrame) -> _Linked:
        """Link what changed. Raises Relink."""
        base = standing_index.facts(self.settings)
        file = self.settings.card_persons_file
        unsettled = standing_index.read_unsettled(self.settings, card_persons.run_of(file))
        last = card_persons.read_report(self.settings)
        if self.settings.relink_file.exists():
            raise Relink("a person asked for it")
        if self.former is None or last is None or not base:
            raise Relink("there is no standing index yet")
        if base["pins"] != pins():
            raise Relink("code, model or libraries have changed")
        if unsettled is None or card_persons.base_of(file) != base["run"]:
            raise Relink("the standing index is not that of the index of persons")
        standing, registers = standing_index.read(self.settings)
        if standing.cards.height < FEW_CARDS:
            raise Relink("so few cards are linked as fast as what changed among them")
        now = changed_since(self.settings, standing, registers, used)
        model = model_of(self.settings)
        found = link_new(standing, now.touched, now.records, self.former, model, self.in_force, unsettled, self.run, self.retired)
        standing_index.write_unsettled(self.settings, found.unsettled, self.run_id)
        kept: dict[str, Any] = {n: last[n] for n in ("model", "merge_bits", "review_bits", "population", "estimate") if n in last}
        # All cards of a person are among the rows that may differ, or none.
        persons = last["persons"] - found.former["person_id"].n_unique() + found.now["person_id"].n_unique()
        report = {**kept, **found.report, "persons": persons, "base": base["run"]}
        return found.card_persons, found.former, found.now, found.pairs, report

    def whole(self, used: pl.DataFrame, reason: str) -> _Linked:
        """Link all cards, and leave a standing index."""
        cards = card_persons.cards(self.settings, used)
        linkage, standing = persons.link_to_stand(cards, self.former, self.in_force, run=self.run, retired=self.retired)
        standing_index.write(self.settings, standing, used, pins(), self.run_id)
        standing_index.write_unsettled(self.settings, pl.Series("card_number", [], dtype=pl.String), self.run_id)
        return linkage.card_persons, self.former, linkage.card_persons, linkage.pairs, {"way": "whole", "because": reason, **linkage.report}


_Linked = tuple[pl.DataFrame, pl.DataFrame | None, pl.DataFrame, pl.DataFrame, dict[str, Any]]


def pins() -> str:
    """What a standing index holds good with: the code and model of linkage, and the library whose hashes it keeps."""
    return sha256(code_hash("transforms/persons"), pl.__version__)


def changed_since(settings: Settings, standing: Standing, registers: pl.DataFrame, used: pl.DataFrame) -> Changed:
    """What the registers in use (`used`) say otherwise than those that the index was made from. Raises Relink."""
    added, removed = _changed_registers(registers, used)
    came = card_persons.cards(settings, added)
    try:
        touched = changed_numbers(standing, came, card_persons.cards(settings, removed))
    except packs.RowsMissing:
        raise Relink("the rows of a register that went out of use are gone") from None
    if removed.is_empty():
        return Changed(touched, standardise_again(standing, touched, came))
    # What registers said that went out of use is in the index too: all rows of these numbers are read again.
    numbers = touched.rename("card_number").to_frame().lazy()
    rows = card_persons.cards(settings, used).join(numbers, on="card_number", how="semi")
    return Changed(touched, standardise(rows.collect(engine="streaming")))


def _changed_registers(before: pl.DataFrame, used: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Registers that came into use and those that went out of it, since the standing index. Raises Relink."""
    same = ["delivery_id", "read_by", "records_loaded"]
    added, removed = used.join(before, on=same, how="anti"), before.join(used, on=same, how="anti")
    if added["delivery_id"].is_in(before["delivery_id"].implode()).any():
        raise Relink("registers were read anew by other code")
    stayed, now = before.join(used, on=same, how="semi"), used.join(before, on=same, how="semi")
    ranked = ["delivery_id", "received_rank"]
    if not stayed.select(ranked).sort(ranked).equals(now.select(ranked).sort(ranked)):
        raise Relink("the order of registers has changed")
    return added, removed


def _ids_of(journal: pl.DataFrame) -> pl.Series:
    """Every id that the journal names: what retired is among them."""
    return pl.concat([journal["person_id"], journal["other_person_id"].rename("person_id")]).drop_nulls().unique()
