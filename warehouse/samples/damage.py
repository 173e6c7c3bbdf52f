"""Rows that break one rule of severity `error` each, to be slipped into sound registers: few enough that the file is not held."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl


@dataclass(frozen=True)
class Damage:
    rows: pl.DataFrame | None = None
    lines: tuple[bytes, ...] = ()

    @property
    def count(self) -> int:
        return (self.rows.height if self.rows is not None else 0) + len(self.lines)


@dataclass
class BadRows:
    """Faults still to be placed: element to change and what to write there. `placed` says which went into which register."""

    waiting: list[tuple[str, str, str | None]] = field(default_factory=list)  # rule, element, value
    placed: list[str] = field(default_factory=list)
    share: float = 0.04  # below the limit of 5 %

    def take(self, rows: pl.DataFrame) -> Damage:
        """As many faults as `rows` can bear. Each is a copy of a row with one cell spoilt; a column that the file lacks puts a fault off."""
        room = int(self.share * rows.height)
        spoilt = []
        for fault in list(self.waiting):
            rule, element, value = fault
            if len(spoilt) >= room or rows.schema.get(element) != pl.String:
                continue
            spoilt.append(rows[len(spoilt)].with_columns(pl.lit(value, pl.String).alias(element)))
            self.waiting.remove(fault)
            self.placed.append(rule)
        return Damage(pl.concat(spoilt)) if spoilt else Damage()


def card_faults() -> BadRows:
    return BadRows(
        [
            ("cards.card_number.missing", "MA_THE_BHYT", None),
            ("cards.card_number.unreadable", "MA_THE_BHYT", "DN4-79-12"),
            ("cards.full_name.missing", "HO_TEN", None),
            ("cards.birth_date.missing", "NGAY_SINH", None),
            ("cards.birth_date.unreadable", "NGAY_SINH", "31/02/1999"),
            ("cards.sex.missing", "GIOI_TINH", None),
            ("cards.sex.unreadable", "GIOI_TINH", "7"),
            ("cards.residence_province.missing", "MATINH_CU_TRU", None),
            ("cards.residence_province.unknown", "MATINH_CU_TRU", "99"),
            ("cards.valid_from.missing", "GT_THE_TU", None),
            ("cards.valid_from.unreadable", "GT_THE_TU", "đầu năm"),
            ("cards.valid_to.unreadable", "GT_THE_DEN", "hết hạn"),
            ("cards.withdrawn_on.unreadable", "NGAY_GIAM", "tháng trước"),
            ("cards.row.nul_byte", "HO_TEN", "Nguyễn\0Văn Hỏng"),
        ]
    )
