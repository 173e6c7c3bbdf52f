"""Raw rows, all text, to typed rows: each cell read by its kind (docs/architecture.md, "Typed rows")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from expectations.declare import Kind, Table
from expectations.rules import TECHNICAL
from transforms import values

TECHNICAL_NAMES = tuple(f.name for f in TECHNICAL)


def typed(raw: pl.DataFrame, table: Table, delivery_id: str) -> pl.DataFrame:
    """Typed rows of one batch of raw rows; same rows, same order.

    In: `row_number`, `row_flaw` and one String column per delivered field that the file has (any other declared column that
    a reader adds, such as `issued_on` of a claim, passes through).
    Out: the technical columns, every delivered field in its declared type (null where absent, empty or unreadable),
    `birth_precision` where the table declares it, and what passed through; in the order of the declaration.
    """
    columns: dict[str, pl.Series] = {}
    unreadable: dict[str, pl.Series] = {}
    restored: dict[str, pl.Series] = {}
    precise = any(f.name == "birth_precision" for f in table.fields)
    read = read_columns(raw, {f.name: f.kind for f in table.delivered if f.name in raw.columns}, with_precision=precise)
    for field in table.delivered:
        if field.name not in read:
            columns[field.name] = pl.Series(field.name, [None], dtype=field.kind.polars).new_from_index(0, raw.height)
            continue
        cells = read[field.name]
        columns[field.name] = cells.value
        if cells.flags is not None:
            unreadable[field.name], restored[field.name] = cells.flags
        if cells.precision is not None:
            columns["birth_precision"] = cells.precision
    if precise and "birth_precision" not in columns:
        columns["birth_precision"] = pl.Series("birth_precision", [None], dtype=pl.String()).new_from_index(0, raw.height)
    passing = {f.name: f for f in table.fields if f.name not in columns and f.name in raw.columns and f.name not in TECHNICAL_NAMES}
    flaw = pl.col("row_flaw").cast(pl.String) if "row_flaw" in raw.columns else pl.lit(None, pl.String)
    technical = raw.select(
        delivery_id=pl.lit(delivery_id),
        row_number=pl.col("row_number").cast(pl.Int64),
        row_flaw=flaw,
    ).with_columns(_names_of(unreadable, "unreadable", raw.height), _names_of(restored, "restored", raw.height))
    made = raw.select(pl.col(name).cast(f.kind.polars) for name, f in passing.items())
    rows = pl.concat([technical, pl.DataFrame(columns), made], how="horizontal")
    declared = [f.name for f in table.fields if f.name not in TECHNICAL_NAMES and f.name in rows.columns]
    return rows.select(*TECHNICAL_NAMES, *declared)


class Cells(NamedTuple):
    """A column as it was read, a cell a row. `flags`: whether each was unreadable, and restored; None: none was either."""

    value: pl.Series
    flags: tuple[pl.Series, pl.Series] | None
    precision: pl.Series | None  # of birth dates, if asked for


def read_columns(raw: pl.DataFrame, kinds: Mapping[str, Kind], *, with_precision: bool = False) -> dict[str, Cells]:
    """The columns of `raw` that `kinds` names, each read by its kind; same rows, same order.

    Cells in canonical form are taken as they are, all columns in one pass (a pass over little costs as much as one over much); where a
    column has others, each distinct text of these is read once and joined back.
    """

    def plain(name: str) -> str:
        return f"{name} plain"

    short_cuts = {n: values.plain(kind, pl.col(n)) for n, kind in kinds.items()}
    frame = raw.select(pl.col(n).cast(pl.String) for n in kinds).with_columns(
        (pl.lit(None, kinds[n].polars) if short_cut is None else short_cut).alias(plain(n)) for n, short_cut in short_cuts.items()
    )
    others = frame.select((pl.col(n).is_not_null() & pl.col(plain(n)).is_null()).any() for n in kinds)
    whole = pl.when(pl.col("plain").is_not_null()).then(pl.lit("day"))  # of birth dates: the short cut takes whole days only
    read = {}
    for name, kind in kinds.items():
        precise = with_precision and kind.name == "birth_date"
        if not others[name].item():
            precision = frame.select(plain=plain(name)).select(whole).to_series() if precise else None
            read[name] = Cells(frame[plain(name)].alias(name), None, precision)
            continue
        cells = frame.select(text=name, plain=plain(name))
        rest = cells.filter(pl.col("text").is_not_null() & pl.col("plain").is_null()).select(pl.col("text").unique())
        joined = cells.join(_read(rest, kind, precise), on="text", how="left", maintain_order="left").select(
            *([pl.coalesce(whole, "precision").alias("precision")] if precise else []),
            value=pl.coalesce("plain", "value"),
            unreadable=pl.col("unreadable").fill_null(False),
            restored=pl.col("restored").fill_null(False),
        )
        flags = joined["unreadable"], joined["restored"]
        read[name] = Cells(joined["value"].alias(name), flags, joined["precision"] if precise else None)
    return read


def _read(distinct: pl.DataFrame, kind: Kind, with_precision: bool) -> pl.DataFrame:
    """`text`, `value`, `unreadable`, `restored` and, if asked for, `precision`, by the full rules."""
    value, restored = values.read(kind, pl.col("text"))
    filled = values.clean(pl.col("text")).is_not_null()
    precision = {"precision": values.birth_precision(pl.col("text"))} if with_precision else {}
    return distinct.with_columns(value=value, restored=pl.lit(False) if restored is None else restored, **precision).with_columns(
        unreadable=filled & pl.col("value").is_null()
    )


def _names_of(flags: dict[str, pl.Series], column: str, height: int) -> pl.Series:
    """List of the names whose flag is set, per row, in the order of the fields; never null."""
    hit = {name: flag for name, flag in flags.items() if flag.any()}
    if not hit:
        return pl.Series(column, [[]], dtype=pl.List(pl.String())).new_from_index(0, height)
    return (
        pl.DataFrame(hit)
        .select(pl.concat_list(pl.when(name).then(pl.lit(name)) for name in hit).list.drop_nulls().alias(column))
        .to_series()
    )


def raw_text(raw: pl.DataFrame) -> pl.Series:
    """The raw cells of each row as JSON text, `{"full_name": "…", …}`; String, one per row, for the quarantine. Personal."""
    cells = [c for c in raw.columns if c not in ("row_number", "row_flaw")]
    if not cells:
        return pl.Series("raw_text", ["{}"], dtype=pl.String()).new_from_index(0, raw.height)
    return raw.select(pl.struct(cells).struct.json_encode().alias("raw_text")).to_series()
