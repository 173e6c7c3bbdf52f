"""A night's result as frames, and how it is set against the truth of a sample world."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import duckdb
import polars as pl

from expectations.declare import Table
from flows.summary import Summary

PERSONS_WITHIN = 0.003  # linkage may take one person in three hundred for two, or two for one


@dataclass(frozen=True)
class Published:
    """A published version below `home`, and the sample world (`landing/`, `truth/`) that it was made from."""

    home: Path
    world: Path
    summary: Summary

    @property
    def landing(self) -> Path:
        return self.world / "landing"

    @property
    def coverage_file(self) -> Path:
        return self.home / "warehouse" / "current" / "coverage.duckdb"

    @property
    def analyst_file(self) -> Path:
        return self.coverage_file.with_name("analyst.duckdb")

    @cached_property
    def tables(self) -> dict[str, pl.DataFrame]:
        """Every table of both files by its qualified name, in a total order of its rows."""
        return all_tables(self.coverage_file) | all_tables(self.analyst_file)

    def truth(self, name: str) -> pl.DataFrame:
        return pl.read_parquet(self.world / "truth" / f"{name}.parquet")


# The generator writes no truth of these; tests/spec has them on tables small enough to count by hand.
WITHOUT_TRUTH = {
    "national_series",
    "national_reconciliation",
    "province_series",
    "subsidy_end_month",
    "coverage_old_province_month",
}


def all_tables(file: Path) -> dict[str, pl.DataFrame]:
    """Every table of a DuckDB file by its qualified name; rows in a total order."""
    with duckdb.connect(str(file), read_only=True) as connection:
        names = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = current_catalog() ORDER BY ALL"
        ).fetchall()
        return {f"{s}.{n}": connection.table(f"{s}.{n}").order("ALL").pl() for s, n in names}


def unlike(one: dict[str, pl.DataFrame], other: dict[str, pl.DataFrame], but: tuple[str, ...] = ()) -> list[str]:
    """Names of tables, except those that begin with one of `but`, that are not the same in both; order of rows does not count."""
    return sorted(
        n for n in {*one, *other} if not n.startswith(but) and not (n in one and n in other and one[n].equals(other[n], null_equal=True))
    )


def without_ids(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The tables with each person of `facts.claim` named after his smallest claim.

    An id is kept for good from the night that first saw the person, so it tells of the order of nights; who is one person does not.
    """
    claims = tables["facts.claim"]
    named = claims.with_columns(person_key=pl.col("claim_key").min().over("person_key"))
    return tables | {"facts.claim": named.sort(named.columns, nulls_last=True)}


def keyed_pairs(truth: pl.DataFrame, got: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Rows of both, side by side on the mart's key; what was published has the suffix `_got`. Fails when their keys differ."""
    key = [k for k in table.key if k in truth.columns]
    truth = truth.with_columns(pl.col(k).cast(got.schema[k]) for k in key)
    for frame, other, where in ((truth, got, "truth"), (got, truth, "the mart")):
        lonely = frame.join(other, on=key, how="anti", nulls_equal=True)
        assert lonely.is_empty(), f"{table.name}: {lonely.height} rows only in {where}, as {lonely.select(key).rows()[:3]}"
        assert not frame.select(key).is_duplicated().any(), f"{table.name}: the key of {where} is not unique"
    return truth.join(got, on=key, how="inner", suffix="_got", nulls_equal=True).sort(key, nulls_last=True)


def distance(pairs: pl.DataFrame, column: str, of: str | None = None) -> float:
    """Sum over cells of |difference|, as a share of the sum of the truth, or of that of another column `of`."""
    mine, theirs = pairs[f"{column}_got"].cast(pl.Float64), pairs[column].cast(pl.Float64)
    assert mine.is_null().equals(theirs.is_null()), f"{column}: a figure where there is none, or none where there is one"
    total = float(pairs[of or column].cast(pl.Float64).abs().sum())
    difference = float((mine - theirs).abs().sum())
    return difference / total if total else difference
