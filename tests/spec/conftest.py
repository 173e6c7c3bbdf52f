"""The warehouse's own SQL over small literal tables.

`warehouse_sql(cards="…", population="…")` takes text tables: a header line, one line a row, cells between `|`, an empty cell is
NULL; columns that are left out take the defaults below. `shows("marts.…", "…")` builds that table and what it reads, and compares
the columns that the expected text table names.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import duckdb
import pytest

from expectations.declare import Table
from expectations.exports import BY_NAME
from warehouse.sql_files import queries

Rows = list[dict[str, str]]

PROVINCE_UNITS = """
    code | name        | valid_from | valid_to   | province_code
    01   | Hà Nội      |            | 2025-06-30 | 01
    01   | Hà Nội      | 2025-07-01 |            | 01
    02   | Hà Giang    |            | 2025-06-30 | 08
    08   | Tuyên Quang |            | 2025-06-30 | 08
    08   | Tuyên Quang | 2025-07-01 |            | 08
    10   | Lào Cai     |            | 2025-06-30 | 15
    15   | Yên Bái     |            | 2025-06-30 | 15
    15   | Lào Cai     | 2025-07-01 |            | 15
"""
COMMUNE_UNITS = """
    code  | name     | province_unit | valid_from | valid_to   | commune_code | province_code
    00001 | Phúc Xá  | 01            |            | 2025-06-30 | 00004        | 01
    00004 | Trúc Bạch| 01            |            | 2025-06-30 | 00004        | 01
    00004 | Ba Đình  | 01            | 2025-07-01 |            | 00004        | 01
    00070 | Hoàn Kiếm| 01            | 2025-07-01 |            | 00070        | 01
"""
OBJECT_CODES = """
    object_code | payer_group | plan_group | valid_from | valid_to
    DN          | 1           | K1         | 2015-01-01 |
    HS          | 4           | K5         | 2015-01-01 |
    GD          | 5           | K6         | 2015-01-01 | 2025-07-31
    GD          | 6           | K6         | 2025-08-01 |
