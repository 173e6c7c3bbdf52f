"""One column read on its own, for tables of cells."""

from __future__ import annotations

import polars as pl

from expectations.declare import Kind
from transforms.rows import read_columns


def read_column(cells: pl.Series, kind: Kind, *, with_precision: bool = False) -> pl.DataFrame:
    """One column as `read_columns` reads it: `value` (of the kind), `unreadable`, `restored` (Boolean), and `precision` if asked for."""
    value, flags, precision = read_columns(pl.DataFrame({"value": cells}), {"value": kind}, with_precision=with_precision)["value"]
    no = pl.repeat(False, len(cells), eager=True)
    unreadable, restored = flags or (no, no)
    found = pl.DataFrame({"value": value, "unreadable": unreadable, "restored": restored})
    return found if precision is None else found.with_columns(precision=precision)
