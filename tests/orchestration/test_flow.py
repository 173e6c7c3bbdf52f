"""The flow under Prefect and the command line around it: real nights in processes of their own, one Prefect server for all."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.conftest import RunNight
from tests.nights import Place, wait_for
from warehouse.samples import write

MONTH = date(2025, 7, 1)
FAULTY = "tax/employers/2025-Q3/sai_2025.csv"
HELD = "planning/budgets/nhieu_loi.csv"
KEPT_BACK = 3  # claim files that arrive after the first night


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, run_night: RunNight) -> Place:
    """A small landing zone with a refused and a held delivery. `run_night` is asked for its Prefect server."""
    from prefect.settings import PREFECT_API_URL

    root = tmp_path_factory.mktemp("flow")
    write(root, persons=500, months=(MONTH, MONTH), seed=5, provinces=("22",), visits_per_person_year=0.5)
    place = Place(
        root, {"PREFECT_API_URL": str(PREFECT_API_URL.value()), "PREFECT_HOME": os.environ["PREFECT_HOME"], "COVERAGE_DATA_DOCS": "false"}
    )
    (place.landing / FAULTY).write_text("MST,TEN\n0100109106,Công ty Một\n", encoding="utf-8")
    (place.landing / HELD).write_text("NAM,MATINH,DU_TOAN\n2025,22,1000\n2025,99,nhiều\n", encoding="utf-8")
    (root / "later").mkdir()
    for path in claim_files(place)[:KEPT_BACK]:
        shutil.move(path, root / "later" / path.name)
    return place


def claim_files(place: Place) -> list[Path]:
    return sorted((place.landing / "hospitals" / "claims").rglob("*.xml"))


def arrive(place: Place) -> None:
    """One more claim file."""
    path = min((place.root / "later").iterdir())
    shutil.move(path, place.landing / "hospitals" / "claims" / path.name)


def rows_written(place: Place) -> dict[Path, int]:
    """Parquet files of rows, and when each was written."""
    return {p: p.stat().st_mtime_ns for v in ("loaded", "quarantine") for p in (place.home / "restricted" / v).rglob("[!.]*.parquet")}


def validating(place: Place) -> bool:
    """Whether a night has read its deliveries and not ended: then it works in the spool."""
    return any((place.home / "restricted" / "spool").glob("work-*"))


def reads(since: set[str]) -> dict[str, str]:
    """Names of the states of the task runs that read deliveries, by id, without those of `since`."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        runs = client.read_task_runs(limit=200)
    return {str(r.id): r.state_name or "" for r in runs if r.name.startswith("read-deliveries") and str(r.id) not in since}


@pytest.fixture(scope="module")
def killed(place: Place) -> dict[Path, int]:
    """What a first night had written when it was killed, after reading."""
    night = place.start("nightly")
    wait_for("the first night to have read", lambda: night.poll() is not None or validating(place))
    night.send_signal(signal.SIGKILL)
    night.communicate()
    assert night.returncode == -signal.SIGKILL
    assert not (place.home / "warehouse").exists()
    assert not (place.home / "restricted" / "ledger").exists()
    return rows_written(place)


@pytest.fixture(scope="module")
def lost(killed: dict[Path, int]) -> Path:
    """A file of rows that is gone before the next night."""
    path = max(p for p in killed if "claims" in p.parts and "loaded" in p.parts)
    path.unlink()
    return path


@pytest.fixture(scope="module")
def first(place: Place, killed: dict[Path, int], lost: Path) -> str:
    """What the night after the killed one says."""
    before = set(reads(set()))
    night = place.here("nightly")
    assert night.returncode == 0, night.stderr
    states = sorted(reads(before).values())
    assert states.count("Cached") == len(states) - 1, states
    assert states.count("Completed") == 1, "the batch of the lost file is read again"
    return night.stdout


def test_the_night_after_a_killed_one_reads_nothing_again_but_what_is_gone(
    place: Place, killed: dict[Path, int], lost: Path, first: str
) -> None:
    now = rows_written(place)
    changed = {p for p in killed.keys() | now.keys() if killed.get(p) != now.get(p)}
    assert lost in changed
    assert {p.stem for p in changed} == {lost.stem}