"""
GIVEN = {
    "dims.facility": "facility_code facility_level ownership valid_from valid_to",
    "reference.province_units": "code name valid_from valid_to province_code",
    "reference.commune_units": "code name province_unit valid_from valid_to commune_code province_code",
    "reference.object_codes": "object_code payer_group plan_group valid_from valid_to",
    "reference.national_series": "year measure value period_from period_to basis source note status",
    "reference.reconciliation_bands": "measure armed_forces_included band_pct conflict_pct",
    "reference.commune_crosswalk": "old_code commune_code",
    "reference.former_provinces": "area old_province_code",
    "reference.province_series": "area province_unit year measure value basis note status source",
    "reference.subsidies": "old_province_code group_name group_name_vi payer_group object_codes age_from age_to support_pct instrument"
    " valid_from valid_to note status source",
    "marts.facility_month": "month visits fund_paid",
    "persons.card_persons": "card_number card_key person_id",
}
DEFAULTS = {
    "cards": {"valid_from": "2020-01-01", "birth_date": "1980-01-01", "sex": "1", "province_code": "01", "register_province": "01"},
    "population": {"year": "2025", "province_code": "01"},
    "targets": {"year": "2025", "province": "01"},
    "employers": {"quarter": "2025-Q3", "province_code": "01", "status": "00", "name": "Công ty", "employees_paid": "1"},
    "enterprises": {"province_code": "01", "registered_on": "2020-01-01", "name": "Công ty"},
}


def drawn(text: str) -> Rows:
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return value.isoformat() if isinstance(value, date) else "" if value is None else str(value)


class Warehouse:
    def __init__(self, **given: str) -> None:
        self.con = duckdb.connect()
        self.con.execute("CREATE MACRO keyed(text) AS 'keyed-' || right(text, 2)")
        for schema in ("typed", "persons", "reference", "ledger", "dims", "steps", "marts"):
            self.con.execute(f"CREATE SCHEMA {schema}")
        cards = drawn(given.pop("cards", "card_number"))
        people = {c["card_number"]: c.get("person") or c["card_number"] for c in cards}
        long = {n[-10:]: n for n in people if len(n) == 15}
        self._give("persons.card_persons", [{"card_number": n, "card_key": long.get(n, n), "person_id": p} for n, p in people.items()])
        self._give("reference.province_units", drawn(PROVINCE_UNITS))
        self._give("reference.commune_units", drawn(COMMUNE_UNITS))
        self._give("reference.object_codes", drawn(OBJECT_CODES))
        self._give("dims.facility", drawn(given.pop("facilities", "facility_code")))
        for name in ("national_series", "reconciliation_bands", "subsidies", "commune_crosswalk", "former_provinces", "province_series"):
            self._give(f"reference.{name}", drawn(given.pop(name, GIVEN[f"reference.{name}"].split()[0])))
        self._give("marts.facility_month", drawn(given.pop("facility_month", "month")))
        for name in ("cards", "population", "targets", "employers", "enterprises"):
            rows = cards if name == "cards" else drawn(given.pop(name, "row_number"))
            self._give_export(BY_NAME[name], [{**DEFAULTS[name], **{c: v for c, v in r.items() if c != "person"}} for r in rows])
        assert not given, f"nothing asks for {given}"
        self.con.execute(
            "CREATE VIEW ledger.registers AS SELECT register_province, period, delivery_id, max(received_rank) AS received_rank"
            " FROM typed.cards GROUP BY register_province, period, delivery_id"
        )

    def _give(self, name: str, rows: Rows) -> None:
        self._create(name, dict.fromkeys(GIVEN[name].split(), "VARCHAR"), rows)
        if name == "dims.facility":
            self.con.execute("ALTER TABLE dims.facility ALTER valid_from TYPE DATE; ALTER TABLE dims.facility ALTER valid_to TYPE DATE")
        if name in ("reference.commune_units", "reference.province_units"):
            self.con.execute(f"ALTER TABLE {name} ALTER valid_from TYPE DATE; ALTER TABLE {name} ALTER valid_to TYPE DATE")
        if name == "marts.facility_month":
            self.con.execute(
                "ALTER TABLE marts.facility_month ALTER month TYPE DATE; ALTER TABLE marts.facility_month ALTER visits TYPE BIGINT;"
                " ALTER TABLE marts.facility_month ALTER fund_paid TYPE DECIMAL(18, 2)"
            )

    def _give_export(self, table: Table, rows: Rows) -> None:
        columns = {f.name: f.kind.duckdb for f in table.fields} | {
            "received_rank": "BIGINT",
            "period": "DATE",
            "register_province": "VARCHAR",
        }
        for number, row in enumerate(rows, start=1):
            row.setdefault("row_number", str(number))
            row.setdefault("received_rank", "1")
            if table.name == "cards":
                row.setdefault("delivery_id", f"{row['register_province']} {row['period']}")
                row.setdefault("object_code", row["card_number"][:2] if len(row["card_number"]) == 15 else "")
        self._create(f"typed.{table.name}", columns, rows)

    def _create(self, name: str, columns: dict[str, str], rows: Rows) -> None:
        self.con.execute(f"CREATE TABLE {name} ({', '.join(f'{c} {kind}' for c, kind in columns.items())})")
        for row in rows:
            values = ", ".join(f"CAST(nullif(?, '') AS {columns[c]})" for c in row)
            self.con.execute(f"INSERT INTO {name} ({', '.join(row)}) SELECT {values}", list(row.values()))

    def build(self, name: str) -> None:
        schema, table = name.split(".")
        if (
            schema == "ledger"
            or self.con.execute("SELECT 1 FROM duckdb_tables() WHERE schema_name = ? AND table_name = ?", [schema, table]).fetchone()
        ):
            return
        query = queries()[name]
        for read in sorted(query.reads):
            self.build(read)
        self.con.execute(f"CREATE TABLE {name} AS {query.text}")

    def shows(self, name: str, expected: str) -> None:
        """The table, in its own order, is the expected one in the columns named there."""
        self.build(name)
        header = [c.strip() for c in expected.strip().splitlines()[0].split("|")]
        found = self.con.execute(f"SELECT {', '.join(header)} FROM {name}").fetchall()
        assert [dict(zip(header, map(_shown, row), strict=True)) for row in found] == drawn(expected)

    def columns(self, name: str) -> list[tuple[str, str]]:
        self.build(name)
        return [(str(c), str(kind)) for c, kind, *_ in self.con.execute(f"DESCRIBE {name}").fetchall()]

    def broken(self, table: Table) -> list[str]:
        """Names of the table's rules that some row offends."""
        self.build(table.qualified_name)
        select = f"SELECT count(*) FROM {table.qualified_name} WHERE "
        return [r.name for r in table.rules if self.con.execute(select + f"({r.offends})").fetchall() != [(0,)]]


@pytest.fixture
def warehouse_sql() -> Callable[..., Warehouse]:
    return Warehouse
