"""One night at a time, across processes; a killed one leaves no lock behind."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from warehouse.lock import AlreadyRunning, one_at_a_time

HOLD = """
import sys, time
from pathlib import Path
from warehouse.lock import one_at_a_time
with one_at_a_time(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path):  # type: ignore[no-untyped-def]
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "night.lock")], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_a_second_night_is_refused_and_told_who_runs(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(AlreadyRunning, match=f"process {holder.pid}"), one_at_a_time(tmp_path / "night.lock"):
        pass


def test_a_killed_night_leaves_no_lock(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with one_at_a_time(tmp_path / "night.lock"):
        pass


def test_a_night_that_may_wait_goes_on_when_the_other_ends(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    started = time.monotonic()
    subprocess.Popen(["sh", "-c", f"sleep 0.5; kill -9 {holder.pid}"])
    with one_at_a_time(tmp_path / "night.lock", wait_seconds=30):
        assert time.monotonic() - started < 30
