"""A population row whose sex cannot be read is quarantined: read as empty, it would be a figure of both sexes."""

import duckdb
import polars as pl

from expectations.exports.population import POPULATION
from expectations.quarantine import split
from transforms.exports import complete
from transforms.rows import typed
from warehouse import reference


def test_a_sex_outside_its_list_is_an_error_and_an_empty_one_means_both() -> None:
    raw = pl.DataFrame(
        {"row_number": [2, 3, 4], "year": ["2025"] * 3, "province": ["22"] * 3, "sex": ["1", "7", None], "population": ["10", "12", "22"]}
    )
    rows = complete(typed(raw, POPULATION, "d"), POPULATION, None, reference.places())
    loaded, quarantined = split(duckdb.connect(), rows, POPULATION)
    assert loaded["row_number"].to_list() == [2, 4]
    assert quarantined.select("row_number", "broken_rules").rows() == [(3, ["population.sex.unreadable"])]
