"""A reading process that dies costs the delivery that it dies of, and no other."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flows import night as steps
from flows.processes import WORTH_IT_BYTES, readers
from warehouse.landing import Landed
from warehouse.settings import Settings


class Deadly(Landed):
    """A delivery that ends the process that takes it up."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (9,)


def test_the_rest_is_read_and_the_deadly_one_refused(tmp_path: Path) -> None:
    folder = tmp_path / "landing" / "planning" / "budgets"
    folder.mkdir(parents=True)
    for name in "ab":
        (folder / f"{name}.csv").write_text(f"NAM,MATINH,DU_TOAN\n2025,22,{ord(name)}\n", encoding="utf-8")
    settings = Settings(home=tmp_path / "data", landing=tmp_path / "landing", workers=2)
    night = steps.begin(settings)
    one, two = steps.look(night).to_read
    batch = [one, Deadly(**{f: getattr(two, f) for f in asdict(two)})]
    with readers(settings, WORTH_IT_BYTES) as reading:
        outcomes = reading.read(night, batch)
    assert [(o.status, o.code, o.records_loaded) for o in outcomes] == [("loaded", "", 1), ("refused", "reader_died", 0)]
    assert outcomes[1].reason == "the process that read it died, perhaps for want of memory; deliver it again, or in parts"
