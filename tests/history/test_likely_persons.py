"""Claims that no identifier leads to a register: scoring finds whose they are, on the night they come, and no figure counts by it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from flows import attaching
from tests.golden.worlds import data_files, deliver
from tests.history.test_parts import assert_as_from_scratch
from tests.history.worlds import Area
from warehouse import card_persons
from warehouse.ledger import Ledger
from warehouse.samples import write

DIGITS = "0123456789"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world whose registers have other card numbers than its claims, and no citizen ids."""
    out = tmp_path_factory.mktemp("likely")
    write(out, persons=500, months=(date(2025, 8, 1), date(2025, 8, 1)), seed=5, provinces=("22",), visits_per_person_year=4.0)
    for register in (out / "landing" / "provinces" / "cards").rglob("*.parquet"):
        rows = pl.read_parquet(register)
        names = {c.lower(): c for c in rows.columns}
        card, number, citizen = (names[c] for c in ("ma_the_bhyt", "ma_so_bhxh", "so_cccd"))
        rows.with_columns(
            renumbered(pl.col(card)), pl.lit(None, pl.String).alias(number), pl.lit(None, pl.String).alias(citizen)
        ).write_parquet(register)
    return out / "landing"


def renumbered(card: pl.Expr) -> pl.Expr:
    """Every digit of the last ten another one."""
    return card.str.slice(0, 5) + card.str.slice(5).str.replace_many(list(DIGITS), list(DIGITS[::-1]))


def likely(area: Area) -> pl.DataFrame:
    """Of each claim with a likely person: who that is, and who holds the card that the claim meant."""
    people = card_persons.read(area.settings.card_persons_file)
    assert people is not None
    persons = people.select("person_id", card_key="card_number")
    claims = pl.concat(
        pl.read_parquet(p, columns=["delivery_id", "row_number", "card_numbers"])
        for p in area.settings.rows_dir("loaded", "claims").iterdir()
    )
    meant = claims.with_columns(card_key=renumbered(pl.col("card_numbers").list.first())).drop("card_numbers")
    meant = meant.join(persons.rename({"person_id": "meant"}), on="card_key").drop("card_key")
    found = pl.read_parquet(area.settings.claim_persons_file).join(persons, on="card_key")
    return found.join(meant, on=["delivery_id", "row_number"], how="left").sort("delivery_id", "row_number")


def test_claims_of_other_numbers_find_their_persons_whichever_night_they_come(source: Path, tmp_path: Path) -> None:
    files = data_files(source)
    late = [f for f in files if "/claims/" in f][::2]
    once, twice = Area(tmp_path / "once"), Area(tmp_path / "twice")
    deliver(source, files, once.settings.landing_dir)
    deliver(source, [f for f in files if f not in late], twice.settings.landing_dir)
    once.night()
    twice.night()
    deliver(source, late, twice.settings.landing_dir)
    twice.night(1)
    found = likely(once)
    assert found.drop("person_id", "meant").equals(likely(twice).drop("person_id", "meant"))
    assert found.filter(pl.col("person_id") != pl.col("meant")).is_empty()
    claims, told = once.tables()["facts.claim"], once.tables()["facts.claim_likely_person"]
    assert 50 < told.height <= found.height  # versions that were replaced are in no table
    assert set(claims.join(told, on="claim_key", how="semi")["person_found_by"]) == {"among_claims"}
    assert claims["person_key"].is_in(told["person_key"].implode()).sum() == 0


@pytest.fixture
def nights(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Area, set[str]]:
    """After a first night with registers that lack one card in ten; and these cards. Later nights link only what changed."""
    monkeypatch.setattr("flows.linking.FEW_CARDS", 0)
    area = Area(tmp_path)
    return area, without(source, area, 0)


def without(source: Path, area: Area, place: int) -> set[str]:
    """Deliver the registers without one row in ten; the cards that are then in none."""
    gone, there = set[str](), set[str]()
    for file in (f for f in data_files(source) if "/cards/" in f):
        deliver(source, [file], area.settings.landing_dir)
        whole = pl.read_parquet(source / file)
        going = pl.int_range(pl.len()) % 10 == place
        whole.filter(~going).write_parquet(area.settings.landing_dir / file)
        cards = whole.select("MA_THE_BHYT", going=going)
        gone |= set(cards.filter("going")["MA_THE_BHYT"])
        there |= set(cards.filter(~pl.col("going"))["MA_THE_BHYT"])
    return gone - there


def way(area: Area) -> str:
    report = card_persons.read_report(area.settings)
    assert report is not None
    return str(report["way"])


def all_asked_anew(area: Area, gone: str = "claims_looked_at.parquet") -> pl.DataFrame:
    """What `likely` says when nothing is known to have been asked, as the files of this pattern are gone."""
    for file in list(area.settings.persons_dir.glob(gone)):
        file.unlink()
    due = attaching.due(area.settings, Ledger(area.settings.ledger_dir))
    assert due is not None
    attaching.attach_claims(area.settings, due)
    return likely(area)


def test_claims_find_cards_that_came_after_the_last_linkage_of_all(source: Path, nights: tuple[Area, set[str]]) -> None:
    area, late = nights
    area.night()
    deliver(source, data_files(source), area.settings.landing_dir)
    area.night(1)
    assert way(area) == "increment"
    found = likely(area)
    assert found.filter(pl.col("person_id") != pl.col("meant")).is_empty()
    assert found["card_key"].is_in(list(late)).sum() > 5


def test_a_card_that_comes_after_its_claims_is_found_by_them_and_one_that_goes_is_not(source: Path, nights: tuple[Area, set[str]]) -> None:
    area, late = nights
    deliver(source, [f for f in data_files(source) if "/claims/" in f], area.settings.landing_dir)
    area.night()
    before = likely(area)
    assert before["card_key"].is_in(list(late)).sum() == 0
    # The cards that were missing come, and another tenth goes.
    gone = without(source, area, 1)
    built = area.night(1)
    assert way(area) == "increment"
    found = likely(area)
    assert found["card_key"].is_in(list(late)).sum() > 5
    assert before["card_key"].is_in(list(gone)).sum() > 5
    assert found["card_key"].is_in(list(gone)).sum() == 0
    assert found.equals(all_asked_anew(area))
    # What is published follows: the months of these claims were made again.
    assert_as_from_scratch(area, built)


def test_all_claims_are_asked_about_anew_where_what_they_said_is_gone(source: Path, nights: tuple[Area, set[str]]) -> None:
    area, _ = nights
    deliver(source, [f for f in data_files(source) if "/claims/" in f], area.settings.landing_dir)
    area.night()
    assert likely(area).equals(all_asked_anew(area, "claims_asked/*.parquet"))


def test_nothing_is_asked_again_where_no_card_changed(source: Path, nights: tuple[Area, set[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    area, _ = nights
    claims = [f for f in data_files(source) if "/claims/" in f]
    deliver(source, claims[::2], area.settings.landing_dir)
    area.night()
    deliver(source, claims, area.settings.landing_dir)
    compared: list[int] = []
    attach_claims = attaching.attach_claims
    monkeypatch.setattr(attaching, "attach_claims", lambda *given: compared.append(attach_claims(*given)) or compared[-1])
    area.night(1)
    found = likely(area)
    assert found.equals(all_asked_anew(area))
    new, every = compared
    assert 0 < new < every
    assert attaching.due(area.settings, Ledger(area.settings.ledger_dir)) is None
