"""The six-month and yearly reports on universal coverage (báo cáo bao phủ BHYT toàn dân; 5063/QĐ-UBND, III–IV): the same tables as XLSX
and on A4.

Every number is a mart's own or a sum of its rows. In Vietnamese, as the receiving offices want it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import duckdb

from flows.report import official_queries as queries
from flows.report.numbers import Style
from flows.report.template import TEMPLATES
from flows.report.words import words

Kind = Literal["text", "count", "money", "percent", "points"]
STYLE = Style("vi")
LISTED_ON_PAPER = 300  # employers on the A4 page; the workbook has all
LEVELS = {"1": "Trung ương", "2": "Tỉnh", "3": "Huyện", "4": "Xã", None: "Không rõ tuyến"}
OWNERSHIP = {"CONG": "Công lập", "TU": "Tư nhân", None: "Không rõ"}
REASONS = {
    "two_provinces": "Thẻ ở hai tỉnh",
    "old_and_new_number": "Số thẻ cũ và mới (số định danh cũ và mới)",
    "two_groups": "Hai nhóm đối tượng",
    "reissued": "Cấp lại cùng nhóm đối tượng",
    "other": "Nguyên nhân khác",
}


class WrongPeriod(Exception):
    """The period is not written as 2025-H1, 2025-H2 or 2025."""


class UnknownPlace(Exception):
    """The province is none of the 34, or there is nothing about the place or period; the message says which."""


@dataclass(frozen=True)
class Period:
    """A half-year or a year."""

    year: int
    half: int | None

    @staticmethod
    def of(text: str) -> Period:
        """2025-H1, 2025-H2 or 2025. Raises WrongPeriod."""
        found = re.fullmatch(r"(\d{4})(?:-H([12]))?", text)
        if not found:
            raise WrongPeriod(f"{text!r} is no period of a report; write a half-year as 2025-H1 or 2025-H2, or a year as 2025")
        return Period(int(found[1]), int(found[2]) if found[2] else None)

    @property
    def first(self) -> date:
        return date(self.year, 7 if self.half == 2 else 1, 1)

    @property
    def last(self) -> date:
        """First day of the last month."""
        return date(self.year, 6 if self.half == 1 else 12, 1)

    @property
    def last_day(self) -> date:
        return date(self.year, 6, 30) if self.half == 1 else date(self.year, 12, 31)

    @property
    def quarters(self) -> tuple[str, str]:
        return f"{self.year}-Q{3 if self.half == 2 else 1}", f"{self.year}-Q{2 if self.half == 1 else 4}"

    @property
    def name(self) -> str:
        halves = {1: f"6 tháng đầu năm {self.year}", 2: f"6 tháng cuối năm {self.year}"}
        return halves[self.half] if self.half else f"năm {self.year}"

    def __str__(self) -> str:
        return f"{self.year}-H{self.half}" if self.half else str(self.year)


@dataclass(frozen=True)
class Column:
    """Heading and kind of a column: decides alignment and number format in both forms."""

    heading: str
    kind: Kind = "count"
    width: int = 14


@dataclass(frozen=True)
class Sheet:
    """One table of the report."""

    name: str  # of the worksheet
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    note: str = ""

    @property
    def on_paper(self) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(told(v, c.kind) for v, c in zip(row, self.columns, strict=True)) for row in self.rows[:LISTED_ON_PAPER])

    @property
    def left_out(self) -> int:
        return max(0, len(self.rows) - LISTED_ON_PAPER)


@dataclass(frozen=True)
class Report:
    """All that both forms show."""

    period: Period
    place: str  # "Toàn quốc", or the name of the province
    province: str | None
    start: date  # months compared
    month: date
    run_id: str
    sheets: tuple[Sheet, ...]

    @property
    def title(self) -> str:
        return f"Tình hình thực hiện bao phủ bảo hiểm y tế toàn dân {self.period.name}"


def told(value: Any, kind: Kind) -> str:
    """A cell on paper."""
    if value is None or isinstance(value, str):
        return value or "–"
    if kind == "percent":
        return STYLE.percent(value)
    if kind == "points":
        return STYLE.signed(value, 2)
    return STYLE.number(value)


def write(out: Path, coverage_file: Path, period: Period, province: str | None = None) -> tuple[Path, Path]:
    """Write `bao_cao_bhyt_<period>[_<province>].xlsx` and `.html` into `out`; returns both. Raises UnknownPlace."""
    from flows.report.official_workbook import save

    with duckdb.connect(str(coverage_file), read_only=True) as connection:
        report = read(connection, period, province)
    out.mkdir(parents=True, exist_ok=True)
    name = f"bao_cao_bhyt_{period}{f'_{province}' if province else ''}"
    workbook, page = out / f"{name}.xlsx", out / f"{name}.html"
    save(report, workbook)
    page.write_text(TEMPLATES.get_template("official.html").render(r=report, s=STYLE), encoding="utf-8")
    return workbook, page


def read(connection: duckdb.DuckDBPyConnection, period: Period, province: str | None = None) -> Report:
    """Ask a version for a report. Raises UnknownPlace."""
    place = "Toàn quốc"
    if province is not None:
        named = connection.execute(queries.PLACE, {"province": province}).fetchone()
        if named is None:
            raise UnknownPlace(
                f"{province!r} is none of the 34 provinces of today; `SELECT code, province_name FROM dims.province` lists them"
            )
        place = str(named[0])
    first, last = _one(connection, queries.MONTHS, first=period.first, last=period.last) or (None, None)
    if last is None:
        raise UnknownPlace(
            f"no month of {period} has a card register, so there is nothing to report; `bhyt status` says which months there are"
        )
    before = (period.first - timedelta(days=1)).replace(day=1)
    has_before = _one(connection, queries.NATION, month=before) is not None
    asked = {
        "province": province, "start": before if has_before else first, "month": last,
        "first_quarter": period.quarters[0], "last_quarter": period.quarters[1], "last_day": period.last_day,
    }  # fmt: skip
    run = connection.execute("SELECT run_id FROM meta.snapshot").fetchone()
    sheets = (_coverage(connection, asked), _groups(connection, asked), *_funds(connection, asked), *_employers(connection, asked),
              _duplicates(connection, asked), _facilities(connection, asked))  # fmt: skip
    return Report(period, place, province, asked["start"], last, run[0] if run else "", sheets)


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, asked: dict[str, Any]) -> list[tuple[Any, ...]]:
    return connection.execute(sql, {k: v for k, v in asked.items() if f"${k}" in re.findall(r"\$\w+", sql)}).fetchall()


def _one(connection: duckdb.DuckDBPyConnection, sql: str, **asked: Any) -> tuple[Any, ...] | None:
    found = _rows(connection, sql, asked)
    return found[0] if found else None


def _coverage(c: duckdb.DuckDBPyConnection, asked: dict[str, Any]) -> Sheet:
    rows = _rows(c, queries.PROVINCES, asked)
    if asked["province"] is None:
        nation = _one(c, queries.NATION, **asked)
        if nation:
            rows.append((None, "Toàn quốc", nation[0], nation[1], *nation[3:7]))
    columns = (Column("Mã", "text", 6), Column("Tỉnh, thành phố", "text", 28), Column("Số người tham gia"), Column("Dân số"),
               Column("Tỷ lệ bao phủ (%)", "percent"), Column("Chỉ tiêu (%)", "percent"), Column("Chênh lệch (điểm %)", "points"),
               Column("Số người còn thiếu"))  # fmt: skip
    return Sheet("1 Bao phủ", f"1. Số người tham gia và tỷ lệ bao phủ BHYT đến hết {STYLE.month(asked['month'])}", columns, tuple(rows))


def _groups(c: duckdb.DuckDBPyConnection, asked: dict[str, Any]) -> Sheet:
    names = words("vi")
    found = _rows(c, queries.GROUPS, asked)
    total = sum(r[2] for r in found)
    rows = [
        (names.get(f"plan_{group}", group) if group else "Ngoài sáu nhóm, hoặc không rõ nhóm", start, end, end - start,
         100 * end / total if total else None, low, high)
        for group, start, end, low, high in found
    ]  # fmt: skip
    rows.append(("Cộng", sum(r[1] for r in found), total, total - sum(r[1] for r in found), 100.0 if total else None, None, None))
    children = _one(c, queries.CHILDREN, **asked)
    note = "Không có nguồn nào cho biết tổng số người thuộc từng nhóm, nên không tính tỷ lệ riêng của nhóm; chỉ tiêu là số giao cho nhóm."
    if children and children[0] is not None and children[1]:
        note += (
            f" Riêng trẻ em dưới 6 tuổi: {STYLE.number(children[0])} trên {STYLE.number(children[1])} trẻ,"
            f" đạt {STYLE.percent(100 * children[0] / children[1])}."
        )
    columns = (Column("Nhóm đối tượng", "text", 60), Column(f"Đầu kỳ ({STYLE.month(asked['start'])})"),
               Column(f"Cuối kỳ ({STYLE.month(asked['month'])})"), Column("Tăng, giảm"), Column("Tỷ trọng (%)", "percent"),
               Column("Chỉ tiêu thấp nhất (%)", "percent"), Column("Chỉ tiêu cao nhất (%)", "percent"))  # fmt: skip
    return Sheet("2 Nhóm", "2. Tham gia BHYT của sáu nhóm đối tượng so với kế hoạch", columns, tuple(rows), note)


def _funds(c: duckdb.DuckDBPyConnection, asked: dict[str, Any]) -> tuple[Sheet, ...]:
    columns = (
        Column("Quý", "text", 10),
        Column("Mã", "text", 6),
        Column("Tỉnh, thành phố", "text", 28),
        Column("Dự toán cả năm (đ)", "money", 20),
        Column("Quỹ thanh toán trong quý (đ)", "money", 20),
        Column("Lũy kế so dự toán (%)", "percent"),
    )
    sheets = [Sheet("3 Quỹ", "3. Sử dụng quỹ khám, chữa bệnh BHYT từng quý so với dự toán", columns, tuple(_rows(c, queries.FUNDS, asked)),
                    "Trong quý: số quỹ thanh toán cho các cơ sở KCB của tỉnh. Lũy kế: từ tháng 01 đến hết quý.")]  # fmt: skip
    facilities = _rows(c, queries.FACILITY_FUNDS, asked)
    if facilities:
        columns = (Column("Quý", "text", 10), Column("Mã", "text", 8), Column("Cơ sở KCB", "text", 40), *columns[3:])
        sheets.append(Sheet("3b Quỹ theo cơ sở", "3b. Cơ sở được giao dự toán riêng", columns, tuple(facilities)))
    return tuple(sheets)


def _employers(c: duckdb.DuckDBPyConnection, asked: dict[str, Any]) -> tuple[Sheet, Sheet]:
    columns = (
        Column("Quý", "text", 10),
        Column("Doanh nghiệp đã đăng ký"),
        Column("Đơn vị đang hoạt động"),
        Column("Người được trả lương"),
        Column("Đơn vị có đóng BHYT"),
        Column("Người có thẻ"),
        Column("Đơn vị đóng thiếu"),
        Column("Người còn thiếu"),
        Column("Doanh nghiệp mới chưa đóng"),
    )
    by_quarter = Sheet("4 Đơn vị", "4. Đơn vị trả lương và tham gia BHYT (đối chiếu với cơ quan thuế)", columns,
                       tuple(_rows(c, queries.COMPLIANCE, asked)))  # fmt: skip
    latest = _one(c, queries.EMPLOYERS_QUARTER, **asked)
    quarter = latest[0] if latest else None
    rows = _rows(c, queries.EMPLOYERS, {**asked, "quarter": quarter}) if quarter else []
    listed = [(code or "(cá nhân)", name or "(người sử dụng lao động là cá nhân)", *rest) for code, name, *rest in rows]
    listing = (
        Column("Mã số thuế", "text", 16),
        Column("Tên đơn vị", "text", 44),
        Column("Xã, phường", "text", 22),
        Column("Tỉnh, thành phố", "text", 24),
        Column("Người được trả lương"),
        Column("Người có thẻ BHYT"),
        Column("Còn thiếu"),
    )
    title = f"4b. Danh sách đơn vị trả lương nhưng tham gia BHYT thiếu người{f', quý {quarter}' if quarter else ''}"
    return by_quarter, Sheet("4b Danh sách đơn vị", title, listing, tuple(listed), "Xếp theo số người còn thiếu, nhiều nhất trước.")


def _duplicates(c: duckdb.DuckDBPyConnection, asked: dict[str, Any]) -> Sheet:
    found = _rows(c, queries.DUPLICATES, asked)
    rows = [(REASONS.get(reason, reason), ps, cs, pe, ce, ps - pe) for reason, ps, cs, pe, ce in found]
    if rows:
        rows.append(("Cộng", *(sum(r[i] for r in rows) for i in range(1, 6))))
    columns = (Column("Nguyên nhân", "text", 44), Column("Người, đầu kỳ"), Column("Thẻ, đầu kỳ"), Column("Người, cuối kỳ"),
               Column("Thẻ, cuối kỳ"), Column("Người giảm trong kỳ"))  # fmt: skip
    note = "Người giảm trong kỳ là số ròng: trường hợp đã xử lý trừ trường hợp mới phát sinh; số âm nghĩa là phát sinh nhiều hơn xử lý."
    return Sheet("5 Thẻ trùng", "5. Thẻ cấp trùng phát hiện và đã xử lý", columns, tuple(rows), note)


def _facilities(c: duckdb.DuckDBPyConnection, asked: dict[str, Any]) -> Sheet:
    registered = {(level, owner): n for level, owner, n in _rows(c, queries.REGISTRATION, asked)}
    counted = {(r[0], r[1]): r[2:] for r in _rows(c, queries.FACILITIES, asked)}
    places: Sequence[tuple[Any, Any]] = sorted({*registered, *counted}, key=lambda k: (k[0] or "9", k[1] or "~"))
    rows = [(LEVELS.get(k[0], k[0]), OWNERSHIP.get(k[1], k[1]), *counted.get(k, (0, 0, 0, 0)), registered.get(k, 0)) for k in places]
    if rows:
        rows.append(("Cộng", None, *(sum(r[i] for r in rows) for i in range(2, 7))))
    columns = (Column("Tuyến", "text", 20), Column("Loại hình", "text", 16), Column("Số cơ sở có hợp đồng"), Column("Bệnh viện"),
               Column("Phòng khám"), Column("Trạm y tế"), Column("Người đăng ký KCB ban đầu"))  # fmt: skip
    return Sheet("6 Cơ sở KCB", f"6. Cơ sở KCB BHYT theo tuyến và loại hình, ngày {STYLE.day(asked['last_day'])}", columns, tuple(rows))
