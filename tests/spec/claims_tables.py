"""Small literal tables for the specifications of claims: text tables in, rows of the warehouse's own SQL out.

A text table has a header line and one line a row, cells between `|`; an empty cell is NULL, `;` stands between the members of a
list. Columns that a table leaves out take the defaults below, so that a paragraph of the specification shows only what it is about.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from expectations.declare import Table
from expectations.exports.budgets import BUDGETS
from expectations.exports.cards import CARDS
from expectations.exports.claims import CLAIM_LINES, CLAIMS

SQL = Path(__file__).parents[2] / "warehouse" / "sql"

FACILITIES = """
    facility_code | facility_name | province_code | facility_level | ownership | replaced_code | valid_from | valid_to
    01001         | Bạch Mai      | 01            | 1              | CONG      |               |            |
    01002         | Việt Đức      | 01            | 1              | CONG      |               |            |
    79001         | Chợ Rẫy       | 79            | 1              | CONG      |               |            |
    08001         | Tuyên Quang   | 08            | 2              | CONG      |               |            |
"""
UNITS = """
    code | name        | valid_from | valid_to   | province_code
    01   | Hà Nội      |            | 2025-06-30 | 01
    01   | Hà Nội      | 2025-07-01 |            | 01
    02   | Hà Giang    |            | 2025-06-30 | 08
    08   | Tuyên Quang |            | 2025-06-30 | 08
    08   | Tuyên Quang | 2025-07-01 |            | 08
    74   | Bình Dương  |            | 2025-06-30 | 79
    79   | Hồ Chí Minh |            | 2025-06-30 | 79
    79   | Hồ Chí Minh | 2025-07-01 |            | 79
"""
OBJECT_CODES = """
    object_code | payer_group | plan_group | valid_from | valid_to
    DN          | 1           | K1         | 2015-01-01 |
    GD          | 5           | K5         | 2015-01-01 | 2025-06-30
    GD          | 6           | K5         | 2025-07-01 |
    TE          | 3           | K4         | 2015-01-01 |
"""
COST_GROUPS = """
    cost_group | name_vi      | name_en
    1          | Xét nghiệm   | Laboratory tests
    4          | Thuốc        | Drugs
"""
ICD = """
    icd_code | icd_chapter
    A09      | I
    J00      | X
"""
ICD_CHAPTERS = """
    icd_chapter | code_from | code_to
    I           | A00       | B99
    IX          | I00       | I99
    X           | J00       | J99
"""

_TEXT = "VARCHAR"
_FACILITY = dict.fromkeys(("facility_code", "facility_name", "province_code", "facility_level", "technical_level", "ownership"), _TEXT)
_GIVEN = {
    "dims.facility": {**_FACILITY, "facility_type": _TEXT, "replaced_code": _TEXT, "valid_from": "DATE", "valid_to": "DATE"},
    "reference.province_units": dict.fromkeys(("code", "name", "valid_from", "valid_to", "province_code"), _TEXT),
    "reference.object_codes": dict.fromkeys(("object_code", "payer_group", "plan_group", "valid_from", "valid_to"), _TEXT),
    "reference.cost_groups": dict.fromkeys(("cost_group", "name_vi", "name_en"), _TEXT),
    "reference.icd": dict.fromkeys(("icd_code", "icd_chapter"), _TEXT),
    "reference.icd_chapters": dict.fromkeys(("icd_chapter", "code_from", "code_to"), _TEXT),
    "marts.coverage_province_month": {"month": "DATE", "province_code": _TEXT, "insured_persons": "BIGINT"},
}


def _export(table: Table) -> dict[str, str]:
    """Columns of `typed.<export>`: the declared ones and those that the build adds."""
    declared = {f.name: f.kind.duckdb for f in table.fields}
    return {**declared, "received_rank": "BIGINT", "period": "DATE", "register_province": _TEXT}


def parsed(text: str) -> list[dict[str, str]]:
    """Rows of a text table; empty cells are left out."""
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    return [{k: v for k, v in zip(lines[0], line, strict=True) if v} for line in lines[1:]]


def _create(con: duckdb.DuckDBPyConnection, name: str, columns: dict[str, str], rows: list[dict[str, str]]) -> None:
    described = ", ".join(f'"{c}" {kind}' for c, kind in columns.items())
    con.execute(f"CREATE TABLE {name} ({described})")
    for row in rows:
        unknown = set(row) - set(columns)
        assert not unknown, f"{name} has no column {unknown}"
        values = ", ".join(f"CAST({_cell(columns[c])} AS {columns[c]})" for c in row)
        con.execute(f"INSERT INTO {name} ({', '.join(chr(34) + c + chr(34) for c in row)}) SELECT {values}", list(row.values()))


def _cell(kind: str) -> str:
    """How a cell's text is written in SQL: a list is split at its semicolons, an empty member is NULL."""
    return "list_transform(string_split(?, ';'), lambda m: nullif(trim(m), ''))" if kind.endswith("[]") else "?"


