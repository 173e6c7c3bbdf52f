"""What every kind of test may ask for: a whole night, run for real."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from flows.summary import Summary

RunNight = Callable[..., "Summary"]
FIRST_NIGHT = datetime(2025, 9, 1, 18, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def run_night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunNight]:
    """`run_night(home, landing, received_at=…)` runs the flow `nightly` in this process and returns its summary.

    One ephemeral Prefect serves the whole session: starting it takes longer than a small night.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_HOME", str(tmp_path_factory.mktemp("prefect")))
        patch.setenv("PREFECT_LOGGING_LEVEL", "WARNING")
        from prefect.testing.utilities import prefect_test_harness

        import flows  # noqa: F401 - first: it silences the telemetry of the libraries below

        with prefect_test_harness(server_startup_timeout=120):
            from flows.nightly import nightly

            def run(home: Path, landing: Path, received_at: datetime = FIRST_NIGHT, **settings: str) -> Summary:
                """`settings`: further environment variables COVERAGE_<NAME>."""
                wanted = {"home": str(home), "landing": str(landing), "data_docs": "false"} | settings
                with pytest.MonkeyPatch.context() as night:
                    for name in [n for n in os.environ if n.startswith("COVERAGE_")]:
                        night.delenv(name)
                    for name, value in wanted.items():
                        night.setenv(f"COVERAGE_{name.upper()}", value)
                    return nightly(received_at=received_at)

            yield run
