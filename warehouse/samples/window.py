"""The months that a world shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from warehouse.samples.people import day_number
from warehouse.samples.places import REFORM

ALWAYS = 1_000_000  # a day number after every day of a world: validity without end


@dataclass(frozen=True)
class Window:
    first: date  # first day of the first month
    last: date  # last day of the last month

    @classmethod
    def of(cls, months: tuple[date, date]) -> Window:
        """`months`: any day of the first and of the last month."""
        first, last = months[0].replace(day=1), months[1].replace(day=1)
        if last < first:
            raise ValueError("the last month lies before the first")
        return cls(first, month_end(last))

    @property
    def days(self) -> tuple[int, int]:
        return day_number(self.first), day_number(self.last)

    @property
    def months(self) -> list[date]:
        return pl.date_range(self.first, self.last, "1mo", eager=True).to_list()

    @property
    def years(self) -> range:
        return range(self.first.year, self.last.year + 1)

    @property
    def quarters(self) -> list[str]:
        """Quarters that end within the months; the last month's where none does."""
        ending = [quarter(m) for m in self.months if m.month % 3 == 0]
        return ending or [quarter(self.last)]


def month_end(month: date) -> date:
    following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return date.fromordinal(following.toordinal() - 1)


def quarter(day: date) -> str:
    return f"{day.year}-Q{(day.month + 2) // 3}"


def quarter_end(name: str) -> date:
    year, number = name.split("-Q")
    return month_end(date(int(year), 3 * int(number), 1))


def after_reform(month: date) -> bool:
    return month >= REFORM
