"""`bhyt persons train`: a model learnt from the registers in use, set against the one that nights use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table as Grid

from flows.summary import screen
from transforms.persons.model_file import as_text
from transforms.persons.train import train
from transforms.persons.weigh import Model, pinned
from warehouse import card_persons
from warehouse.ledger import Ledger
from warehouse.settings import Settings
from warehouse.storage import replacing

FAILED = 1


def show(settings: Settings, out: Path | None, version: str) -> int:
    """Train, print old against new in bits, write the new model. Nights go on with the pinned one. Returns the exit status."""
    used = card_persons.in_use(Ledger(settings.ledger_dir).deliveries())
    errors = Console(stderr=True)
    if used.is_empty():
        errors.print("bhyt persons train: no card register is in use; run `bhyt nightly`", markup=False)
        return FAILED
    try:
        new = train(card_persons.cards(settings, used), version=version)
    except ValueError as error:
        errors.print(f"bhyt persons train: {error}", markup=False)
        return FAILED
    console, old = screen(), pinned()
    grid = Grid("field", "level", title=f"Bits for one person: {old.version} against {new.version}", title_justify="left")
    for column in ("old", "new", "change"):
        grid.add_column(column, justify="right")
    for field, levels in old.levels.items():
        for level in levels:
            then, now = _bits(old, field, level), _bits(new, field, level)
            grid.add_row(field, level, f"{then:+.2f}", f"{now:+.2f}", f"{now - then:+.2f}")
    console.print(grid)
    console.print(f"Further cards of a person: {old.further_cards:.4f}, now {new.further_cards:.4f}")
    if out is not None:
        with replacing(out) as temporary:
            temporary.write_text(as_text(new), encoding="utf-8")
        console.print(f"Wrote {out}. To use it: put it in the place of transforms/persons/model.json; the next night links all cards.")
    return 0


def _bits(model: Model, field: str, level: str) -> float:
    chances = model.levels[field][level]
    return float(np.log2(chances["match"] / chances.get("unrelated", chances.get("unrelated_per_name_chance", 1.0))))
