"""Parquet as frames of text, row group by row group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
from pyarrow.lib import ArrowException

from warehouse.refusal import Refusal

# Below this every whole number is exact as a double; above, the digits of a float are not the sender's anyway.
_EXACT = 2**53


def names(path: Path) -> list[str]:
    """Names of the columns. Raises `Refusal('unreadable_parquet')`."""
    try:
        return list(pq.read_schema(path).names)
    except (ArrowException, OSError) as error:
        raise _damaged() from error


def frames(path: Path, columns: Sequence[int], rows: int) -> Iterator[pl.DataFrame]:
    """The columns at these places as `c{place}` (String), with `row_number` (Int64, from 1) and `row_flaw` (String, null), in batches of at
    most `rows`.

    Text stays as it is, dates are ISO, numbers have no exponent and whole numbers no `.0` (pandas keeps integers with gaps as floats).
    Raises `Refusal('unreadable_parquet')`, also for a column that is no plain value.
    """
    number = 1
    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            paths = [schema.names[c] for c in columns]
            for batch in file.iter_batches(batch_size=rows, columns=paths):
                # pyarrow gives columns in the file's order, and all of a repeated name; the first of each counts.
                found = [batch.column(batch.schema.names.index(name)) for name in paths]
                text = [_text(pl.Series(f"c{c}", column), schema.names[c]) for c, column in zip(columns, found, strict=True)]
                frame = pl.DataFrame(text)
                yield frame.select(
                    pl.int_range(number, number + batch.num_rows, dtype=pl.Int64).alias("row_number"),
                    pl.lit(None, pl.String).alias("row_flaw"),
                    pl.all(),
                )
                number += batch.num_rows
    except (ArrowException, OSError, pl.exceptions.PolarsError) as error:
        raise _damaged() from error


def _text(values: pl.Series, name: str) -> pl.Series:
    kind = values.dtype
    if kind == pl.String:
        return values
    if kind == pl.Binary:
        return values.cast(pl.String, strict=False)
    if kind.is_float():
        return _number(values)
    if isinstance(kind, pl.Decimal):
        text = values.cast(pl.String)
        return text.str.replace(r"\.0+$", "") if kind.scale else text
    if isinstance(kind, pl.Datetime):
        return values.dt.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(kind, pl.Categorical | pl.Enum) or kind == pl.Null or kind.is_integer() or kind in (pl.Boolean, pl.Date, pl.Time):
        return values.cast(pl.String)
    raise Refusal("unreadable_parquet", f"column {name[:40]} holds {str(kind)[:40]}, not plain values; write text, numbers or dates")


def _number(values: pl.Series) -> pl.Series:
    """Floats as text: whole ones as integers, others in the fewest digits that give the same number, never with an exponent; NaN is
    null."""
    column = pl.col(values.name)
    finite = column.is_finite()
    whole = finite & (column == column.round(0)) & (column.abs() < _EXACT)
    text = (
        pl.when(whole)
        .then(pl.when(whole).then(column).cast(pl.Int64, strict=False).cast(pl.String))
        .when(finite)
        .then(column.cast(pl.String))
    )
    out = values.to_frame().select(text.alias(values.name)).to_series()
    if out.str.contains("e", literal=True).any():
        out = out.map_elements(lambda text: format(Decimal(text), "f"), pl.String)
    return out


def _damaged() -> Refusal:
    return Refusal("unreadable_parquet", "the Parquet file cannot be read: it is damaged, cut off or encrypted; write it again")
