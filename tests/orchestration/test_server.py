"""The deployments of prefect.yaml on a real Prefect server, with a real work pool and a real worker."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.nights import ROOT, Place, environment, wait_for
from warehouse.samples import write

PREFECT = str(Path(sys.executable).with_name("prefect"))
NIGHT = timedelta(days=1)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextmanager
def running(log: Path, env: dict[str, str], *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """`prefect <words>` in a process group of its own; with the block, all that it has started ends too."""
    with log.open("wb") as out:
        process = subprocess.Popen([PREFECT, *words], cwd=ROOT, env=env, stdout=out, stderr=out, start_new_session=True)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@dataclass(frozen=True)
class Served:
    """A server and a worker that are up, and the deployments of prefect.yaml on them."""

    place: Place
    env: dict[str, str]
    worker_log: Path

    def ask(self, path: str, body: dict[str, Any] | None = None, method: str = "POST") -> Any:
        """Prefect's REST interface."""
        data = json.dumps(body or {}).encode() if method != "GET" else None
        request = urllib.request.Request(f"{self.env['PREFECT_API_URL']}/{path}", data, {"Content-Type": "application/json"}, method=method)
        for _ in range(20):
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return json.loads(answer.read() or b"null")
            except urllib.error.HTTPError as error:
                if error.code != 503:  # "database is locked": Prefect's own client asks again too
                    raise
                time.sleep(0.5)
        pytest.fail(f"Prefect's database stays locked: {path}")

    def prefect(self, *words: str) -> str:
        done = subprocess.run([PREFECT, *words], cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"prefect {' '.join(words)}: {done.stdout}{done.stderr}, see {self.worker_log}"
        return done.stdout

    def deployment(self, name: str = "nightly/nightly") -> Any:
        return self.ask(f"deployments/name/{name}", method="GET")

    def runs(self, deployment_id: str, *states: str) -> Any:
        """Flow runs of a deployment in these states, soonest first."""
        return self.ask(
            "flow_runs/filter",
            {
                "deployments": {"id": {"any_": [deployment_id]}},
                "flow_runs": {"state": {"type": {"any_": list(states)}}},
                "sort": "EXPECTED_START_TIME_ASC",
            },
        )


def is_up(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("served")
    write(root, persons=500, months=(date(2025, 7, 1), date(2025, 7, 1)), seed=2, provinces=("22",), visits_per_person_year=0.2)
    port = free_port()
    api = f"http://127.0.0.1:{port}/api"
    env = environment(PREFECT_HOME=str(root / "prefect"), PREFECT_API_URL=api, PREFECT_WORKER_QUERY_SECONDS="1")
    place = Place(root)
    with running(root / "server.log", env, "server", "start", "--host", "127.0.0.1", "--port", str(port)) as server:
        wait_for(f"the Prefect server, see {root / 'server.log'}", lambda: server.poll() is not None or is_up(api))
        assert server.poll() is None, (root / "server.log").read_text()
        served = Served(place, env, root / "worker.log")
        served.prefect("work-pool", "create", "local", "--type", "process")
        served.prefect("--no-prompt", "deploy", "--all")
        with running(served.worker_log, env | place.environment | env, "worker", "start", "--pool", "local"):
            yield served


def test_the_server_schedules_the_night_at_half_past_one_in_viet_nam(served: Served) -> None:
    """With SQLAlchemy 2.1 this server logs an error and never makes a run; manual runs go on working."""
    deployment = served.deployment()
    (schedule,) = deployment["schedules"]
    assert schedule["active"]
    assert schedule["schedule"]["cron"] == "30 1 * * *"
    assert deployment["concurrency_options"]["collision_strategy"] == "ENQUEUE"
    assert deployment["global_concurrency_limit"]["limit"] == 1
    wait_for("scheduled runs of nightly/nightly", lambda: len(served.runs(deployment["id"], "SCHEDULED")) >= 3, 90)
    runs = served.runs(deployment["id"], "SCHEDULED")
    times = [datetime.fromisoformat(r["next_scheduled_start_time"]).astimezone(UTC) for r in runs]
    assert {(t.hour, t.minute, t.second) for t in times} == {(18, 30, 0)}
    assert {t.astimezone(ZoneInfo("Asia/Ho_Chi_Minh")).strftime("%H:%M") for t in times} == {"01:30"}
    assert times == [times[0] + n * NIGHT for n in range(len(times))]
    assert all(r["auto_scheduled"] for r in runs)


def test_a_manual_run_publishes_from_the_environment_of_the_worker(served: Served) -> None:
    out = served.prefect(
        "deployment", "run", "nightly/nightly", "--param", "wait_seconds=5", "--watch", "--watch-interval", "1", "--watch-timeout", "110"
    )
    assert "Completed" in out, out + served.worker_log.read_text()
    assert served.place.ask("SELECT count(*) FROM meta.snapshot") == [(1,)]
    assert served.place.ask("SELECT max(month) FROM marts.coverage_nation_month") == [(date(2025, 7, 1),)]
    keys = {a["key"] for a in served.ask("artifacts/filter")}
    assert {"night-summary", "night-deliveries", "night-progress"} <= keys


def test_a_backfill_pauses_for_a_person_and_publishes_when_it_is_approved(served: Served) -> None:
    """After the nights above: one list has come since, which no night may take while the plan waits."""
    late = served.place.landing / "planning" / "budgets" / "province=22" / "period=2025-07" / "bo_sung.csv"
    late.parent.mkdir(parents=True)
    late.write_text("NAM,MATINH,DU_TOAN\n2025,22,123456789\n", encoding="utf-8")
    before = served.place.current
    deployment = served.deployment("backfill/backfill")
    parameters = {"exports": ["budgets"], "first": "2025-07", "last": "2025-07"}
    run_id = served.ask(f"deployments/{deployment['id']}/create_flow_run", {"parameters": parameters})["id"]

    def state() -> str:
        return str(served.ask(f"flow_runs/{run_id}", method="GET")["state"]["type"])

    wait_for(f"the backfill to pause, see {served.worker_log}", lambda: state() in ("PAUSED", "FAILED", "CRASHED"))
    assert state() == "PAUSED", served.worker_log.read_text()[-3000:]
    assert served.place.current == before, "nothing is published before it is approved"
    assert "backfill-comparison" in {a["key"] for a in served.ask("artifacts/filter")}
    served.ask(f"flow_runs/{run_id}/resume", {"run_input": {"approve": True, "by": "An", "why": "giao bổ sung"}})
    wait_for(f"the backfill to end, see {served.worker_log}", lambda: state() in ("COMPLETED", "FAILED", "CRASHED"))
    assert state() == "COMPLETED", served.worker_log.read_text()[-3000:]
    assert served.place.current != before
    assert served.place.ask("SELECT status FROM quality.deliveries WHERE path LIKE '%bo_sung.csv'") == [("loaded",)]


def test_a_scheduled_run_is_made_by_the_server_and_executed_by_the_worker(served: Served) -> None:
    deployment = served.deployment()
    soon = (datetime.now(UTC) + timedelta(seconds=8)).isoformat()
    often = {
        "name": "often", "flow_id": deployment["flow_id"], "entrypoint": deployment["entrypoint"], "path": deployment["path"],
        "pull_steps": deployment["pull_steps"], "work_pool_name": "local",
        "schedules": [{"active": True, "schedule": {"interval": 30, "anchor_date": soon}}],
    }  # fmt: skip
    often_id = served.ask("deployments/", often)["id"]
    finished = ("COMPLETED", "FAILED", "CRASHED")
    try:
        wait_for(f"a scheduled run to end, see {served.worker_log}", lambda: served.runs(often_id, *finished), 90)
    finally:
        served.ask(f"deployments/{often_id}", {"paused": True}, method="PATCH")
    first = served.runs(often_id, *finished)[0]
    assert first["auto_scheduled"]
    assert first["state_type"] == "COMPLETED", first["state"]["message"]
    assert served.place.ask("SELECT run_id FROM meta.snapshot") == [(served.place.current.name,)]
