"""A night makes only what it must, and the result is that of a build from scratch, whatever came in whatever order."""

from __future__ import annotations

import json
import random
import shutil
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.golden.worlds import data_files, deliver
from tests.history.worlds import Area
from warehouse.build import Built
from warehouse.samples import write

NIGHTS = 3


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five months around the reform in three old provinces: registers, lists, and claims that are sent again, withdrawn and come back."""
    out = tmp_path_factory.mktemp("source")
    write(out, persons=500, months=(date(2025, 4, 1), date(2025, 8, 1)), seed=5, provinces=("24", "27"), visits_per_person_year=3.0)
    return out / "landing"


def registers(source: Path, month: str) -> list[Path]:
    """Card registers of a month that are text, so that a line can be taken out of them."""
    return [p for p in sorted((source / "provinces" / "cards").rglob("*.csv")) if month in str(p)]


def correct(area: Area, register: Path, lost: int) -> None:
    """Deliver a register again, without one of its lines."""
    lines = register.read_bytes().splitlines(keepends=True)
    folder = area.settings.landing_dir / "provinces" / "cards" / register.parent.parent.name / register.parent.name / f"without-{lost}"
    folder.mkdir(parents=True)
    del lines[-1 - lost % (len(lines) // 2)]  # not its head
    content = b"".join(lines)
    (folder / register.name).write_bytes(content)
    said = json.loads(register.with_name(f"{register.name}.manifest.json").read_text(encoding="utf-8"))
    said |= {"rows": said["rows"] - 1, "sha256": sha256(content).hexdigest()}
    (folder / f"{register.name}.manifest.json").write_text(json.dumps(said), encoding="utf-8")


def assert_as_from_scratch(area: Area, built: Built) -> None:
    """The same files, byte for byte."""
    assert built.manifest
    scratch = area.from_scratch()
    fresh = {(p.table_name, p.part): p.file for p in (*scratch.parts, *scratch.memory)}
    found = {(p.table_name, p.part): p.file for p in built.manifest.parts if p.table_name in built.fingerprints}
    found |= {(p.table_name, p.part): p.file for p in built.manifest.memory}
    assert sorted(k for k in {*fresh, *found} if fresh.get(k) != found.get(k)) == []


@settings(max_examples=2, deadline=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1000))
def test_nights_in_any_order_give_what_one_build_gives(source: Path, tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """Files of all exports and months come in any order over some nights; between them registers are corrected."""
    chance = random.Random(seed)
    area = Area(tmp_path_factory.mktemp("order"))
    files = data_files(source)
    chance.shuffle(files)
    cuts = sorted(chance.sample(range(5, len(files) - 2), NIGHTS - 1))
    delivered: list[str] = []
    for n, (start, end) in enumerate(zip([0, *cuts], [*cuts, len(files)], strict=True)):
        deliver(source, files[start:end], area.settings.landing_dir)
        delivered += files[start:end]
        if n:
            known = [r for m in ("2025-04", "2025-06", "2025-07") for r in registers(source, m) if str(r.relative_to(source)) in delivered]
            for register in known[:1]:
                correct(area, register, chance.randrange(1000))
        built = area.night(n)
    assert_as_from_scratch(area, built)


def test_one_corrected_register_leaves_all_other_months_as_they_are(source: Path, tmp_path: Path) -> None:
    area = Area(tmp_path)
    shutil.copytree(source, area.settings.landing_dir)
    first = area.night(0)
    before = area.part_files()
    register = registers(source, "2025-05")[0]
    correct(area, register, 7)
    second = area.night(1)
    after = area.part_files()
    assert {p: t for p, t in after.items() if p in before} == before, "a part once written stays as it is"

    made = {name: parts for name, parts in second.made.items() if parts and name.startswith("marts.coverage")}
    assert made["marts.coverage_province_month"] == ["2025-05"]
    assert {part for parts in made.values() for part in parts} == {"2025-05"}
    assert second.made["marts.lapse_month"] == ["2025-04", "2025-05"]
    assert first.manifest
    assert second.manifest
    kept = {(p.table_name, p.part): p.file for p in first.manifest.parts}
    moved = {(p.table_name, p.part) for p in second.manifest.parts if kept.get((p.table_name, p.part)) != p.file}
    assert {part for name, part in moved if name.startswith("marts.coverage")} == {"2025-05"}
    assert_as_from_scratch(area, second)


def test_a_new_month_makes_that_month(source: Path, tmp_path: Path) -> None:
    """Late claims for old months are made too, and nothing else."""
    area = Area(tmp_path)
    files = data_files(source)
    late = [f for f in files if "2025-08" in f or "202508" in f]
    deliver(source, [f for f in files if f not in late], area.settings.landing_dir)
    area.night(0)
    deliver(source, late, area.settings.landing_dir)
    second = area.night(1)
    assert second.made["marts.coverage_province_month"] == ["2025-08"]
    assert second.made["marts.lapse_month"] == ["2025-07", "2025-08"]
    assert second.made["marts.facility_month"][-1] == "2025-08"
    assert_as_from_scratch(area, second)
