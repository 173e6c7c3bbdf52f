"""Packs: the rows of many small deliveries in one file, and yet each delivery's own rows for whoever asks."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest

from expectations.exports import CLAIM_LINES
from expectations.exports.claims import CLAIMS
from expectations.exports.facilities import FACILITIES
from transforms.geography import Places
from warehouse import ingest, landing, packs, profiles, reference
from warehouse.ledger import Ledger
from warehouse.samples import large
from warehouse.settings import Settings


@pytest.fixture(scope="module")
def places() -> Places:
    return reference.places()


@pytest.fixture
def world(tmp_path: Path) -> tuple[Settings, list[landing.Landed]]:
    large.write(tmp_path, claims=60, files=4)
    settings = Settings(home=tmp_path / "data", landing=tmp_path / "landing")
    found = [x for x in landing.scan(settings.landing_dir, {}) if x.export == "claims"]
    return settings, found


def taken_in(settings: Settings, items: list[landing.Landed], places: Places) -> pl.DataFrame:
    outcomes = ingest.ingest(items, settings, places, profiles.load([]))
    return pl.DataFrame([o.__dict__ for o in outcomes])


def test_small_deliveries_share_a_pack_and_keep_their_rows(world: tuple[Settings, list[landing.Landed]], places: Places) -> None:
    settings, items = world
    outcomes = taken_in(settings, items, places)
    (pack,) = set(outcomes["pack"])
    assert pack == packs.name_of(x.delivery_id for x in reversed(items))
    assert [p.name for p in settings.rows_dir("loaded", "claims").iterdir()] == [f"{pack}.parquet"]
    for row in outcomes.iter_rows(named=True):
        mine = pl.DataFrame([row])
        (file,) = packs.files(settings, "loaded", CLAIMS, mine)
        rows = packs.scan([file], mine).collect()
        assert rows["row_number"].to_list() == list(range(1, row["records_loaded"] + 1)) == rows["position"].to_list()
        lines = packs.scan(packs.files(settings, "loaded", CLAIM_LINES, mine), mine).collect()
        assert dict(lines["row_number"].value_counts().iter_rows()) == dict(rows.select("row_number", "line_count").iter_rows())


def test_alone_or_together_the_rows_are_the_same(
    world: tuple[Settings, list[landing.Landed]], places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether typed with others, one by one, or in pieces because the delivery is large."""
    settings, items = world
    together = taken_in(settings, items, places)
    frames = {t: packs.scan(packs.files(settings, "loaded", t, together), together).collect() for t in (CLAIMS, CLAIM_LINES)}
    monkeypatch.setattr("warehouse.ingest.TOGETHER_ROWS", 5)
    apart = taken_in(settings, items, places)
    assert apart.drop("pack").equals(together.drop("pack"))
    assert apart["pack"].n_unique() > 1
    for table, frame in frames.items():
        rows = packs.scan(packs.files(settings, "loaded", table, apart), apart).collect()
        assert rows.sort(rows.columns[:4]).equals(frame.sort(frame.columns[:4]), null_equal=True)


def test_a_refused_delivery_leaves_no_row_in_the_pack_of_its_neighbours(
    world: tuple[Settings, list[landing.Landed]], places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, items = world
    cut = items[1].file
    for limit in (20_000, 3):  # while it waits with the others, and after some of it was written
        cut.write_bytes(cut.read_bytes().replace(b"</DANHSACHHOSO>", b"") if b"</DANHSACHHOSO>" in cut.read_bytes() else cut.read_bytes())
        monkeypatch.setattr("warehouse.ingest.TOGETHER_ROWS", limit)
        outcomes = taken_in(settings, items, places)
        assert outcomes["status"].to_list() == ["loaded", "refused", "loaded", "loaded"]
        sound = outcomes.filter(pl.col("status") == "loaded")
        rows = pl.concat([pl.read_parquet(f) for f in settings.rows_dir("loaded", "claims").iterdir()])
        assert set(rows["delivery_id"]) == set(sound["delivery_id"])
        assert packs.scan(packs.files(settings, "loaded", CLAIMS, sound), sound).collect().height == sound["records_loaded"].sum()
        packs.sweep(settings, set())
        assert not list(settings.rows_dir("loaded", "claims").iterdir())


def test_rows_can_be_taken_out_of_a_pack(world: tuple[Settings, list[landing.Landed]], places: Places) -> None:
    settings, items = world
    outcomes = taken_in(settings, items, places)
    gone, pack = items[0].delivery_id, outcomes["pack"][0]
    packs.remove(settings, "claims", pack, [gone])
    for table in ("claims", "claim_lines"):
        left = pl.read_parquet(packs.path(settings, "loaded", table, pack))
        assert set(left["delivery_id"]) == {x.delivery_id for x in items[1:]}
    packs.remove(settings, "claims", pack, [x.delivery_id for x in items])
    assert not packs.path(settings, "loaded", "claims", pack).exists()


def test_rows_that_the_ledger_knows_of_and_nobody_finds(world: tuple[Settings, list[landing.Landed]], places: Places) -> None:
    settings, items = world
    outcomes = taken_in(settings, items, places)
    packs.path(settings, "loaded", "claims", outcomes["pack"][0]).unlink()
    with pytest.raises(packs.RowsMissing, match="restore it from the backup"):
        packs.files(settings, "loaded", CLAIMS, outcomes)


def test_a_database_gets_the_rows_that_are_asked_for(
    world: tuple[Settings, list[landing.Landed]], places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, items = world
    outcomes = taken_in(settings, items, places)
    some = outcomes.head(2)
    for small in (1 << 22, 0):  # read by Polars, and by DuckDB
        monkeypatch.setattr("warehouse.packs.SMALL_BYTES", small)
        with duckdb.connect() as connection:
            connection.execute("CREATE TABLE got (delivery_id VARCHAR, episode VARCHAR)")
            packs.insert(connection, "got", packs.files(settings, "loaded", CLAIMS, some), some, ["delivery_id", "episode"])
            counted = dict(connection.execute("SELECT delivery_id, count(*) FROM got GROUP BY ALL").fetchall())
        assert counted == dict(some.select("delivery_id", "records_loaded").iter_rows())


def test_a_ledger_from_before_there_were_packs_still_reads(tmp_path: Path) -> None:
    """Then each delivery was a file of its own name."""
    from tests.spec.ledgers import entry

    ledger = Ledger(tmp_path)
    ledger.write("000001-x", "deliveries", [entry("a", "facilities")])
    page = tmp_path / "deliveries" / "000001-x.parquet"
    pl.read_parquet(page).drop("pack").write_parquet(page)
    ledger.write("000002-x", "deliveries", [entry("b", "facilities", pack="p")])
    assert ledger.deliveries().select("delivery_id", "pack").rows() == [("a", "a"), ("b", "p")]
    settings = Settings(home=tmp_path)
    for name in ("a", "p"):
        packs.path(settings, "loaded", "facilities", name).parent.mkdir(parents=True, exist_ok=True)
        packs.path(settings, "loaded", "facilities", name).touch()
    assert [f.stem for f in packs.files(settings, "loaded", FACILITIES, ledger.deliveries())] == ["a", "p"]
