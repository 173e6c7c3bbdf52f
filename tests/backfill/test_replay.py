"""Quarantined rows run again after a correction: counted first, loaded under their own delivery, nothing lost or counted twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows import replay
from tests.backfill.zone import Zone
from warehouse import backfill, staged

BUDGETS = "planning/budgets/du_toan.csv"
FILE = "NAM,MATINH,DU_TOAN\n2025,22,1000\n2025,99,2000\n2025,98,3000\n"
CORRECTION = 'export = "budgets"\n[values.MATINH]\n"99" = "79"\n'


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    """A list of budgets with one good row and two of unknown provinces; two thirds are bad, so it is held."""
    zone = Zone(tmp_path)
    zone.put(BUDGETS, FILE)
    zone.look_and_record()
    assert zone.counts() == {BUDGETS: ("held", 3, 1, 2)}
    return zone


def correct(zone: Zone, text: str) -> None:
    zone.settings.profile_dir.mkdir(exist_ok=True)
    (zone.settings.profile_dir / "budgets.toml").write_text(text)


def test_a_dry_run_counts_and_writes_nothing(zone: Zone) -> None:
    correct(zone, CORRECTION)
    before = sorted((p, p.stat().st_mtime_ns) for p in zone.settings.home_dir.rglob("*"))
    result = replay.count(zone.settings, BUDGETS)
    assert [(r.good.height, r.bad.height, o.status) for r, o in result.deliveries] == [(1, 1, "held")]
    assert sorted((p, p.stat().st_mtime_ns) for p in zone.settings.home_dir.rglob("*")) == before


def test_rows_that_now_pass_are_loaded_under_their_delivery_and_the_hold_is_counted_anew(zone: Zone) -> None:
    (held,) = zone.ledger.deliveries().to_dicts()
    correct(zone, CORRECTION)
    rule = zone.ledger.quarantine()["rule"][0]
    replay.apply(zone.settings, rule, "An", "mã tỉnh cũ")
    assert zone.counts() == {BUDGETS: ("held", 3, 2, 1)}
    assert zone.rows("budgets").select("row_number", "province").rows() == [(2, "22"), (3, "79")]

    correct(zone, CORRECTION + '"98" = "01"\n')
    replay.apply(zone.settings, BUDGETS, "An", "mã tỉnh cũ")
    assert zone.counts() == {BUDGETS: ("loaded", 3, 3, 0)}
    assert zone.rows("budgets").select("row_number", "province").rows() == [(2, "22"), (3, "79"), (4, "01")]
    (now,) = zone.ledger.deliveries().to_dicts()
    assert {k: now[k] for k in ("delivery_id", "received_at", "received_seq", "read_by")} == {
        k: held[k] for k in ("delivery_id", "received_at", "received_seq", "read_by")
    }
    assert zone.ledger.quarantine().is_empty()
    assert not any(zone.settings.rows_dir("quarantine", "budgets").glob("*"))
    assert len(list((zone.settings.restricted_dir / "superseded").rglob("*.parquet"))) == 4, "what was there before stays readable"
    assert zone.ledger.book("decisions")["decided_by"].to_list() == ["An", "An"]


def test_a_replay_that_is_killed_while_it_moves_is_finished_by_the_next_night(zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    correct(zone, CORRECTION)
    with monkeypatch.context() as patch:
        patch.setattr(staged, "carry_out", _die)
        with pytest.raises(Killed):
            replay.apply(zone.settings, BUDGETS, "An", "mã tỉnh cũ")
    assert zone.counts() == {BUDGETS: ("held", 3, 1, 2)}
    zone.look_and_record()
    assert zone.counts() == {BUDGETS: ("held", 3, 2, 1)}
    (plan,) = backfill.plans(zone.settings)
    assert backfill.state(zone.settings, backfill.read(zone.settings, plan)).word == "approved"


def test_nothing_to_replay_says_so(zone: Zone) -> None:
    with pytest.raises(replay.NothingToReplay, match="neither a rule nor a delivery"):
        replay.count(zone.settings, "no.such.rule")
    with pytest.raises(replay.NothingToReplay, match="no quarantined row"):
        replay.count(zone.settings, "cards.card_number.missing")
    assert not replay.apply(zone.settings, BUDGETS, "An", "").passing
    assert backfill.plans(zone.settings) == []


class Killed(BaseException):
    pass


def _die(*_: object) -> str:
    raise Killed
