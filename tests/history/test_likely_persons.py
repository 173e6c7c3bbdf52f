"""Claims that no identifier leads to a register: scoring finds whose they are, on the night they come, and no figure counts by it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from tests.golden.worlds import data_files, deliver
from tests.history.worlds import Area
from warehouse import card_persons
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


def test_claims_find_cards_that_came_after_the_last_linkage_of_all(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.linking.FEW_CARDS", 0)
    files = data_files(source)
    registers = [f for f in files if "/cards/" in f]
    area = Area(tmp_path)
    deliver(source, registers, area.settings.landing_dir)
    # At first one card in ten is missing.
    for file in registers:
        path = area.settings.landing_dir / file
        whole = pl.read_parquet(path)
        whole.filter(pl.int_range(pl.len()) % 10 > 0).write_parquet(path)
        late = set(whole.filter(pl.int_range(pl.len()) % 10 == 0).to_series(whole.columns.index("MA_THE_BHYT")))
    area.night()
    deliver(source, files, area.settings.landing_dir)
    area.night(1)
    report = card_persons.read_report(area.settings)
    assert report is not None
    assert report["way"] == "increment"
    found = likely(area)
    assert found.filter(pl.col("person_id") != pl.col("meant")).is_empty()
    assert found["card_key"].is_in(list(late)).sum() > 5
