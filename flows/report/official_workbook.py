"""The official report as XLSX: a first sheet with heading and signatures, then one sheet a table; numbers are numbers, shown the
Vietnamese way."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import xlsxwriter

from flows.report.official import Report, Sheet
from warehouse.storage import replacing

# Excel shows these with the reader's own marks: 1.234.567 and 95,71 where the system is Vietnamese.
FORMATS = {"count": "#,##0", "money": "#,##0", "percent": "0.00", "points": "+0.00;-0.00;0.00", "text": "@"}
FONT = {"font_name": "Times New Roman", "font_size": 12}
ORIGIN = datetime(2025, 1, 1)  # in the file's properties, so that the same report gives the same bytes


def save(report: Report, path: Path) -> None:
    """Write the workbook, whole or not at all."""
    with replacing(path, 0o644) as temporary, xlsxwriter.Workbook(str(temporary)) as book:
        book.set_properties({"title": report.title, "created": ORIGIN})
        book.formats[0].set_font_name(FONT["font_name"])
        book.formats[0].set_font_size(FONT["font_size"])
        _cover(book, report)
        for sheet in report.sheets:
            _table(book, sheet)


def _cover(book: Any, report: Report) -> None:
    sheet = book.add_worksheet("Báo cáo")
    _paper(sheet, portrait=True)
    sheet.set_column(0, 1, 46)
    centre = {**FONT, "align": "center", "valign": "top", "text_wrap": True}
    plain, strong = book.add_format(centre), book.add_format({**centre, "bold": True})
    title, slanted = book.add_format({**centre, "bold": True, "font_size": 14}), book.add_format({**centre, "italic": True})
    left = book.add_format({**FONT, "text_wrap": True, "valign": "top"})
    lines = (
        ("CƠ QUAN BÁO CÁO: ……………………", strong, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", strong),
        ("", plain, "Độc lập - Tự do - Hạnh phúc", strong),
        ("Số: ……/BC-……", plain, "……………, ngày …… tháng …… năm ……", slanted),
    )
    for row, (a, format_a, b, format_b) in enumerate(lines):
        sheet.write(row, 0, a, format_a)
        sheet.write(row, 1, b, format_b)
    sheet.merge_range(4, 0, 4, 1, "BÁO CÁO", title)
    sheet.merge_range(5, 0, 5, 1, report.title, title)
    sheet.merge_range(6, 0, 6, 1, f"Phạm vi: {report.place}", plain)
    sheet.set_row(5, 36)
    row = 8
    for table in report.sheets:
        sheet.write_url(row, 0, f"internal:'{table.name}'!A1", left, table.title)
        row += 1
    sheet.merge_range(row + 1, 0, row + 1, 1, f"Số liệu của kho bao phủ BHYT, phiên bản {report.run_id}.", left)
    sheet.write(row + 3, 0, "NGƯỜI LẬP BIỂU", strong)
    sheet.write(row + 3, 1, "THỦ TRƯỞNG CƠ QUAN", strong)
    sheet.write(row + 4, 0, "(Ký, ghi rõ họ tên)", slanted)
    sheet.write(row + 4, 1, "(Ký, ghi rõ họ tên, đóng dấu)", slanted)


def _table(book: Any, table: Sheet) -> None:
    sheet = book.add_worksheet(table.name)
    _paper(sheet, portrait=False)
    head = book.add_format(
        {**FONT, "bold": True, "align": "center", "valign": "vcenter", "text_wrap": True, "border": 1, "bg_color": "#E9EEF5"}
    )
    cells = {kind: book.add_format({**FONT, "num_format": shape, "border": 1, "valign": "top", "text_wrap": kind == "text"})
             for kind, shape in FORMATS.items()}  # fmt: skip
    sheet.write(0, 0, table.title, book.add_format({**FONT, "bold": True, "font_size": 13}))
    for i, column in enumerate(table.columns):
        sheet.set_column(i, i, column.width)
        sheet.write(2, i, column.heading, head)
    sheet.set_row(2, 48)
    for r, values in enumerate(table.rows, start=3):
        for i, (value, column) in enumerate(zip(values, table.columns, strict=True)):
            if value is None:
                sheet.write_blank(r, i, None, cells[column.kind])
            elif column.kind == "text":
                sheet.write_string(r, i, str(value), cells["text"])
            else:
                sheet.write_number(r, i, float(value), cells[column.kind])
    if table.note:
        sheet.write(4 + len(table.rows), 0, table.note, book.add_format({**FONT, "italic": True}))
    sheet.repeat_rows(2)
    sheet.freeze_panes(3, 0)


def _paper(sheet: Any, *, portrait: bool) -> None:
    sheet.set_paper(9)  # A4
    (sheet.set_portrait if portrait else sheet.set_landscape)()
    sheet.set_margins(left=0.8, right=0.6, top=0.8, bottom=0.8)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&C&P/&N")
