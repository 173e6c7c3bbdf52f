"""The reference tables: complete, dated without overlaps, each fact with status and source; and the dimensions made of them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from expectations.declare import Table
from expectations.marts.dims import DIMS
from warehouse import reference
from warehouse.definitions import create
from warehouse.sql_files import SQL_DIR

GEOGRAPHY = ("commune_units", "commune_crosswalk")  # status and source in README.md and, per pair, in the crosswalk


@pytest.fixture(scope="module")
def database() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    reference.load(connection)
    return connection


def test_the_reform_comes_out(database: duckdb.DuckDBPyConnection) -> None:
    for table, on, count in (
        ("province_units", "2025-06-30", 63),
        ("province_units", "2025-07-01", 34),
        ("province_units", "2026-11-01", 34),
        ("commune_units", "2025-06-30", 10_035),
        ("commune_units", "2025-07-01", 3_321),
    ):
        units = database.execute(
            f"SELECT count(*), count(DISTINCT code) FROM reference.{table}"
            " WHERE coalesce(valid_from <= $on, true) AND coalesce(valid_to >= $on, true)",
            {"on": date.fromisoformat(on)},
        ).fetchone()
        assert units == (count, count)


def test_seven_province_codes_changed_owner(database: duckdb.DuckDBPyConnection) -> None:
    changed = database.execute(
        "SELECT o.code, o.name, n.name FROM reference.province_units AS o JOIN reference.province_units AS n USING (code)"
        " WHERE o.valid_to = DATE '2025-06-30' AND n.valid_from = DATE '2025-07-01' AND o.name <> n.name ORDER BY 1"
    ).fetchall()
    assert changed == [
        ("15", "Tỉnh Yên Bái", "Tỉnh Lào Cai"),
        ("24", "Tỉnh Bắc Giang", "Tỉnh Bắc Ninh"),
        ("44", "Tỉnh Quảng Bình", "Tỉnh Quảng Trị"),
        ("52", "Tỉnh Bình Định", "Tỉnh Gia Lai"),
        ("80", "Tỉnh Long An", "Tỉnh Tây Ninh"),
        ("82", "Tỉnh Tiền Giang", "Tỉnh Đồng Tháp"),
        ("91", "Tỉnh Kiên Giang", "Tỉnh An Giang"),
    ]


def test_dong_nai_became_a_city(database: duckdb.DuckDBPyConnection) -> None:
    names = database.execute("SELECT name FROM reference.province_units WHERE code = '75' ORDER BY valid_to NULLS LAST").fetchall()
    assert names == [("Tỉnh Đồng Nai",), ("Tỉnh Đồng Nai",), ("Thành phố Đồng Nai",)]


def test_the_crosswalk_is_that_of_the_statistics_office() -> None:
    ours = reference.frame("commune_crosswalk")
    theirs = pl.read_csv(reference.FOLDER / "sources" / "commune_crosswalk_nso_2025.csv", infer_schema=False)
    assert (
        ours.select("old_code", "commune_code").rows() == theirs.select("old_code", "commune_code").sort("old_code", "commune_code").rows()
    )
    assert ours.filter(pl.col("source") == "nso")["old_code"].n_unique() == 33
    assert ours.filter("is_split")["old_code"].n_unique() == 440
    assert ours.group_by("old_code").agg(pl.col("is_default").sum())["is_default"].unique().to_list() == [1]


@pytest.mark.parametrize("name", [n for n in reference.names() if n not in GEOGRAPHY])
def test_every_fact_has_status_and_source(name: str) -> None:
    rows = reference.frame(name)
    assert rows.height > 0
    assert rows["status"].null_count() == 0
    assert rows["status"].str.contains("^(SOURCED|DERIVED|UNCERTAIN)").all()
    assert rows["source"].null_count() == 0


@pytest.mark.parametrize("name", reference.names())
def test_no_row_stands_twice(name: str) -> None:
    rows = reference.frame(name)
    assert rows.is_duplicated().sum() == 0


def test_codes_keep_their_zeros(database: duckdb.DuckDBPyConnection) -> None:
    types = dict(
        database.execute(
            "SELECT DISTINCT column_name, data_type FROM information_schema.columns WHERE table_schema = 'reference'"
            " AND column_name IN ('code', 'old_code', 'valid_from', 'value', 'cost_group', 'is_split')"
        ).fetchall()
    )
    assert types == {
        "code": "VARCHAR",
        "old_code": "VARCHAR",
        "valid_from": "DATE",
        "value": "DOUBLE",
        "cost_group": "VARCHAR",
        "is_split": "BOOLEAN",
    }


def test_loading_twice_changes_nothing(database: duckdb.DuckDBPyConnection) -> None:
    before = database.execute("SELECT count(*) FROM reference.object_codes").fetchone()
    reference.load(database)
    assert database.execute("SELECT count(*) FROM reference.object_codes").fetchone() == before == (56,)


def test_every_icd_category_lies_in_one_chapter_and_object_codes_in_a_payer_group(database: duckdb.DuckDBPyConnection) -> None:
    assert (
        database.execute(
            "SELECT count(*) FROM reference.icd AS i JOIN reference.icd_chapters AS c ON i.icd_code BETWEEN c.code_from AND c.code_to"
            " WHERE i.icd_chapter = c.icd_chapter"
        ).fetchone()
        == database.execute("SELECT count(*) FROM reference.icd").fetchone()
    )
    assert database.execute(
        "SELECT count(*) FROM reference.object_codes WHERE payer_group NOT IN (SELECT payer_group FROM reference.payer_groups)"
        " OR plan_group NOT IN (SELECT plan_group FROM reference.plan_groups)"
    ).fetchone() == (0,)


def test_the_published_milestones_stand_in_the_series(database: duckdb.DuckDBPyConnection) -> None:
    assert database.execute(
        "SELECT value FROM reference.national_series WHERE year = 2024 AND measure = 'coverage_pct' AND status = 'SOURCED'"
    ).fetchall() == [(94.26,)]
    assert database.execute("SELECT value FROM reference.national_series WHERE year = 2009 AND measure = 'insured_persons'").fetchall() == [
        (50_000_000,)
    ]


def test_fingerprints_cover_every_table() -> None:
    assert tuple(reference.fingerprints()) == reference.names()


def made(table: Table, connection: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    """The rows of the dimension's query, after checking that it gives the declared columns in their types."""
    query = (Path(SQL_DIR) / "dims" / f"{table.name}.sql").read_text(encoding="utf-8")
    connection.execute("ATTACH IF NOT EXISTS ':memory:' AS declared")
    connection.execute(f"DROP TABLE IF EXISTS declared.dims.{table.name}") if _has_dims(connection) else None
    create(connection, "declared", table)
    relation = connection.sql(query)
    assert relation.columns == [f.name for f in table.fields]
    assert [str(t) for t in relation.types] == [f.kind.duckdb for f in table.fields]
    return relation.fetchall()


