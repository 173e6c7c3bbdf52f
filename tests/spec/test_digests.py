"""A digest of a month moves whenever something moves that the month's marts take from the rows: in any column, not only the first."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.spec.claims_tables import build, rows, warehouse
from tests.spec.conftest import Warehouse
from warehouse.sql_files import queries

SHORT_CARD = "card_number | person | object_code\n0000000011 | An | "


def test_a_row_is_made_of_all_columns() -> None:
    """DuckDB's `row(COLUMNS(*))` is a row for each column, all of one name; `row(*COLUMNS(*))` is one row of all."""
    assert [name for name, query in queries().items() if re.search(r"(?<![*])COLUMNS\s*\(", query.text)] == []


@pytest.mark.parametrize("now", ["01001 | 4 | CONG", "01001 | 3 | TU"], ids=["level", "ownership"])
def test_what_a_facility_is(warehouse_sql: Callable[..., Warehouse], now: str) -> None:
    def digest(facility: str) -> list[tuple[object, ...]]:
        world = warehouse_sql(
            cards="card_number | period\nGD4010000000001 | 2025-01-01",
            facilities=f"facility_code | facility_level | ownership\n{facility}",
        )
        world.build("steps.digest_facilities")
        return world.con.execute("SELECT * FROM steps.digest_facilities").fetchall()

    assert digest("01001 | 3 | CONG") == digest("01001 | 3 | CONG") != digest(now)


@pytest.mark.parametrize("step", ["steps.digest_claims", "steps.digest_services"])
def test_what_a_register_says_of_the_card_of_a_claim(step: str) -> None:
    """The claim lists ten digits only: its object code, and so its payer group, are the register's."""

    def digest(object_code: str) -> list[tuple[object, ...]]:
        con = warehouse("episode | card_numbers\nA | 0000000011", cards=SHORT_CARD + object_code)
        con.execute("CREATE SCHEMA ledger")
        con.execute("CREATE TABLE ledger.deliveries AS SELECT 'd1' AS delivery_id, 1 AS records_loaded, 'code' AS read_by")
        build(con, step)
        return rows(con, step)

    assert digest("DN") == digest("DN") != digest("GD")
