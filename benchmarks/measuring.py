"""A step in a process of its own: seconds by the clock, seconds of CPU, and the memory that the operating system counted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RUNS = 3
PEERS = ROOT / ".peers" / "bin" / "python"


class Failed(Exception):
    """A step did not end well; the message has the end of what it said."""


@dataclass(frozen=True)
class Measured:
    """Medians of several runs. `cpu` is user and system time with that of all its processes; `peak_mib` the largest of them
    (`ru_maxrss`), `tree_mib` all together at the worst moment (looked at ten times a second). `said`: what the last run's step returned.
    """

    seconds: float
    cpu: float
    peak_mib: float
    tree_mib: float
    said: dict[str, Any]


def step(
    name: str, *arguments: object, runs: int = RUNS, cores: int | None = None, python: Path | None = None, **settings: object
) -> Measured:
    """Run `benchmarks.steps.<name>(*arguments)` `runs` times, each in a new process, on the first `cores` processors.

    `settings` are environment variables. What the step itself times (`"seconds"` in what it returns) counts instead of the whole process.
    """
    command = [str(python or sys.executable), "-m", "benchmarks.steps", name, *(str(a) for a in arguments)]
    return measured(command, runs=runs, cores=cores, **settings)


def script(path: Path, *arguments: object, python: Path, runs: int = RUNS) -> Measured:
    """The same for a script of a peer, which prints one line of JSON."""
    return measured([str(python), str(path), *(str(a) for a in arguments)], runs=runs)


def measured(command: Sequence[str], *, runs: int = RUNS, cores: int | None = None, **settings: object) -> Measured:
    taken = [_once(command, cores, {k: str(v) for k, v in settings.items()}) for _ in range(runs)]
    return Measured(
        median(t.seconds for t in taken), median(t.cpu for t in taken), median(t.peak_mib for t in taken),
        median(t.tree_mib for t in taken), taken[-1].said,
    )  # fmt: skip


def _once(command: Sequence[str], cores: int | None, settings: Mapping[str, str]) -> Measured:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("COVERAGE_", "PREFECT_", "POLARS_"))}
    if cores == 1:
        kept["POLARS_MAX_THREADS"] = "1"
    kept |= {"PYTHONPATH": str(ROOT), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"} | settings
    chosen = sorted(os.sched_getaffinity(0))[:cores] if cores else None
    with TemporaryFile() as out, TemporaryFile() as err:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=ROOT, env=kept, stdout=out, stderr=err,
            preexec_fn=(lambda: os.sched_setaffinity(0, chosen)) if chosen else None,
        )  # fmt: skip
        watch = _Watch(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        tree = watch.end()
        out.seek(0)
        err.seek(0)
        said = out.read().decode(errors="replace").strip()
        if process.returncode:
            end = (err.read().decode(errors="replace") + said).strip()[-2_000:]
            raise Failed(f"{' '.join(command[-4:])} ended with status {process.returncode}: …{end}")
    last = said.splitlines()[-1] if said else ""
    told: dict[str, Any] = json.loads(last) if last.startswith("{") else {}
    peak = usage.ru_maxrss / 1024
    return Measured(told.get("seconds", seconds), usage.ru_utime + usage.ru_stime, peak, max(tree, peak), told)


class _Watch:
    """Adds up the memory of a process and all that it has started."""

    def __init__(self, pid: int) -> None:
        self._pid, self._worst, self._over = pid, 0.0, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> float:
        self._over.set()
        self._thread.join()
        return self._worst

    def _look(self) -> None:
        while not self._over.wait(0.1):
            self._worst = max(self._worst, sum(_resident(p) for p in _family(self._pid)))


def _family(pid: int) -> Iterator[int]:
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents.setdefault(int(entry.read_text().rpartition(")")[2].split()[1]), []).append(int(entry.parent.name))
        except (OSError, ValueError, IndexError):
            continue
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += parents.get(one, [])


def _resident(pid: int) -> float:
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    except (OSError, ValueError):
        pass
    return 0.0
