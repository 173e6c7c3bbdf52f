"""Which card registers are held for having halved: a matter of which there are, not of the order in which they were loaded."""

from __future__ import annotations

from datetime import date
from itertools import permutations

import polars as pl
import pytest

from warehouse.registers import halved

# province, month, cards: 22 loses more than half in March and stays low, 14 has always been small.
REGISTERS = {
    "jan": ("22", date(2025, 1, 1), 1000),
    "feb": ("22", date(2025, 2, 1), 990),
    "mar": ("22", date(2025, 3, 1), 400),
    "apr": ("22", date(2025, 4, 1), 980),
    "small": ("14", date(2025, 1, 1), 90),
    "smaller": ("14", date(2025, 2, 1), 10),
}


def entries(names: tuple[str, ...], code: str = "") -> pl.DataFrame:
    """Loaded registers, received in this order."""
    rows = [
        {"delivery_id": n, "export": "cards", "status": "loaded", "code": code, "province_code": REGISTERS[n][0], "period": REGISTERS[n][1],
         "records_loaded": REGISTERS[n][2]}
        for n in names
    ]  # fmt: skip
    return pl.DataFrame(rows)


@pytest.mark.parametrize("order", list(permutations(("jan", "feb", "mar", "apr")))[::5])
def test_the_order_of_loading_does_not_matter(order: tuple[str, ...]) -> None:
    assert set(halved(entries((*order, "smaller", "small")), set())) == {"mar"}


def test_a_register_is_held_or_no_longer_held_because_an_earlier_month_comes_later() -> None:
    assert set(halved(entries(("mar", "apr")), set())) == set()
    assert set(halved(entries(("mar", "apr", "feb")), set())) == {"mar"}


def test_a_released_register_counts_and_the_next_is_compared_with_it() -> None:
    assert set(halved(entries(("feb", "mar")), {"mar"})) == set()
    assert halved(entries(("feb", "mar", "apr")), {"mar"}) == {}


def test_the_reason_says_what_to_do() -> None:
    (reason,) = halved(entries(("feb", "mar")), set()).values()
    assert reason.startswith("the register has 400 records, the one before 990; check with the province, then `bhyt release mar`")
