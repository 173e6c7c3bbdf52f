"""Writing the files of a landing zone, whatever their format, and keeping count of what was delivered."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import unicodedata
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import xlsxwriter
import zstandard

from expectations.declare import Table
from warehouse.samples import legacy_text
from warehouse.samples.dialects import Dialect

_ZIP_TIME = (2025, 1, 1, 0, 0, 0)
_FIRST_RECEIPT = int(datetime(2025, 1, 6, 1, 0, tzinfo=UTC).timestamp())
_TITLE = ("BẢO HIỂM XÃ HỘI VIỆT NAM", "Cộng hòa xã hội chủ nghĩa Việt Nam", "DANH SÁCH")


@dataclass
class Outbox:
    """Files below `landing`. Each gets a modification time a minute after the one before, so that "later" is defined."""

    landing: Path
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    _clock: int = 0

    def put(self, path: str, data: bytes, *, received: int | None = None) -> None:
        """Write one file; `received` (minutes) overrides its place in the order of receipt."""
        self._clock += 1
        target = self.landing / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        moment = _FIRST_RECEIPT + 60 * (self._clock if received is None else received)
        os.utime(target, (moment, moment))

    def note(
        self,
        path: str,
        export: str,
        *,
        status: str = "loaded",
        read: int = 0,
        quarantined: int = 0,
        repeated: int = 0,
        province: str | None = None,
        period: str | None = None,
        reason: str | None = None,
    ) -> None:
        """What is to be expected of the delivery at `path` (an archive's member: `batch.zip!/a.xml`)."""
        if status == "refused":
            read = quarantined = repeated = 0
        self.deliveries.append(
            {
                "path": path,
                "export": export,
                "status": status,
                "reason": reason,
                "province": province,
                "period": period,
                "records_read": read,
                "records_loaded": read - quarantined - repeated,
                "records_quarantined": quarantined,
                "records_repeated": repeated,
            }
        )

    def sidecar(self, path: str, told: Mapping[str, object]) -> None:
        data = json.dumps(told, ensure_ascii=False, sort_keys=True).encode()
        target = self.landing / f"{path}.manifest.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        os.utime(target, (_FIRST_RECEIPT, _FIRST_RECEIPT))


def register_path(folder: str, stem: str, dialect: Dialect, province: str, period: date) -> tuple[str, dict[str, object] | None]:
    """Where a register lies and what its sidecar tells (None: it has none)."""
    month = f"{period:%Y-%m}"
    suffix = f".{dialect.format}{f'.{dialect.packed}' if dialect.packed in ('gz', 'zst') else ''}"
    if dialect.told_by == "path":
        return f"{folder}/province={province}/period={month}/{stem}{suffix}", None
    if dialect.told_by == "sidecar":
        return f"{folder}/{province}/{month}/{stem}{suffix}", {"province": province, "period": month}
    return f"{folder}/{stem}_{province}_{month}{suffix}", None


def table_bytes(frame: pl.DataFrame, table: Table, dialect: Dialect, *, damaged: Sequence[bytes] = ()) -> bytes:
    """`frame` (columns by element name; text, or true dates) as the bytes of one unpacked or gz / zst file.

    `damaged`: lines to be put at the end as they are (CSV only), already encoded.
    """
    if dialect.format == "xlsx":
        return _xlsx(frame, table, dialect)
    if dialect.format == "parquet":
        sink = io.BytesIO()
        frame.write_parquet(sink, compression="zstd")
        return sink.getvalue()
    return packed(_csv(frame, table, dialect) + b"".join(damaged), dialect.packed)


def packed(data: bytes, how: str) -> bytes:
    if how == "gz":
        return gzip.compress(data, 5, mtime=0)
    if how == "zst":
        return zstandard.ZstdCompressor(level=3).compress(data)
    return data


def zipped(members: Mapping[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=5) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), data, zipfile.ZIP_DEFLATED)
    return sink.getvalue()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def headers(columns: Sequence[str], table: Table, dialect: Dialect) -> list[str]:
    if dialect.headers == "labels":
        return [next(f.vietnamese for f in table.delivered if f.element == c) for c in columns]
    if dialect.headers == "loose":
        return [c.replace("_", " ").lower() for c in columns]
    return list(columns)


def _csv(frame: pl.DataFrame, table: Table, dialect: Dialect) -> bytes:
    named = frame.rename(dict(zip(frame.columns, headers(frame.columns, table, dialect), strict=True)))
    text = named.write_csv(separator=dialect.delimiter, quote_style="always" if dialect.quoted else "necessary", null_value="")
    if dialect.normal_form == "NFD":
        text = unicodedata.normalize("NFD", text)
    if dialect.encoding in ("cp1258", "tcvn3", "vni"):
        return legacy_text.encode_long(text, dialect.encoding)
    return text.encode(dialect.encoding)


def _xlsx(frame: pl.DataFrame, table: Table, dialect: Dialect) -> bytes:
    sink = io.BytesIO()
    book = xlsxwriter.Workbook(sink, {"in_memory": True, "constant_memory": False, "strings_to_numbers": False})
    book.set_properties({"created": datetime(2025, 1, 1)})
    sheet = book.add_worksheet(table.vietnamese[:30])
    day = book.add_format({"num_format": "dd/mm/yyyy"})
    top = 0
    if dialect.ornaments:
        for i, line in enumerate(_TITLE):
            sheet.write_string(i, 1, line)
        top = len(_TITLE) + 1
    for j, header in enumerate(headers(frame.columns, table, dialect)):
        sheet.write_string(top, j, header)
    for j, name in enumerate(frame.columns):
        values = frame[name].to_list()
        for i, value in enumerate(values, top + 1):
            if value is None or value == "":
                continue
            if isinstance(value, date):
                sheet.write_datetime(i, j, datetime(value.year, value.month, value.day), day)
            elif isinstance(value, str):
                sheet.write_string(i, j, value)
            else:
                sheet.write_number(i, j, value)
    if dialect.ornaments:
        end = top + 1 + frame.height
        sheet.write_string(end, 0, "Tổng cộng")
        sheet.write_number(end, 1, frame.height)
        sheet.write_string(end + 2, 1, "Người lập biểu")
        sheet.write_string(end + 2, 4, "Giám đốc (ký tên, đóng dấu)")
    book.close()
    return sink.getvalue()