def _claim(row: dict[str, str], number: int) -> dict[str, str]:
    day = row.get("discharged_at") or row.get("admitted_at") or "2025-09-10"
    dated = {"settlement_year": day[:4], "settlement_month": day[5:7], "discharged_at": day, "admitted_at": day}
    money = dict.fromkeys(("total_cost", "covered_cost", "fund_paid", "copayment", "self_paid", "other_sources"), "0")
    money |= {"lines_total_cost": row.get("total_cost", "0")}
    start = {
        "facility_code": "01001",
        "episode": f"E{number}",
        "care_code": "01",
        "received_rank": "1",
        "card_numbers": "",
        "source_form": "xml",
    }
    claim = {**start, **dated, **money, **row, "row_number": str(number), "position": str(number)}
    claim["delivery_id"] = f"d{claim['received_rank']}"
    if not claim["card_numbers"]:
        del claim["card_numbers"]
    return {c: v for c, v in claim.items() if v != "none"}


def _card(row: dict[str, str], number: int) -> dict[str, str]:
    start = {"valid_from": "2025-01-01", "period": "2025-09-01", "received_rank": "1", "row_number": str(number)}
    return {"object_code": row["card_number"][:2], **start, **{c: v for c, v in row.items() if c != "person"}}


def _card_persons(cards: list[dict[str, str]]) -> list[dict[str, str]]:
    numbers = {c["card_number"]: c["person"] for c in cards}
    long = {n[-10:]: n for n in sorted(numbers, reverse=True) if len(n) == 15}
    return [{"card_number": n, "card_key": n if len(n) == 15 else long.get(n, n), "person_id": p} for n, p in numbers.items()]


def warehouse(
    claims: str = "episode",
    *,
    lines: str = "row_number",
    cards: str = "card_number",
    likely_persons: str = "row_number",
    budgets: str = "year",
    facilities: str = FACILITIES,
    insured: str = "month",
) -> duckdb.DuckDBPyConnection:
    """A database of literal tables, in which `rows` builds what it is asked for.

    `claims` and `cards` are the typed rows of their exports; a line of `lines` names its claim by the claim's place in the table;
    `cards` also says whose each card is (`person`); so does a line of
    `likely_persons`, which scoring found. `none` in a claim is a NULL where there is a default.
    """
    con = duckdb.connect()
    for schema in ("typed", "persons", "reference", "dims", "steps", "marts", "facts"):
        con.execute(f"CREATE SCHEMA {schema}")
    con.execute("CREATE MACRO keyed(secret) AS md5('a key ' || secret)")
    given = {
        "dims.facility": facilities,
        "reference.province_units": UNITS,
        "reference.object_codes": OBJECT_CODES,
        "reference.cost_groups": COST_GROUPS,
        "reference.icd": ICD,
        "reference.icd_chapters": ICD_CHAPTERS,
        "marts.coverage_province_month": insured,
    }
    for name, text in given.items():
        _create(con, name, _GIVEN[name], parsed(text))
    listed = [_claim(row, n) for n, row in enumerate(parsed(claims), 1)]
    _create(con, "typed.claims", _export(CLAIMS), listed)
    held = [{**line, "delivery_id": listed[int(line["row_number"]) - 1]["delivery_id"]} for line in parsed(lines)]
    _create(con, "typed.claim_lines", _export(CLAIM_LINES), held)
    _create(con, "typed.cards", _export(CARDS), [_card(row, n) for n, row in enumerate(parsed(cards), 1)])
    given_out = [{"received_rank": "1", "row_number": str(n), **row} for n, row in enumerate(parsed(budgets), 1)]
    _create(con, "typed.budgets", _export(BUDGETS), given_out)
    likely = dict.fromkeys(("delivery_id", "card_key", "reason"), _TEXT) | {
        "row_number": "BIGINT",
        "weight": "DOUBLE",
        "probability": "DOUBLE",
    }
    found = [
        {
            "delivery_id": listed[int(row["row_number"]) - 1]["delivery_id"],
            "weight": "9",
            "probability": "0.998",
            "reason": "name same",
            **row,
        }
        for row in parsed(likely_persons)
    ]
    _create(con, "persons.claim_persons", likely, found)
    _create(con, "persons.card_persons", dict.fromkeys(("card_number", "card_key", "person_id"), _TEXT), _card_persons(parsed(cards)))
    return con


def offended(con: duckdb.DuckDBPyConnection, table: Table) -> list[str]:
    """Names of the table's rules that at least one of its rows breaks."""
    names = []
    for rule in table.rules:
        select = f"SELECT count(*) FROM {table.qualified_name} WHERE {rule.offends}"
        build_all(con, select)
        if con.execute(select).fetchall() != [(0,)]:
            names.append(rule.name)
    return names


def build_all(con: duckdb.DuckDBPyConnection, select: str) -> None:
    """Build whatever a SELECT reads."""
    for read in sorted(con.get_table_names(select, qualified=True)):  # "steps.claim AS c" where the SELECT gives it an alias
        build(con, read.split(" AS ")[0])


def build(con: duckdb.DuckDBPyConnection, table: str) -> None:
    """Build a table and first, in turn, whatever its SELECT reads that is not there yet."""
    if con.execute("SELECT 1 FROM duckdb_tables() WHERE schema_name || '.' || table_name = ?", [table]).fetchall():
        return
    select = (SQL / (table.replace(".", "/") + ".sql")).read_text(encoding="utf-8")
    build_all(con, select)
    con.execute(f"CREATE TABLE {table} AS {select}")


def rows(con: duckdb.DuckDBPyConnection, table: str, columns: str = "*") -> list[tuple[object, ...]]:
    """The rows of a table of the warehouse in its own order, of it the columns that are asked for."""
    build(con, table)
    return con.execute(f"SELECT {columns} FROM {table}").fetchall()