def _has_dims(connection: duckdb.DuckDBPyConnection) -> bool:
    return connection.execute(
        "SELECT count(*) FROM duckdb_schemas() WHERE database_name = 'declared' AND schema_name = 'dims'"
    ).fetchone() != (0,)


FACILITY_COLUMNS = (
    "facility_code VARCHAR, facility_name VARCHAR, province_code VARCHAR, old_province_code VARCHAR, commune_code VARCHAR,"
    " facility_level VARCHAR, technical_level VARCHAR, ownership VARCHAR, facility_type VARCHAR,"
    " hospital_class VARCHAR, contract_from DATE, contract_to DATE,"
    " replaced_code VARCHAR, period DATE, received_rank BIGINT, row_number BIGINT"
)


@pytest.fixture
def lists() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    reference.load(connection)
    connection.execute("CREATE SCHEMA typed")
    connection.execute(f"CREATE TABLE typed.facilities ({FACILITY_COLUMNS})")
    return connection


def say(connection: duckdb.DuckDBPyConnection, code: str, name: str, month: str, rank: int, row: int = 2) -> None:
    connection.execute(
        "INSERT INTO typed.facilities (facility_code, facility_name, period, received_rank, row_number) VALUES (?, ?, ?, ?, ?)",
        [code, name, month, rank, row],
    )


@pytest.mark.parametrize("table", DIMS, ids=lambda t: t.name)
def test_a_dimension_has_its_declared_columns_and_key(table: Table, lists: duckdb.DuckDBPyConnection) -> None:
    rows = made(table, lists)
    places = [[f.name for f in table.fields].index(k) for k in table.key]
    keys = [tuple(row[i] for i in places) for row in rows]
    assert len(set(keys)) == len(keys)
    assert keys == sorted(keys, key=lambda key: tuple((k is not None, k) if k is None else (True, k) for k in key))


def test_a_facility_holds_until_a_later_list_says_something_else(lists: duckdb.DuckDBPyConnection) -> None:
    say(lists, "01001", "Bệnh viện A", "2025-05-01", 1)
    say(lists, "01001", "Bệnh viện A", "2025-06-01", 2)
    say(lists, "01001", "Bệnh viện B", "2025-08-01", 3)
    say(lists, "01001", "Bệnh viện A", "2025-10-01", 4)
    say(lists, "01002", "Trạm C", "2025-06-01", 2)
    facility = next(t for t in DIMS if t.name == "facility")
    assert [(r[0], r[1], r[-2], r[-1]) for r in made(facility, lists)] == [
        ("01001", "Bệnh viện A", None, date(2025, 7, 31)),
        ("01001", "Bệnh viện B", date(2025, 8, 1), date(2025, 9, 30)),
        ("01001", "Bệnh viện A", date(2025, 10, 1), None),
        ("01002", "Trạm C", None, None),
    ]


def test_within_one_month_the_last_received_row_counts(lists: duckdb.DuckDBPyConnection) -> None:
    say(lists, "01001", "first", "2025-05-01", 1, 9)
    say(lists, "01001", "second", "2025-05-01", 2, 2)
    say(lists, "01001", "last", "2025-05-01", 2, 3)
    facility = next(t for t in DIMS if t.name == "facility")
    assert [r[1] for r in made(facility, lists)] == ["last"]
