"""Reference facts: one CSV each, with status and source. `load` puts them into a database, `places` gives the geography.

Types: a column is VARCHAR unless `TYPES` says otherwise, so that codes keep their zeros.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path

import duckdb
import polars as pl

from transforms.claim_codes import FAMILY_130, CodeLists
from transforms.geography import Places

FOLDER = Path(__file__).parent

_DATE, _NUMBER, _INTEGER, _BOOLEAN = pl.Date(), pl.Float64(), pl.Int64(), pl.Boolean()

# The columns that are no text, by name: one name means one thing in every file.
TYPES: dict[str, pl.DataType] = {
    "valid_from": _DATE,
    "valid_to": _DATE,
    "is_split": _BOOLEAN,
    "is_default": _BOOLEAN,
    "has_died": _BOOLEAN,
    "year": _INTEGER,
    "member_order": _INTEGER,
    "population": _INTEGER,
    "value": _NUMBER,
    "target_pct": _NUMBER,
    "rate_pct": _NUMBER,
    "support_pct": _NUMBER,
    "pct_of_first": _NUMBER,
    "vnd_per_month": _NUMBER,
    "base_wage": _NUMBER,
    "monthly_vnd": _NUMBER,
    "annual_vnd": _NUMBER,
    "inpatient_pct": _NUMBER,
    "outpatient_pct": _NUMBER,
    "decimals": _INTEGER,
    "period_from": _DATE,
    "period_to": _DATE,
    "age_from": _INTEGER,
    "age_to": _INTEGER,
    "band_pct": _NUMBER,
    "conflict_pct": _NUMBER,
    "armed_forces_included": _BOOLEAN,
}


def names() -> tuple[str, ...]:
    """Every reference table, in the order of the alphabet."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.csv")))


def frame(name: str) -> pl.DataFrame:
    """The rows of `<name>.csv`, typed; empty cells are null. Raises `FileNotFoundError` for an unknown name."""
    path = FOLDER / f"{name}.csv"
    columns = pl.read_csv(path, n_rows=0).columns
    return pl.read_csv(path, schema={c: TYPES.get(c, pl.String()) for c in columns}, null_values=[""])


def fingerprints() -> dict[str, str]:
    """SHA-256 of each table's file, by table name: what depends on a table is made again when its file changes."""
    return {name: sha256((FOLDER / f"{name}.csv").read_bytes()).hexdigest() for name in names()}


def load(connection: duckdb.DuckDBPyConnection) -> None:
    """Create (or replace) schema `reference` with one table per CSV, rows in the order of the file."""
    connection.execute("CREATE SCHEMA IF NOT EXISTS reference")
    for name in names():
        connection.register("_reference_rows", frame(name).to_arrow())
        # The name is that of a file of this folder, never input.
        connection.execute(f'CREATE OR REPLACE TABLE reference."{name}" AS SELECT * FROM _reference_rows')
        connection.unregister("_reference_rows")


@cache
def places() -> Places:
    """The provinces and communes of both periods."""
    return Places(provinces=frame("province_units"), communes=frame("commune_units"))


@cache
def code_lists() -> CodeLists:
    """The dated lists that the codes of a claim are looked up in."""
    fields = {
        "care_code": ("care_types", "care_code", pl.col("family")),
        "visit_category": ("visit_categories", "visit_category", pl.lit(FAMILY_130)),
        "department_list": ("departments", "department", pl.lit(None, pl.String)),
        "main_icd": ("icd", "icd_code", pl.lit(None, pl.String)),
    }
    codes = [
        _dated(frame(table)).select(
            field=pl.lit(field), family=family, code=pl.col(code).str.strip_chars_start("0"), valid_from="valid_from", valid_to="valid_to"
        )
        for field, (table, code, family) in fields.items()
    ]
    return CodeLists(
        standards=frame("claim_standards"),
        codes=pl.concat(codes),
        icd_editions=frame("icd_editions"),
        cost_groups=frame("cost_groups"),
        benefit_rate_forms=frame("benefit_rate_forms"),
    )


def _dated(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` with `valid_from` and `valid_to`: a list without dates holds at all times."""
    return rows.with_columns(pl.lit(None, _DATE).alias(c) for c in ("valid_from", "valid_to") if c not in rows.columns)
