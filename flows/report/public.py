"""Tables in their public form (`expectations.marts.public`), and the figures of the public edition of the morning report."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl

from expectations.marts import BI_TABLES
from expectations.marts.public import PUBLIC, REFUSED, PublicTable
from flows.report import figures
from flows.report.figures import Figures
from transforms import disclosure

BY_NAME = {t.name: t for t in PUBLIC}


class NotPublic(Exception):
    """The table cannot leave; the message says why and what can."""


class PublicTables:
    """Tables of one version in their public form; the pattern of each is worked out once, whatever else is asked for."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._hidden: dict[str, tuple[pl.DataFrame, pl.Series]] = {}

    def table(self, name: str) -> pl.DataFrame:
        """A mart in its public form: the columns of the mart, hidden ones NULL.

        Raises NotPublic for one that does not leave, and for one that cannot be protected.
        """
        spec = BY_NAME.get(name)
        if spec is None:
            raise NotPublic(f"marts.{name} is not for the public: {REFUSED.get(name, 'it tells of deliveries, not of coverage')}")
        rows, hidden = self._pattern(spec)
        if not spec.persons:
            return rows  # published elsewhere already
        counts = (*spec.persons, *spec.counts)
        measures = (*counts, *spec.amounts, *spec.derived)
        shown = rows.with_columns(disclosure.rounded(c) for c in counts).with_columns(e.alias(c) for c, e in spec.derived.items())
        return shown.select(
            pl.lit(None, rows.schema[c]).alias(c) if c in spec.left_out
            else pl.when(~hidden).then(pl.col(c)).cast(rows.schema[c]).alias(c) if c in measures
            else pl.col(c)
            for c in rows.columns
        )  # fmt: skip

    def _pattern(self, spec: PublicTable) -> tuple[pl.DataFrame, pl.Series]:
        if spec.name not in self._hidden:
            rows = _read(self._connection, spec.name)
            if not spec.persons:
                return rows, pl.repeat(False, rows.height, dtype=pl.Boolean, eager=True)
            above = None
            if spec.above:
                upper, columns = spec.above
                totals, gone = self._pattern(BY_NAME[upper])
                lost = totals.filter(gone).select(columns).unique().with_columns(is_hidden=pl.lit(True))
                joined = rows.join(lost, on=list(columns), how="left", nulls_equal=True, maintain_order="left")
                above = joined["is_hidden"].fill_null(False)
            found = disclosure.protect(rows, spec.persons, spec.margins, published=spec.published, above=above)
            if any(columns in spec.published for columns in found.withheld):
                raise NotPublic(
                    f"marts.{spec.name} cannot be protected: a place has so few rows that the totals of other tables give them away."
                    " Publish it for fewer, larger places"
                )
            self._hidden[spec.name] = rows, found.hidden
        return self._hidden[spec.name]


def _read(connection: duckdb.DuckDBPyConnection, name: str) -> pl.DataFrame:
    """A mart in the order of its key. The name comes from the declarations."""
    table = next(t for t in BI_TABLES if t.schema == "marts" and t.name == name)
    return connection.table(table.qualified_name).pl().sort(table.key, nulls_last=True)


def public_figures(coverage_file: Path) -> Figures:
    """The figures of the report, asked of a copy in memory that holds the public tables only."""
    with duckdb.connect(str(coverage_file), read_only=True) as source, duckdb.connect() as copy:
        tables = PublicTables(source)
        for schema in ("marts", "dims", "meta"):
            copy.execute(f"CREATE SCHEMA {schema}")
        for name in ("dims.province", "meta.snapshot"):
            _put(copy, name, source.table(name).pl())
        for name in ("coverage_nation_month", "coverage_province_month", "coverage_group_month", "coverage_age_sex_month",
                     "facility_month", "national_series"):  # fmt: skip
            _put(copy, f"marts.{name}", tables.table(name))
        return figures.read(copy, public=True)


def _put(copy: duckdb.DuckDBPyConnection, name: str, rows: pl.DataFrame) -> None:
    copy.from_arrow(rows.to_arrow()).create(name)
