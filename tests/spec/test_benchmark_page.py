"""What `make bench` says of a figure."""

from __future__ import annotations

import pytest

from benchmarks.results import Row, table


@pytest.mark.parametrize(
    ("figure", "limit", "at_least", "reached"),
    [(99.0, 100.0, True, False), (100.0, 100.0, True, True), (3.6, 3.5, False, False), (3.5, 3.5, False, True), (3.5, None, False, None)],
)
def test_a_figure_is_reached_or_not(figure: float, limit: float | None, at_least: bool, reached: bool | None) -> None:
    assert Row("x", "what", figure, "s", limit, at_least).reached is reached


def test_a_table_shows_the_figure_its_limit_and_its_peer() -> None:
    lines = table([Row("x", "a file", 123.4, "MB/s", 100, True, "lxml", 83, 512), Row("x", "help", 0.2, "s")]).splitlines()
    assert lines[2] == "| a file | **123 MB/s** | ≥ 100 MB/s | yes | lxml: 83.0 MB/s | 512 MiB |  |"
    assert lines[3] == "| help | **0.20 s** |  |  |  |  |  |"
