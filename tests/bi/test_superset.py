"""Superset on the warehouse: its files are those that are declared, every chart's query runs; and, where Superset and Chromium are
installed (`make superset-test`), the real thing: imported, every chart drawn in a browser, new versions seen without a restart."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from expectations.marts import BI_TABLES
from expectations.marts.quality import META
from tests.conftest import FIRST_NIGHT, RunNight
from tests.nights import ROOT, Place
from warehouse.definitions import create
from warehouse.samples import write

SUPERSET = ROOT / "docs" / "bi" / "superset"
PYTHON = ROOT / ".superset" / "bin" / "python"
sys.path.append(str(SUPERSET))

from charts import Chart  # noqa: E402 - after the line above
from dashboards import CHARTS, DASHBOARDS, DATASETS  # noqa: E402
from make_assets import assets, written  # noqa: E402

installed = pytest.mark.skipif(
    not PYTHON.exists() or not shutil.which("chromium") or not shutil.which("chromedriver"),
    reason="Superset has an environment of its own and needs a browser: `make superset-test`, with Debian's chromium and chromium-driver",
)
PUBLISHES = 5


@pytest.fixture(scope="module")
def empty() -> Iterator[duckdb.DuckDBPyConnection]:
    """The declared tables without rows."""
    with duckdb.connect() as connection:
        connection.execute("ATTACH ':memory:' AS coverage")
        for table in (*BI_TABLES, *META):
            create(connection, "coverage", table)
        connection.execute("USE coverage")
        yield connection


def test_the_files_are_what_is_declared() -> None:
    on_disk = {str(p.relative_to(SUPERSET / "assets")): p.read_text(encoding="utf-8") for p in (SUPERSET / "assets").rglob("*.yaml")}
    assert on_disk == {name: written(content) for name, content in assets().items()}, "run `make superset-assets`"


@pytest.mark.parametrize("chart", CHARTS, ids=lambda c: c.title)
def test_every_chart_asks_what_the_warehouse_can_answer(chart: Chart, empty: duckdb.DuckDBPyConnection) -> None:
    dataset = next(d for d in DATASETS if d.name == chart.dataset)
    p = chart.params
    metrics = [*p.get("metrics", []), *([p["metric"]] if "metric" in p else [])]
    columns = [p.get("x_axis"), p.get("source"), p.get("target"), *p.get("groupby", []), *p.get("all_columns", [])]
    columns = [c for c in columns if c]
    select = [f'"{c}"' for c in columns] + [m["sqlExpression"] for m in metrics]
    grouped = f"GROUP BY {', '.join(select[: len(columns)])}" if metrics and columns else ""
    assert empty.execute(f"SELECT {', '.join(select)} FROM ({dataset.sql}) {grouped}").fetchall() in ([], [(None,)], [(0,)])


def test_every_dataset_of_a_dashboard_can_be_filtered_by_province(empty: duckdb.DuckDBPyConnection) -> None:
    nation = {"nation_month", "nation_latest", "national_series", "rules", "snapshot"}
    without = {d.name for d in DATASETS if "province_name" not in [r[0] for r in empty.execute(f"DESCRIBE {d.sql}").fetchall()]}
    assert without == nation


def test_no_password_and_no_path_of_a_machine_stands_in_the_files() -> None:
    connection = yaml.safe_load((SUPERSET / "assets" / "databases" / "coverage.yaml").read_text(encoding="utf-8"))
    assert connection["sqlalchemy_uri"] == "duckdb:///__COVERAGE_WAREHOUSE__"
    assert connection["extra"]["engine_params"]["connect_args"] == {"read_only": True}
    assert not connection["allow_dml"]


class Server:
    """A Superset that stays up, and what it answers over HTTP."""

    def __init__(self, base: str, home: Path) -> None:
        self.base, self.home = base, home
        self._token = ""

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"Content-Type": "application/json", "Referer": self.base} | (
            {"Authorization": f"Bearer {self._token}"} if self._token else {}
        )
        request = urllib.request.Request(self.base + path, json.dumps(body).encode() if body else None, headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def log_in(self) -> None:
        password = (self.home / "admin_password").read_text(encoding="ascii")
        who = {"username": "admin", "password": password, "provider": "db", "refresh": False}
        self._token = self.ask("/api/v1/security/login", who)["access_token"]

    def run_id(self) -> str:
        """Of the version that a query of this server reads now."""
        found = self.ask("/api/v1/dataset/?q=(page_size:100)")["result"]
        dataset = next(d["id"] for d in found if d["table_name"] == "snapshot")
        query = {"columns": ["run_id"], "metrics": [], "row_limit": 1}
        body = {
            "datasource": {"id": dataset, "type": "table"},
            "queries": [query],
            "result_format": "json",
            "result_type": "full",
            "force": True,
        }
        return str(self.ask("/api/v1/chart/data", body)["result"][0]["data"][0]["run_id"])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, run_night: RunNight) -> Place:
    """A published warehouse of two provinces with a bit of everything, and claim files that wait for later nights."""
    root = tmp_path_factory.mktemp("superset")
    made = Place(root)
    write(root, persons=2_000, months=(date(2025, 7, 1), date(2025, 8, 1)), seed=6, provinces=("22", "01"), faults=True)
    waiting = sorted((made.landing / "hospitals" / "claims").rglob("*_202508_*.xml"))[:PUBLISHES]
    assert len(waiting) == PUBLISHES
    (root / "later").mkdir()
    for path in waiting:
        shutil.move(path, root / "later" / path.name)
    run_night(made.home, made.landing)
    return made


@pytest.fixture(scope="module")
def server(place: Place) -> Iterator[Server]:
    home = place.home / "superset"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serve = [str(PYTHON), str(SUPERSET / "serve.py"), "--home", str(home), "--port", str(port)]
    serve += ["--warehouse", str(place.home / "warehouse" / "current" / "coverage.duckdb")]
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("COVERAGE_", "SUPERSET_", "PYTHONPATH", "PREFECT_"))}
    home.parent.mkdir(exist_ok=True)
    with (place.home / "superset.txt").open("w") as log, subprocess.Popen(serve, cwd=ROOT, env=clean, stdout=log, stderr=log) as process:
        try:
            running = Server(f"http://127.0.0.1:{port}", home)
            for _ in range(300):
                assert process.poll() is None, (place.home / "superset.txt").read_text()[-2_000:]
                try:
                    urllib.request.urlopen(f"{running.base}/health", timeout=5).read()
                    break
                except OSError:
                    time.sleep(1)
            running.log_in()
            yield running
        finally:
            process.terminate()
            process.wait(30)


@installed
def test_every_chart_of_every_dashboard_draws_in_a_browser(server: Server, tmp_path: Path) -> None:
    wanted = [f"{d.slug}:{len(d.charts)}" for d in DASHBOARDS]
    words = [
        str(PYTHON),
        str(SUPERSET / "browse.py"),
        *wanted,
        "--base",
        server.base,
        "--password-file",
        str(server.home / "admin_password"),
    ]
    done = subprocess.run([*words, "--pictures", str(tmp_path)], capture_output=True, text=True, check=False, timeout=540)
    assert done.returncode == 0, done.stdout + done.stderr
    assert all((tmp_path / f"{d.slug}.png").stat().st_size > 50_000 for d in DASHBOARDS)


@installed
def test_a_server_that_stays_up_sees_each_of_five_publishes(server: Server, place: Place, run_night: RunNight) -> None:
    published, seen = [place.current.name], [server.run_id()]
    for n, path in enumerate(sorted((place.root / "later").iterdir()), start=1):
        shutil.move(path, place.landing / "hospitals" / "claims" / path.name)
        run_night(place.home, place.landing, FIRST_NIGHT + n * timedelta(days=1))
        published.append(place.current.name)
        seen.append(server.run_id())
    assert len(set(published)) == 1 + PUBLISHES
    assert seen == published
