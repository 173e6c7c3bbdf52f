"""Months loaded by backfill, in another order and killed again and again, give the rows that consecutive nights give."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows import backfill as steps
from tests.backfill.zone import Zone
from tests.golden.published import all_tables, unlike
from tests.golden.worlds import BOOKKEEPING
from warehouse import backfill, staged
from warehouse.arrivals import reading_code
from warehouse.backfill import NoSuchPlan, Plan
from warehouse.ledger import Ledger
from warehouse.samples import write
from warehouse.superseded import former as former_readings

MONTHS = ("2025-06", "2025-07")  # around the reform of 2025-07-01
MONTHLY = ("facilities", "cards", "claims")
LISTS = ("employers", "enterprises", "population", "targets", "budgets")
JUNE = date(2025, 6, 1)


class Killed(BaseException):
    """Stands for SIGKILL at a rename: what was renamed stays, what was not yet renamed does not count."""


@contextmanager
def killed_at(call: int) -> Iterator[None]:
    """Everything that gives a file or a folder its name dies at its n-th call from here on, and at each call after it."""
    calls: list[None] = []

    def dying(whole: Callable[..., Any]) -> Callable[..., Any]:
        def rename(*args: Any) -> Any:
            calls.append(None)
            if len(calls) >= call:
                raise Killed
            return whole(*args)

        return rename

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "rename", dying(Path.rename))
        patch.setattr(Path, "replace", dying(Path.replace))
        yield


def month_of(file: Path) -> str:
    """The month whose night receives a file of the sample world: its own; lists of no month and old claims come first."""
    return next((m for m in MONTHS[1:] if m in str(file)), MONTHS[0])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("history")
    write(out, persons=500, months=(JUNE, date(2025, 7, 1)), seed=4, provinces=("24", "27"), visits_per_person_year=0.6)
    return out


@pytest.fixture(scope="module")
def nights(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Zone:
    """Three nights, each with the files of its month; a version is built at the end."""
    zone = Zone(tmp_path_factory.mktemp("nights"))
    zone.give_key()
    for number, month in enumerate(MONTHS):
        for file in (p for p in (world / "landing").rglob("*") if p.is_file() and month_of(p) == month):
            target = zone.landing / file.relative_to(world / "landing")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, target)
        night = zone.look_and_record(datetime(2025, 9, 1 + number, tzinfo=UTC))
    zone.publish(night)
    return zone


def tables(zone: Zone) -> dict[str, Any]:
    current = zone.settings.current_link
    return all_tables(current / "coverage.duckdb") | all_tables(current / "analyst.duckdb")


def persistently(work: Callable[[], object], kills: Iterable[int]) -> int:
    """Do it, killed at these renames, until it is done; returns how often it was killed (the last of them may come after its end)."""
    killed = 0
    for call in kills:
        try:
            with killed_at(call):
                work()
        except Killed:
            killed += 1
        else:
            return killed
    work()
    return killed


def test_months_in_another_order_and_killed_again_and_again_give_the_rows_of_consecutive_nights(
    world: Path, nights: Zone, tmp_path: Path
) -> None:
    """Ten kills and more at random moments (the same in each run of the test): the first rename, and anywhere among the first thirty."""
    chance = random.Random(20251231)
    moments = [chance.sample(range(1, 31), 12) for _ in range(3)]
    zone = Zone(tmp_path, world / "landing")
    zone.give_key()
    later = zone.plan((*MONTHLY, "enterprises"), date(2025, 7, 1), date(2025, 7, 1))
    killed = persistently(lambda: steps.run(zone.settings, later.plan_id), [1, *moments[0]])
    assert backfill.state(zone.settings, later).word == "waiting"
    assert not zone.settings.current_link.exists(), "nothing is published before it is approved"
    assert not zone.settings.ledger_dir.exists()
    killed += persistently(lambda: steps.approve(zone.settings, later.plan_id, "An", "lịch sử"), [1, *moments[1]])

    earlier = zone.plan((*MONTHLY, *LISTS), date(2024, 6, 1), date(2025, 6, 1))
    killed += persistently(lambda: steps.run(zone.settings, earlier.plan_id), moments[2])
    steps.approve(zone.settings, earlier.plan_id, "An", "lịch sử")
    assert killed >= 10

    assert unlike(tables(nights), tables(zone), BOOKKEEPING) == []
    assert zone.counts() == nights.counts()
    left = [p for p in zone.settings.home_dir.rglob(".*") if p.name != ".making"]
    assert left == [], "nothing half written is left"
    assert not any((zone.settings.restricted_dir / "backfills").iterdir())
    assert [p for p in zone.settings.restricted_dir.rglob("*") if p.is_symlink()] == []
    assert all(p.stat().st_mode & 0o077 == 0 for p in zone.settings.restricted_dir.rglob("*.parquet"))
    received = zone.ledger.runs()
    zone.look_and_record()
    assert zone.ledger.runs() == received, "the next night has nothing to receive"


BUDGETS = "planning/budgets/province=22/period=2025-{}/du_toan.csv"


@pytest.fixture
def small(tmp_path: Path) -> Zone:
    """Budgets of one province, said to be of June; what a night needs seconds for takes a moment with them."""
    zone = Zone(tmp_path)
    zone.put(BUDGETS.format("06"), "NAM,MATINH,DU_TOAN\n2025,22,1000\n")
    return zone


def planned(zone: Zone) -> Plan:
    return zone.plan(["budgets"], JUNE, JUNE)


def staged_plan(zone: Zone) -> Plan:
    """A plan whose rows are staged and recorded in its area, without a version."""
    plan = planned(zone)
    steps.stage(zone.settings, plan, backfill.deliveries(zone.settings, plan))
    steps.assemble(zone.settings, plan, backfill.deliveries(zone.settings, plan))
    return plan


def test_a_plan_touches_nothing_and_says_what_is_there_and_what_is_not(small: Zone) -> None:
    small.put(BUDGETS.format("05"), "NAM,MATINH,DU_TOAN\n2025,22,2000\n")
    small.look_and_record()
    small.put(BUDGETS.format("06").replace(".csv", "_moi.csv"), "NAM,MATINH,DU_TOAN\n2025,22,3000\n")
    before = {p: p.stat().st_mtime_ns for p in small.settings.restricted_dir.rglob("*") if p.is_file()}
    plan = small.plan(["budgets", "cards"], date(2025, 5, 1), date(2025, 7, 1), "22")
    assert plan.cells["budgets"] == {"22": {"2025-05": {"loaded": 1}, "2025-06": {"loaded": 1, "new": 1}}}
    assert plan.cells["cards"] == {"22": {m: {"missing": 1} for m in ("2025-05", *MONTHS)}}
    assert plan.deliveries == 1
    assert "marts.fund_quarter" in plan.tables
    assert "marts.coverage_nation_month" not in plan.tables
    assert {p: p.stat().st_mtime_ns for p in small.settings.restricted_dir.rglob("*") if p.is_file()} == before
    with pytest.raises(NoSuchPlan, match=plan.plan_id):
        backfill.read(small.settings, "0007")


def test_while_a_plan_waits_nights_leave_its_deliveries_and_after_cancel_they_take_them(small: Zone) -> None:
    plan = staged_plan(small)
    night = small.look_and_record()
    assert [x.reason for x in night.set_aside] == [f"it is staged by backfill {plan.plan_id}, which waits to be approved or cancelled"]
    assert small.counts() == {}
    steps.cancel(small.settings, plan.plan_id, "An", "nhầm tháng")
    assert backfill.state(small.settings, plan).word == "cancelled"
    record = {p.name for p in backfill.Place(small.settings, plan.plan_id).public.iterdir()}
    assert record == {"cancelled.json", "deliveries.parquet", "plan.json"}
    assert not any((small.settings.restricted_dir / "backfills").iterdir())
    small.look_and_record()
    assert set(small.statuses().values()) == {"loaded"}
    with pytest.raises(steps.NotReady, match="is cancelled"):
        steps.run(small.settings, plan.plan_id)


def test_a_run_that_died_holds_nothing_and_what_a_night_took_meanwhile_is_left_out(small: Zone) -> None:
    plan = planned(small)
    with killed_at(1), pytest.raises(Killed):
        steps.stage(small.settings, plan, backfill.deliveries(small.settings, plan))
    assert small.look_and_record().set_aside == []
    assert set(small.statuses().values()) == {"loaded"}
    wanted = backfill.deliveries(small.settings, plan)
    steps.stage(small.settings, plan, wanted)
    steps.assemble(small.settings, plan, wanted)
    assert steps.own_run(backfill.Place(small.settings, plan.plan_id)) == "", "nothing is left to record"


def test_a_file_that_has_changed_since_it_was_planned_is_refused(small: Zone) -> None:
    plan = planned(small)
    small.put(BUDGETS.format("06"), "NAM,MATINH,DU_TOAN\n2025,22,1500\n")
    with pytest.raises(backfill.Stale, match=r"du_toan.csv has changed; cancel plan .* and plan again"):
        steps.run(small.settings, plan.plan_id)


def test_an_earlier_file_with_the_same_bytes_becomes_the_one_that_counts(small: Zone) -> None:
    """On consecutive nights the first would have been loaded and the second be a repeat; so it is when the second was loaded first."""
    small.look_and_record()
    first = small.put(BUDGETS.format("05"), (small.landing / BUDGETS.format("06")).read_text())
    os.utime(first, (1_740_000_000, 1_740_000_000))
    plan = small.plan(["budgets"], date(2025, 5, 1), date(2025, 5, 1))
    wanted = backfill.deliveries(small.settings, plan)
    steps.stage(small.settings, plan, wanted)
    steps.assemble(small.settings, plan, wanted)
    ledger = Ledger(backfill.Place(small.settings, plan.plan_id).area / "ledger")
    found = {Path(p).parent.name: (s, n) for p, s, n in ledger.deliveries().select("path", "status", "records_repeated").iter_rows()}
    assert found == {"period=2025-05": ("loaded", 0), "period=2025-06": ("repeated", 1)}


def waiting(zone: Zone) -> Plan:
    """A staged plan with an empty folder in the place of its version: enough for what is decided before the version is looked at."""
    plan = staged_plan(zone)
    backfill.Place(zone.settings, plan.plan_id).version.mkdir(parents=True)
    assert backfill.state(zone.settings, plan).word == "waiting"
    return plan


def test_a_plan_whose_partition_a_night_has_received_meanwhile_is_refused_until_it_is_run_again(small: Zone) -> None:
    plan = waiting(small)
    other = small.put(BUDGETS.format("06").replace("du_toan", "bo_sung"), "NAM,MATINH,DU_TOAN\n2025,22,9000\n")
    small.look_and_record()
    assert list(small.statuses()) == [str(other.relative_to(small.landing))]
    with pytest.raises(backfill.Stale, match=r"its own partitions were received: .*bo_sung.csv .*again leaves out what is there now"):
        steps.approve(small.settings, plan.plan_id, "An", "")
    assert len(small.counts()) == 1, "nothing has moved"


def test_a_plan_is_built_anew_on_top_of_a_night_that_touched_none_of_its_partitions(small: Zone) -> None:
    small.give_key()
    plan = waiting(small)
    small.put(BUDGETS.format("05"), "NAM,MATINH,DU_TOAN\n2025,22,2000\n")
    small.look_and_record()
    version = steps.approve(small.settings, plan.plan_id, "An", "đủ tháng sáu")
    assert version == small.settings.current_link.resolve()
    assert set(small.statuses().values()) == {"loaded"}
    deliveries = all_tables(small.settings.published_file)["quality.deliveries"]
    assert sorted(Path(p).parent.name for p in deliveries["path"]) == ["period=2025-05", "period=2025-06"]
    assert backfill.state(small.settings, plan).word == "approved"
    told = backfill.Place(small.settings, plan.plan_id).public / backfill.APPROVED
    assert '"why": "đủ tháng sáu"' in told.read_text(encoding="utf-8")


def test_rows_read_again_replace_the_former_ones_which_stay_readable(small: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warehouse.arrivals.reading_code", lambda: "older")
    small.look_and_record()
    monkeypatch.undo()
    (former,) = small.ledger.deliveries().to_dicts()
    assert former["read_by"] == "older"
    plan = small.plan(["budgets"], JUNE, JUNE, reread=True)
    assert plan.cells["budgets"] == {"22": {"2025-06": {"again": 1, "loaded": 1}}}
    wanted = backfill.deliveries(small.settings, plan)
    steps.stage(small.settings, plan, wanted)
    steps.assemble(small.settings, plan, wanted)
    backfill.Place(small.settings, plan.plan_id).version.mkdir(parents=True)
    with monkeypatch.context() as patch:
        patch.setattr(staged, "carry_out", die)
        with pytest.raises(Killed):
            steps.approve(small.settings, plan.plan_id, "An", "mã đọc mới")
    small.look_and_record()  # the next night finishes what the killed approval had decided
    (now,) = small.ledger.deliveries().to_dicts()
    assert now["read_by"] == reading_code()
    assert {k: now[k] for k in ("status", "received_at", "received_seq", "records_loaded")} == {
        k: former[k] for k in ("status", "received_at", "received_seq", "records_loaded")
    }
    assert small.rows("budgets").height == 1
    (reading,) = former_readings(small.settings, small.ledger, now["delivery_id"])
    assert (reading.status, reading.loaded) == ("loaded", 1)
    assert reading.rows is not None
    assert reading.rows.is_relative_to(small.settings.restricted_dir / "superseded")
    assert pl.read_parquet(reading.rows).height == 1


def die(*_: object) -> str:
    raise Killed


def test_a_person_index_that_was_made_anew_meanwhile_is_not_overwritten(small: Zone) -> None:
    """`bhyt persons relink` writes no run: the staged area must know that it is stale all the same."""
    small.give_key()
    plan = waiting(small)
    assert backfill.state(small.settings, plan).behind == ()
    small.settings.card_persons_file.write_bytes(b"relinked")
    assert backfill.state(small.settings, plan).behind == ("card_persons.parquet",)
