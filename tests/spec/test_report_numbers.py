"""Numbers as a reader of Vietnamese, and of English, writes them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from flows.report.numbers import Style

VI, EN = Style("vi"), Style("en")


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("value", "digits", "vi", "en"),
    [(1_234_567, 0, "1.234.567", "1,234,567"), (0.5, 2, "0,50", "0.50"), (-4.728, 2, "−4,73", "−4.73"), (-0.001, 2, "0,00", "0.00"),
     (0, 0, "0", "0"), (None, 0, "–", "–")],
)  # fmt: skip
def test_a_number(value: float | None, digits: int, vi: str, en: str) -> None:
    assert (VI.number(value, digits), EN.number(value, digits)) == (vi, en)


@pytest.mark.parametrize(("rate", "vi", "en"), [(95.7149, "95,71 %", "95.71%"), (100, "100,00 %", "100.00%"), (None, "–", "–")])
def test_a_rate(rate: float | None, vi: str, en: str) -> None:
    assert (plain(VI.percent(rate)), EN.percent(rate)) == (vi, en)


@pytest.mark.parametrize(("value", "vi"), [(1234, "+1.234"), (-1234, "−1.234"), (0, "0"), (0.001, "0"), (None, "–")])
def test_a_difference(value: float | None, vi: str) -> None:
    assert VI.signed(value) == vi


def test_money() -> None:
    assert plain(VI.money(Decimal("1234567.00"))) == "1.234.567 đ"
    assert plain(EN.money(1_234_567)) == "1,234,567 đ"


@pytest.mark.parametrize(
    ("amount", "vi", "en"),
    [
        (Decimal("2054909475.10"), "2,05 tỷ đ", "2.05 bn đ"),
        (Decimal("-43930000"), "−43,93 triệu đ", "−43.93 m đ"),
        (999_999, "999.999 đ", "999,999 đ"),
        (Decimal("1234567890123"), "1.234,57 tỷ đ", "1,234.57 bn đ"),
        (None, "–", "–"),
    ],
)
def test_large_sums(amount: Decimal | None, vi: str, en: str) -> None:
    assert (plain(VI.large_money(amount)), plain(EN.large_money(amount))) == (vi, en)


def test_months_and_days() -> None:
    assert (VI.month(date(2025, 8, 1)), plain(EN.month(date(2025, 8, 1)))) == ("08/2025", "Aug 2025")
    assert (VI.day(date(2025, 8, 31)), EN.day(date(2025, 8, 31))) == ("31/08/2025", "2025-08-31")
    assert plain(VI.moment(datetime(2025, 8, 31, 1, 30))) == "31/08/2025 01:30 UTC"
