"""Raw rows, all text, to typed rows: each cell read by its kind (docs/architecture.md, "Typed rows")."""

from __future__ import annotations

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
    for field in table.delivered:
        if field.name not in raw.columns:
            columns[field.name] = pl.Series(field.name, [None], dtype=field.kind.polars).new_from_index(0, raw.height)
            continue
        cells = read_column(raw[field.name], field.kind, with_precision=precise and field.kind.name == "birth_date")
        columns[field.name] = cells["value"].alias(field.name)
        unreadable[field.name] = cells["unreadable"]
        restored[field.name] = cells["restored"]
        if "precision" in cells.columns:
            columns["birth_precision"] = cells["precision"]
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


def read_column(cells: pl.Series, kind: Kind, *, with_precision: bool = False) -> pl.DataFrame:
    """Columns `value` (of the kind), `unreadable` (Boolean), `restored` (Boolean), and `precision` (of birth dates, if asked for);
    one row per cell, same order.

    Cells in canonical form are taken as they are; of the others each distinct text is read once and joined back.
    """
    frame = pl.DataFrame({"text": cells.cast(pl.String)})
    short_cut = values.plain(kind, pl.col("text"))
    frame = frame.with_columns(plain=pl.lit(None, kind.polars) if short_cut is None else short_cut)
    rest = frame.filter(pl.col("text").is_not_null() & pl.col("plain").is_null()).select(pl.col("text").unique())
    whole: pl.Expr = pl.when(pl.col("plain").is_not_null()).then(pl.lit("day"))  # of birth dates: the short cut takes whole days only
    if rest.is_empty():
        precision = {"precision": whole} if with_precision else {}
        return frame.select(value="plain", unreadable=pl.lit(False), restored=pl.lit(False), **precision)
    joined = frame.join(_read(rest, kind, with_precision), on="text", how="left", maintain_order="left")
    precision = {"precision": pl.coalesce(whole, "precision")} if with_precision else {}
    return joined.select(
        **precision,
        value=pl.coalesce("plain", "value"),
        unreadable=pl.col("unreadable").fill_null(False),
        restored=pl.col("restored").fill_null(False),
    )


def _read(distinct: pl.DataFrame, kind: Kind, with_precision: bool) -> pl.DataFrame:
    """`text` and what `read_column` promises, by the full rules."""
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
