"""Rows that break one rule of severity `error` each, to be slipped into sound registers: few enough that the file is not held."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from warehouse.samples.dialects import Dialect


@dataclass(frozen=True)
class Damage:
    """`rows` to be added to a register, and whole `lines` for what no row can hold."""

    rows: pl.DataFrame | None = None
    lines: tuple[bytes, ...] = ()

    @property
    def count(self) -> int:
        return (self.rows.height if self.rows is not None else 0) + len(self.lines)


@dataclass
class BadRows:
    """Faults still to be placed: rule, element to change and what to write there. `where` says which went into which register."""

    waiting: list[tuple[str, str, str | None]] = field(default_factory=list)
    where: list[tuple[str, str, int]] = field(default_factory=list)  # path, rule, bad rows of the file
    share: float = 0.04  # below the limit of 5 %

    def take(self, rows: pl.DataFrame, dialect: Dialect, path: str) -> Damage:
        """As many faults as `rows` can bear. Each is a copy of a row with one cell spoilt; a file that cannot hold a fault puts it off."""
        room = min(3, int(self.share * rows.height))  # three at most, so that they spread over the formats
        plain_text = dialect.format == "csv" and dialect.encoding.startswith("utf-8") and not dialect.quoted
        spoilt: list[pl.DataFrame] = []
        lines: list[bytes] = []
        taken: list[str] = []
        for fault in list(self.waiting):
            rule, element, value = fault
            if len(taken) >= room:
                break
            if rule.startswith("cards.row.") and not plain_text:
                continue
            if element == "":
                lines.append(dialect.delimiter.join(["x"] * (rows.width + 3)).encode() + b"\n")
            elif rows.schema.get(element) == pl.String:
                spoilt.append(rows[len(taken)].with_columns(pl.lit(value, pl.String).alias(element)))
            else:
                continue
            self.waiting.remove(fault)
            taken.append(rule)
        self.where += [(path, rule, len(taken)) for rule in taken]
        return Damage(pl.concat(spoilt) if spoilt else None, tuple(lines))


def card_faults() -> BadRows:
    """Every rule of severity `error` for a row of a card register."""
    return BadRows(
        [
            ("cards.row.nul_byte", "HO_TEN", "Nguyễn\0Văn Hỏng"),
            ("cards.row.damaged", "", None),
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
            ("cards.valid_from.unreadable", "GT_THE_TU", "dau nam"),
            ("cards.valid_to.unreadable", "GT_THE_DEN", "het han"),
            ("cards.withdrawn_on.unreadable", "NGAY_GIAM", "thang truoc"),
        ]
    )
