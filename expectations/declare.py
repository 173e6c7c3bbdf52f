"""How a field, a rule and a table are declared: once, here and in `exports/` and `marts/`.

Everything else is derived from these declarations: header matching, the Polars schema of the typed rows, the row rules
of the quarantine, the Great Expectations suite, the DuckDB DDL with its COMMENTs and the dictionary.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import polars as pl


class Severity(StrEnum):
    """What a broken rule does: an `ERROR` quarantines the row (or stops a mart), a `WARNING` is counted."""

    ERROR = "error"
    WARNING = "warning"


class Sensitivity(StrEnum):
    """Where a value may be seen. `PERSONAL` never leaves the restricted area, `OPEN` may reach the BI file."""

    OPEN = "open"
    PERSONAL = "personal"


@dataclass(frozen=True)
class Kind:
    """How the text of a cell is read (by `transforms.values`) and what it becomes."""

    name: str
    polars: pl.DataType
    duckdb: str
    width: int | None = None  # the length that lost leading zeros are restored to


TEXT = Kind("text", pl.String(), "VARCHAR")
CARD_NUMBER = Kind("card_number", pl.String(), "VARCHAR", 10)
SOCIAL_INSURANCE_NUMBER = Kind("social_insurance_number", pl.String(), "VARCHAR", 10)
CITIZEN_ID = Kind("citizen_id", pl.String(), "VARCHAR", 12)
TAX_CODE = Kind("tax_code", pl.String(), "VARCHAR", 10)
PROVINCE = Kind("code", pl.String(), "VARCHAR", 2)
COMMUNE = Kind("code", pl.String(), "VARCHAR", 5)
FACILITY = Kind("facility_code", pl.String(), "VARCHAR", 5)
CODE = Kind("code", pl.String(), "VARCHAR")
CODE_2 = Kind("code", pl.String(), "VARCHAR", 2)
COST_GROUP = Kind("bare_code", pl.String(), "VARCHAR")  # '01' and '1' are one code: zeros in front are dropped
SEX = Kind("sex", pl.String(), "VARCHAR")
AGE_BAND = Kind("age_band", pl.String(), "VARCHAR")
DATE = Kind("date", pl.Date(), "DATE")
BIRTH_DATE = Kind("birth_date", pl.Date(), "DATE")
MOMENT = Kind("moment", pl.Datetime("us"), "TIMESTAMP")
YEAR = Kind("year", pl.Int32(), "INTEGER")
MONTH_NUMBER = Kind("month_number", pl.Int32(), "INTEGER")
QUARTER = Kind("quarter", pl.String(), "VARCHAR")
INTEGER = Kind("integer", pl.Int64(), "BIGINT")
MONEY = Kind("money", pl.Decimal(18, 2), "DECIMAL(18,2)")
QUANTITY = Kind("quantity", pl.Decimal(18, 3), "DECIMAL(18,3)")
PERCENT = Kind("percent", pl.Decimal(9, 4), "DECIMAL(9,4)")
# Not read from text: made by a transform or by a mart.
MONTH = Kind("month", pl.Date(), "DATE")
BOOLEAN = Kind("boolean", pl.Boolean(), "BOOLEAN")
NAMES = Kind("names", pl.List(pl.String()), "VARCHAR[]")
TEXTS = Kind("texts", pl.List(pl.String()), "VARCHAR[]")
DATES = Kind("dates", pl.List(pl.Date()), "DATE[]")
RATE = Kind("rate", pl.Float64(), "DOUBLE")
TIMESTAMP = Kind("timestamp", pl.Datetime("us"), "TIMESTAMP")


@dataclass(frozen=True)
class Field:
    """One column.

    `element` is its header in the contract (None: made by a transform), `labels` are other headers it may carry.
    `required` means that the column must be present, `needed` that no row may leave it empty or unreadable.
    """

    name: str
    kind: Kind
    meaning: str
    element: str | None = None
    vietnamese: str = ""
    labels: tuple[str, ...] = ()
    unit: str = ""
    required: bool = False
    needed: bool = False
    unreadable: Severity = Severity.WARNING  # what a filled but unreadable cell is, where `needed` does not say `error`
    sensitivity: Sensitivity = Sensitivity.OPEN
    choices: tuple[str, ...] = ()

    @property
    def headers(self) -> tuple[str, ...]:
        return tuple(h for h in (self.element, self.vietnamese, *self.labels) if h)


@dataclass(frozen=True)
class Rule:
    """What must be true of a row.

    `offends` is a SQL condition (DuckDB) over the typed rows that is TRUE for each offending row and never NULL.
    The quarantine and Great Expectations both run this very condition, so they cannot disagree.
    """

    name: str
    severity: Severity
    offends: str
    reason: str
    remedy: str
    column: str = ""


@dataclass(frozen=True)
class Table:
    """One table: an export's rows, a mart, a dimension. `grain` is the sentence that opens it."""

    name: str
    grain: str
    fields: tuple[Field, ...]
    vietnamese: str = ""
    key: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    schema: str = ""
    source: str = ""
    folder: str = ""  # exports: the folder below the landing zone
    places: tuple[str, ...] = field(default=())  # exports: what dates the codes of places where the file has no period
    one_of: tuple[str, ...] = field(default=())  # exports: at least one of these columns must be present

    def __post_init__(self) -> None:
        names = [f.name for f in self.fields]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ValueError(f"table {self.name} declares {', '.join(twice)} twice")

    def field_named(self, name: str) -> Field:
        for f in self.fields:
            if f.name == name:
                return f
        raise KeyError(f"table {self.name} has no field {name}")

    @property
    def delivered(self) -> tuple[Field, ...]:
        """The fields that arrive in a file."""
        return tuple(f for f in self.fields if f.element)

    @property
    def polars_schema(self) -> dict[str, pl.DataType]:
        return {f.name: f.kind.polars for f in self.fields}

    @property
    def qualified_name(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name
