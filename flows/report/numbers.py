"""Numbers, months and money as a reader of Vietnamese or of English writes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

Language = Literal["vi", "en"]
LANGUAGES: tuple[Language, Language] = ("vi", "en")
_UNITS = ((1_000_000_000, "tỷ", "bn"), (1_000_000, "triệu", "m"))
NOTHING = "–"
HARD_SPACE = "\N{NO-BREAK SPACE}"
_SWAPPED = str.maketrans(",.", ".,")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
Number = int | float | Decimal


@dataclass(frozen=True)
class Style:
    """How one language writes; a dash stands for what is not known."""

    language: Language

    def number(self, value: Number | None, digits: int = 0) -> str:
        """1.234.567,89 in Vietnamese, 1,234,567.89 in English."""
        if value is None:
            return NOTHING
        text = f"{value:,.{digits}f}"
        if text.lstrip("-").strip("0.,") == "":
            text = text.lstrip("-")  # what rounds to nothing has no sign
        text = text.replace("-", "−")
        return text.translate(_SWAPPED) if self.language == "vi" else text

    def percent(self, rate: Number | None, digits: int = 2) -> str:
        """95,71 % in Vietnamese, 95.71% in English; `rate` is in percent already."""
        if rate is None:
            return NOTHING
        return self.number(rate, digits) + (f"{HARD_SPACE}%" if self.language == "vi" else "%")

    def signed(self, value: Number | None, digits: int = 0) -> str:
        """A difference: +1.234, −0,71, 0."""
        if value is None:
            return NOTHING
        text = self.number(value, digits)
        return f"+{text}" if value > 0 and text.strip("0.,") else text

    def money(self, amount: Number | None) -> str:
        """Whole đồng: 1.234.567 đ; in English 1,234,567 đ."""
        return NOTHING if amount is None else f"{self.number(amount)}{HARD_SPACE}đ"

    def large_money(self, amount: Number | None) -> str:
        """Sums that nobody reads to the đồng: tỷ (10⁹) and triệu (10⁶) in Vietnamese, bn and m in English."""
        if amount is None:
            return NOTHING
        for size, vi, en in _UNITS:
            if abs(float(amount)) >= size:
                unit = vi if self.language == "vi" else en
                return f"{self.number(Decimal(str(amount)) / size, 2)}{HARD_SPACE}{unit}{HARD_SPACE}đ"
        return self.money(amount)

    def month(self, month: date | None) -> str:
        """08/2025 in Vietnamese, Aug 2025 in English."""
        if month is None:
            return NOTHING
        return f"{month:%m/%Y}" if self.language == "vi" else f"{_MONTHS[month.month - 1]}{HARD_SPACE}{month.year}"

    def day(self, day: date | datetime | None) -> str:
        """25/08/2025 in Vietnamese, 2025-08-25 in English."""
        return NOTHING if day is None else f"{day:%d/%m/%Y}" if self.language == "vi" else f"{day:%Y-%m-%d}"

    def moment(self, moment: datetime | None) -> str:
        """With the time, UTC as in the warehouse."""
        return NOTHING if moment is None else f"{self.day(moment)}{HARD_SPACE}{moment:%H:%M}{HARD_SPACE}UTC"

    @property
    def d3(self) -> dict[str, object]:
        """The same for the axes of a chart (a d3-format locale)."""
        decimal, thousands = (",", ".") if self.language == "vi" else (".", ",")
        return {"decimal": decimal, "thousands": thousands, "grouping": [3], "currency": ["", "\N{NO-BREAK SPACE}đ"]}