def test_what_was_read_before_the_kill_is_published(place: Place, first: str) -> None:
    assert place.ask(
        "SELECT count(*) FROM quality.deliveries WHERE records_read <> records_loaded + records_quarantined + records_repeated"
    ) == [(0,)]
    claims = pl.read_parquet(place.root / "truth" / "deliveries.parquet").filter(pl.col("export") == "claims").height
    assert place.ask("SELECT count(*) FROM quality.deliveries WHERE export = 'claims' AND status = 'loaded'") == [(claims - KEPT_BACK,)]


def artifacts() -> dict[str, Any]:
    """The latest artifact of each key: its type and data."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        found = client.read_artifacts(limit=200)
    return {a.key: (a.type, a.data) for a in sorted(found, key=lambda a: (a.updated or a.created, str(a.id))) if a.key}


def test_a_night_leaves_artifacts_without_personal_values(place: Place, first: str) -> None:
    found = artifacts()
    assert {k: t for k, (t, _) in found.items() if k.startswith("night-")} == {
        "night-summary": "markdown", "night-deliveries": "table", "night-rules": "table", "night-progress": "progress",
    }  # fmt: skip
    assert place.current.name in found["night-summary"][1]
    assert FAULTY in found["night-deliveries"][1]
    assert float(found["night-progress"][1]) == 100.0
    people = pl.read_parquet(place.root / "truth" / "markers.parquet")["text"].to_list()
    said = " ".join(str(data) for _, data in found.values())
    assert [text for text in people if text in said] == []


def test_the_summary_counts_and_names_what_needs_a_look(first: str) -> None:
    assert re.search(r"refused .*sai_2025\.csv.*MATINH", first)
    assert re.search(r"held .*nhieu_loi\.csv.*1 of 2 records are bad", first)
    assert "07/2025" in first
    assert "Published: " in first


def test_python_m_flows_is_bhyt_and_a_night_without_news_does_no_work(place: Place, first: str) -> None:
    version = place.current
    bhyt = (str(Path(sys.executable).with_name("bhyt")),)
    said = [place.bhyt("nightly"), place.bhyt("nightly", program=bhyt), place.here("nightly")]
    assert {(p.returncode, p.stdout, p.stderr) for p in said} == {(0, "Nothing new: no delivery, no decision, no change of code.\n", "")}
    assert place.current == version


def test_wrong_usage_is_2(place: Place, tmp_path: Path) -> None:
    words = (("nightli",), ("nightly", "--wait", "soon"), ("explain-delivery",), ("sample", str(tmp_path), "--months", "july"),
             ("explain-delivery", "no/such.csv"), ("release", "no/such.csv"))  # fmt: skip
    assert {w: place.here(*w).returncode for w in words} == dict.fromkeys(words, 2)
    wrong = Place(tmp_path, {"COVERAGE_WORKERS": "none"}).here("status")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("bhyt: environment variable COVERAGE_WORKERS: ")


def test_without_a_warehouse_the_commands_say_so_and_fail(tmp_path: Path) -> None:
    nowhere = Place(tmp_path)
    said = {w: nowhere.here(w) for w in ("status", "queries", "rollback")}
    assert {w: p.returncode for w, p in said.items()} == dict.fromkeys(said, 1)
    assert "Nothing is published" in said["status"].stdout
    assert "Nothing is published" in said["queries"].stdout
    assert "nothing is published yet" in said["rollback"].stderr


def test_status_tells_what_is_published_and_what_waits(place: Place, first: str) -> None:
    said = place.here("status")
    assert said.returncode == 0, said.stderr
    assert place.current.name in said.stdout
    assert re.search(r"cards .* 07/2025 ", said.stdout)
    assert re.search(r"held .*nhieu_loi\.csv", said.stdout)
    assert re.search(r"refused .*sai_2025\.csv", said.stdout)
    assert re.search(r"07/2025: [\d.]+ insured persons", said.stdout)


def test_queries_print_question_sql_and_answer(place: Place, first: str) -> None:
    said = place.here("queries")
    assert said.returncode == 0, said.stderr
    assert said.stdout.count("SELECT ") >= 3
    assert "FROM marts.coverage_province_month" in said.stdout
    assert "Lạng Sơn" in said.stdout or "Quảng Ninh" in said.stdout


def test_a_delivery_is_explained_by_its_path_and_by_its_id(place: Place, first: str) -> None:
    by_path = place.here("explain-delivery", HELD)
    assert by_path.returncode == 0, by_path.stderr
    assert "status: held" in by_path.stdout
    assert "2 read = 1 loaded + 1 quarantined + 0 repeated" in by_path.stdout
    assert re.search(r"│ 3 +│", by_path.stdout), "the row of the file"
    ((delivery_id,),) = place.ask("SELECT delivery_id FROM quality.deliveries WHERE path LIKE '%nhieu_loi%'")
    assert place.here("explain-delivery", str(delivery_id)).stdout == by_path.stdout
    refused = place.here("explain-delivery", FAULTY)
    assert "status: refused" in refused.stdout
    assert "MATINH" in refused.stdout


@pytest.fixture(scope="module")
def released(place: Place, first: str) -> Place:
    """After a second night with a released delivery and a new one, during which two more nights were started."""
    said = place.here("release", HELD, "--by", "tester", "--why", "the province has confirmed it")
    assert said.returncode == 0, said.stderr
    assert "It counts from the next `bhyt nightly` on." in said.stdout
    arrive(place)
    night = place.start("nightly")
    wait_for("the second night to be at work", lambda: night.poll() is not None or validating(place))
    patient = place.start("nightly", "--wait", "100")
    refused = place.bhyt("nightly")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert (
        refused.stderr == f"bhyt: another night is running (process {night.pid}); wait until it has ended, or start with --wait SECONDS\n"
    )
    assert night.poll() is None
    out, err = patient.communicate(timeout=120)
    assert (patient.returncode, out, err) == (0, "Nothing new: no delivery, no decision, no change of code.\n", "")
    assert night.wait() == 0
    night.communicate()
    return place


def test_a_second_night_at_the_same_time_is_refused_or_waits(released: Place) -> None:
    assert released.ask("SELECT count(*) FROM meta.snapshot") == [(1,)]


def test_a_released_delivery_counts_from_the_next_night_on(released: Place) -> None:
    assert released.ask("SELECT status FROM quality.deliveries WHERE path LIKE '%nhieu_loi%'") == [("loaded",)]
    assert released.here("release", HELD).returncode == 1


def test_a_night_that_fails_says_why_and_the_old_warehouse_stands(released: Place) -> None:
    version, link = released.current, (released.home / "warehouse" / "current").readlink()
    damaged = max((released.home / "restricted" / "loaded" / "claims").glob("*.parquet"))
    sound = damaged.read_bytes()
    damaged.write_bytes(sound[:-8])
    arrive(released)
    try:
        night = released.here("nightly")
    finally:
        damaged.write_bytes(sound)
    assert night.returncode == 1
    assert "the night failed, the published warehouse stands as it was: " in night.stderr
    assert (released.home / "warehouse" / "current").readlink() == link
    assert {p.name for p in (released.home / "warehouse" / "versions").iterdir() if not p.name.startswith(".")} >= {version.name}
    assert released.ask("SELECT run_id FROM meta.snapshot") == [(version.name,)]
    assert not validating(released)
    # What the failed night had received is not lost: the next one publishes it.
    again = released.here("nightly")
    assert again.returncode == 0, again.stderr
    assert released.current.name > version.name
    assert released.here("nightly").stdout.startswith("Nothing new")


def test_rollback_publishes_the_version_before_and_stays_there(released: Place) -> None:
    versions = sorted(p.name for p in (released.home / "warehouse" / "versions").iterdir())
    before, now = versions[versions.index(released.current.name) - 1 :][:2]
    said = released.here("rollback")
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith(f"Published {before} again, in place of {now}.")
    assert released.ask("SELECT run_id FROM meta.snapshot") == [(before,)]
    assert released.here("nightly").stdout.startswith("Nothing new")
    assert released.current.name == before
