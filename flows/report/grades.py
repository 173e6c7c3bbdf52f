"""Grades of what the provinces deliver: A to D, each by three plain measures; the worst of them is the grade.

The limits are ours, not law: a quarantine share of 5 % is where a delivery is held (`COVERAGE_BAD_ROWS_LIMIT_PCT`), so it is the worst
that may count; a register a month late is one that the next night can still put right.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

# grade: (deliveries accepted, percent at least; records in quarantine, percent at most; months that the register is behind, at most)
LIMITS: dict[str, tuple[float, float, int]] = {"A": (100.0, 0.5, 0), "B": (95.0, 2.0, 1), "C": (80.0, 5.0, 3)}
WORST = "D"


@dataclass(frozen=True)
class Delivered:
    """What came from one province (34). Repeats of the same bytes count in neither number; superseded files were accepted."""

    province_code: str
    province_name: str
    deliveries: int
    accepted: int
    records_read: int
    records_quarantined: int
    register_month: date | None  # latest card register in use
    months_behind: int | None  # against the newest month of the nation; None without a register

    @property
    def accepted_pct(self) -> float | None:
        return 100.0 * self.accepted / self.deliveries if self.deliveries else None

    @property
    def quarantined_pct(self) -> float | None:
        return 100.0 * self.records_quarantined / self.records_read if self.records_read else None

    @property
    def grade(self) -> str | None:
        """A, B, C or D; None for a province that delivers nothing and has no register."""
        if not self.deliveries and self.months_behind is None:
            return None
        accepted = 100.0 if self.accepted_pct is None else self.accepted_pct
        for grade, (least, most, behind) in LIMITS.items():
            on_time = self.months_behind is not None and self.months_behind <= behind
            if accepted >= least and (self.quarantined_pct or 0.0) <= most and on_time:
                return grade
        return WORST
