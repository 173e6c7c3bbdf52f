"""Tables in their public form (`expectations.marts.public`), and the figures of the public edition of the morning report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import polars as pl

from expectations.marts import BI_TABLES
from expectations.marts.public import PUBLIC, REFUSED, PublicTable
from flows.report import figures
from flows.report.figures import Claims, Figures, Group
from transforms import disclosure

BY_NAME = {t.name: t for t in PUBLIC}


class NotPublic(Exception):
    """The table cannot leave; the message says why and what can."""


class PublicTables:
    """Tables of one version in their public form; the pattern of each is worked out once, whatever else is asked for."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._patterns: dict[str, tuple[pl.DataFrame, disclosure.Protected]] = {}

    def table(self, name: str) -> pl.DataFrame:
        """A mart in its public form: the columns of the mart, hidden ones NULL.

        Raises NotPublic for one that does not leave, and for one that cannot be protected.
        """
        spec = BY_NAME.get(name)
        if spec is None:
            raise NotPublic(f"marts.{name} is not for the public: {REFUSED.get(name, 'it tells of deliveries, not of coverage')}")
        rows, found = self._pattern(spec)
        if not spec.persons:
            return rows  # published elsewhere already
        hidden = found.hidden
        counts = (*spec.persons, *spec.counts)
        measures = (*counts, *spec.amounts, *spec.derived)
        shown = rows.with_columns(disclosure.rounded(c) for c in counts).with_columns(e.alias(c) for c, e in spec.derived.items())
        return shown.select(
            pl.lit(None, rows.schema[c]).alias(c) if c in spec.left_out
            else pl.when(~hidden).then(pl.col(c)).cast(rows.schema[c]).alias(c) if c in measures
            else pl.col(c)
            for c in rows.columns
        )  # fmt: skip

    def totals(self, name: str, columns: tuple[str, ...], persons: str, *measures: str) -> pl.DataFrame:
        """Sums over one of a mart's margins, hidden rows and all: `columns`, `persons` and `measures`; NULL where the sum may not be told.

        That the table protects its rows against a reader who knows these sums is what `margins` and `published` say. Counts are rounded.
        """
        spec = BY_NAME[name]
        assert columns in (*spec.published, *spec.margins)
        rows, found = self._pattern(spec)
        sums = rows.group_by(columns, maintain_order=True).agg(pl.col(persons, *measures).sum())
        withheld = found.withheld.get(columns, [])
        told = pl.Series([key not in withheld for key in sums.select(columns).iter_rows()], dtype=pl.Boolean)
        told &= sums[persons] >= disclosure.THRESHOLD
        counts = [c for c in (persons, *measures) if c in (*spec.persons, *spec.counts)]
        return sums.with_columns(disclosure.rounded(c) for c in counts).with_columns(
            pl.when(told).then(pl.col(c)).alias(c) for c in (persons, *measures)
        )

    def _pattern(self, spec: PublicTable) -> tuple[pl.DataFrame, disclosure.Protected]:
        if spec.name not in self._patterns:
            rows = _read(self._connection, spec.name)
            if not spec.persons:
                return rows, disclosure.Protected(pl.repeat(False, rows.height, dtype=pl.Boolean, eager=True))
            above = None
            if spec.above:
                upper, columns = spec.above
                totals, upper_found = self._pattern(BY_NAME[upper])
                lost = totals.filter(upper_found.hidden).select(columns).unique().with_columns(is_hidden=pl.lit(True))
                joined = rows.join(lost, on=list(columns), how="left", nulls_equal=True, maintain_order="left")
                above = joined["is_hidden"].fill_null(False)
            found = disclosure.protect(rows, spec.persons, spec.margins, published=spec.published, above=above)
            if any(columns in spec.published for columns in found.withheld):
                raise NotPublic(
                    f"marts.{spec.name} cannot be protected: a place has so few rows that the totals of other tables give them away."
                    " Publish it for fewer, larger places"
                )
            self._patterns[spec.name] = rows, found
        return self._patterns[spec.name]


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
        told = figures.read(copy, public=True)
        return replace(
            told,
            claims=_claims(tables, told),
            payer_groups=_groups(tables, told, told.payer_groups, "payer_group"),
            plan_groups=_groups(tables, told, told.plan_groups, "plan_group"),
        )


def _claims(tables: PublicTables, told: Figures) -> tuple[Claims, ...]:
    """The nation's claims: a sum that may be told though some facilities are hidden."""
    sums = tables.totals("facility_month", ("month",), "patients", "visits", "fund_paid", "total_cost")
    of = {month: rest for month, _, *rest in sums.iter_rows()}
    return tuple(Claims(c.month, *of[c.month]) for c in told.claims)


def _groups(tables: PublicTables, told: Figures, groups: tuple[Group, ...], column: str) -> tuple[Group, ...]:
    """The nation's groups: sums that may be told though some provinces are hidden."""
    sums = tables.totals("coverage_group_month", ("month", column), "insured_persons")
    of = {(month, code): insured for month, code, insured in sums.iter_rows()}
    now, before = told.latest, told.before
    found = []
    for g in groups:
        insured = of.get((now.month, g.code)) if now else None
        earlier = of.get((before.month, g.code)) if before else None
        share = 100 * insured / now.insured if now and now.insured and insured is not None else None
        found.append(replace(g, insured=insured, before=earlier, share=share))
    return tuple(found)


def _put(copy: duckdb.DuckDBPyConnection, name: str, rows: pl.DataFrame) -> None:
    copy.from_arrow(rows.to_arrow()).create(name)
