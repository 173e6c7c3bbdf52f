"""Rows of plans that would make a wrong rate in silence are quarantined: each with the rule that says what to do."""

import duckdb
import polars as pl
import pytest

from expectations.declare import Table
from expectations.exports import EMPLOYERS, POPULATION, TARGETS
from expectations.quarantine import split
from transforms.exports import complete
from transforms.rows import typed
from warehouse import reference


def test_a_sex_outside_its_list_is_an_error_and_an_empty_one_means_both() -> None:
    """Read as empty it would be a figure of both sexes."""
    raw = pl.DataFrame(
        {"row_number": [2, 3, 4], "year": ["2025"] * 3, "province": ["22"] * 3, "sex": ["1", "7", None], "population": ["10", "12", "22"]}
    )
    rows = complete(typed(raw, POPULATION, "d"), POPULATION, None, reference.places())
    loaded, quarantined = split(duckdb.connect(), rows, POPULATION)
    assert loaded["row_number"].to_list() == [2, 4]
    assert quarantined.select("row_number", "broken_rules").rows() == [(3, ["population.sex.unreadable"])]


def quarantined(table: Table, column: str, cells: list[str], **others: str) -> list[list[str]]:
    """The rules that each cell breaks; nothing where the row loads."""
    raw = pl.DataFrame({"row_number": range(len(cells)), column: cells} | {c: [v] * len(cells) for c, v in others.items()})
    rows = complete(typed(raw, table, "d"), table, None, reference.places())
    broken = dict(split(duckdb.connect(), rows, table)[1].select("row_number", "broken_rules").rows())
    return [broken.get(n, []) for n in range(len(cells))]


def test_an_age_band_that_is_none_is_an_error() -> None:
    """`Tổng` among the bands of a province would be added to what it is the sum of."""
    cells = ["0-5", "60 – 69", "80 +", "15-19", "Tổng", "Tất cả", "≥80"]
    broken = quarantined(POPULATION, "age_band", cells, year="2025", province="22", population="10")
    assert broken == [[]] * 4 + [["population.age_band.unreadable"]] * 3


@pytest.mark.parametrize(
    ("table", "column", "cells", "others", "rules"),
    [
        (TARGETS, "target_pct", ["95.5", "95%", "100", "0", "0.955", "1", "9550", "-95"],
         {"year": "2025", "province": "22", "instrument": "Q"},
         [""] * 4 + ["targets.target_pct.fraction"] * 2 + ["targets.target_pct.out_of_range"] * 2),
        (POPULATION, "population", ["0", "1200000", "-5"], {"year": "2025", "province": "22"}, ["", "", "population.population.negative"]),
        (EMPLOYERS, "employees_paid", ["0", "5", "-5"], {"tax_code": "0100109106", "name": "A", "province": "22", "quarter": "2025-Q3"},
         ["", "", "employers.employees_paid.negative"]),
    ],
)  # fmt: skip
def test_a_figure_that_cannot_be_is_an_error(table: Table, column: str, cells: list[str], others: dict[str, str], rules: list[str]) -> None:
    assert quarantined(table, column, cells, **others) == [[r] if r else [] for r in rules]
