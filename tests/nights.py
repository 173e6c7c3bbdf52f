"""A work area of its own and the real command line in processes of their own."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 300.0  # seconds before a wait is given up, on a busy machine too; a failure then says what was waited for


def environment(**more: str) -> dict[str, str]:
    """This process's environment without any setting of the warehouse or of Prefect, and `more`."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("COVERAGE_", "PREFECT_"))}
    return kept | {"PWD": str(ROOT), "COLUMNS": "200", "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"} | more


def wait_for(what: str, holds: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Return as soon as `holds()` is true; fail with `what` when it never is."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain for {what}"
        time.sleep(0.05)


@dataclass(frozen=True)
class Place:
    """A work area (`data/`) and a landing zone (`landing/`) below `root`; `settings` are further environment variables."""

    root: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.root / "data"

    @property
    def landing(self) -> Path:
        return self.root / "landing"

    @property
    def current(self) -> Path:
        """Directory of the published version."""
        return (self.home / "warehouse" / "current").resolve()

    @property
    def environment(self) -> dict[str, str]:
        return environment(COVERAGE_HOME=str(self.home), COVERAGE_LANDING=str(self.landing), **self.settings)

    def start(self, *words: str, program: tuple[str, ...] = (sys.executable, "-m", "flows")) -> subprocess.Popen[str]:
        """`bhyt <words>` in a process of its own, started."""
        return subprocess.Popen(
            [*program, *words], cwd=ROOT, env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def bhyt(self, *words: str, program: tuple[str, ...] = (sys.executable, "-m", "flows")) -> subprocess.CompletedProcess[str]:
        """`bhyt <words>`, run to its end."""
        process = self.start(*words, program=program)
        try:
            out, err = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def here(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`bhyt <words>` in this process, which has the libraries loaded already."""
        from flows.cli import main

        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name in [n for n in os.environ if n.startswith("COVERAGE_")]:
                patch.delenv(name)
            for name, value in self.environment.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["bhyt", *words])
            with pytest.raises(SystemExit) as left:
                main()
        return subprocess.CompletedProcess(words, int(left.value.code or 0), out.getvalue(), err.getvalue())

    def ask(self, sql: str, file: str = "coverage.duckdb") -> list[tuple[object, ...]]:
        """Rows of a query to the published version."""
        with duckdb.connect(str(self.current / file), read_only=True) as connection:
            return connection.execute(sql).fetchall()
