"""Sample worlds, each written once and put through one night."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.conftest import FIRST_NIGHT, RunNight
from tests.golden.published import Published
from tests.golden.worlds import ButOne, data_files, deliver, give
from warehouse.samples import write

# Two mergers of the reform (24 and 27, 30 and 31) of which one takes over a code that was another province's.
FEW_PROVINCES = ("24", "27", "30", "31")


@pytest.fixture(scope="session")
def golden(tmp_path_factory: pytest.TempPathFactory, run_night: RunNight) -> Published:
    """20,000 persons over the three months around the reform, without faults, after one night."""
    out = tmp_path_factory.mktemp("golden")
    write(out, persons=20_000, months=(date(2025, 6, 1), date(2025, 8, 1)), seed=1)
    return Published(out / "data", out, run_night(out / "data", out / "landing"))


@pytest.fixture(scope="session")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A landing zone that a night reads in seconds, and its truth. Read-only: a test that changes it takes a copy."""
    out = tmp_path_factory.mktemp("small")
    write(out, persons=600, months=(date(2025, 6, 1), date(2025, 7, 1)), seed=3, provinces=FEW_PROVINCES, visits_per_person_year=1.0)
    return out


@pytest.fixture(scope="session")
def small(small_world: Path, run_night: RunNight) -> Published:
    """The small world after one night. Read-only: a test that goes on from here takes a copy of the work area."""
    home = small_world / "data"
    return Published(home, small_world, run_night(home, small_world / "landing"))


@pytest.fixture(scope="session")
def all_but_one(small: Published, run_night: RunNight, tmp_path_factory: pytest.TempPathFactory) -> ButOne:
    """The small world received over two nights, the later half of its files first, all but one. Read-only: `copy` it to go on.

    Its key file is that of `small`, so that facts can be compared too.
    """
    out = tmp_path_factory.mktemp("but_one")
    home, landing = out / "data", out / "landing"
    names = data_files(small.landing)
    last = next(n for n in reversed(names) if n.startswith("hospitals/claims/2025-06"))
    names.remove(last)
    give(small.home / "restricted" / "person_key", home / "restricted")
    half = len(names) // 2
    for night, part in enumerate((names[half:], names[:half])):
        deliver(small.landing, part, landing)
        run_night(home, landing, FIRST_NIGHT + timedelta(days=night))
    return ButOne(home, landing, small.world, last)
