"""What a file holds, told from its content; its name is not asked."""

from __future__ import annotations

import re
import zipfile
from enum import StrEnum
from pathlib import Path

from expectations.declare import Table
from warehouse.containers import DAMAGE, refuse_bomb
from warehouse.refusal import Refusal


class Format(StrEnum):
    """A format that some folder takes."""

    TEXT = "delimited text"
    WORKBOOK = "an Excel workbook"
    PARQUET = "Parquet"
    XML = "XML"


_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# What is neither of these, by its first bytes: to be named in the refusal.
_OTHERS = (
    (b"%PDF", "a PDF"), (b"\x89PNG", "an image"), (b"\xff\xd8\xff", "an image"), (b"GIF8", "an image"), (b"II*\0", "an image"),
    (b"MM\0*", "an image"), (b"BM", "an image"), (b"{\\rtf", "an RTF document"), (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"), (b"BZh", "a bzip2 file"), (b"\xfd7zXZ", "an xz file"),
    (b"SQLite format 3", "an SQLite database"), (b"PAR1", "Parquet"), (b"ARROW1", "an Arrow file"), (b"Obj\x01", "an Avro file"),
    (b"ORC", "an ORC file"), (b"\x7fELF", "a program"), (b"MZ", "a program"),
)  # fmt: skip
_OFFICE = {
    "word/document.xml": "a Word document",
    "ppt/presentation.xml": "a PowerPoint document",
    "content.xml": "an OpenDocument file (save it as XLSX)",
    "AndroidManifest.xml": "an Android program",
}
_START = 4096


def checked(path: Path, table: Table) -> Format:
    """The format of a file, if the folder of `table` takes it: XML for claims, the others for all else.

    Raises `Refusal`: empty_file, encrypted, wrong_format (which names what the file holds instead), and for a workbook zip_bomb and
    damaged_archive.
    """
    found = holds(path)
    takes = (Format.XML,) if table.name == "claims" else (Format.TEXT, Format.WORKBOOK, Format.PARQUET)
    if found in takes:
        return Format(found)
    wanted = "claim XML or a list 79a, 80a, 01/BH" if table.name == "claims" else "CSV, XLSX or Parquet"
    raise Refusal("wrong_format", f"the file holds {found}, not {wanted} as {table.folder} takes")


def holds(path: Path) -> str:
    """What a file holds: a `Format`, or words for what no folder takes. Raises `Refusal` as `checked` does, but for wrong_format."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(_START)
        file.seek(max(0, size - 4))
        end = file.read(4)
    if not start:
        raise Refusal("empty_file", "the file is empty (0 bytes)")
    if start.startswith(b"PAR1") and end == b"PAR1" and size >= 12:
        return Format.PARQUET
    if start.startswith(b"PAR1"):
        return "Parquet that is cut off"
    if start.startswith(_OLE2):
        return _ole2(path)
    if start.startswith(b"PK\x03\x04"):
        return _zip(path)
    return _text(start)


def _ole2(path: Path) -> str:
    """Old Excel, or a wrapper around an encrypted workbook. Names of streams stand in UTF-16 in the directory, within any sector."""
    with path.open("rb") as file:
        content = file.read(64 << 20)
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise Refusal("encrypted", "the workbook is protected with a password; save it without one")
    if "Workbook".encode("utf-16-le") in content or "Book".encode("utf-16-le") in content:
        return Format.WORKBOOK
    return "a Word document" if "WordDocument".encode("utf-16-le") in content else "an old Office document"


def _zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as document:
            names = set(document.namelist())
    except DAMAGE:
        return "a workbook or archive that is damaged or cut off"
    if names & {"xl/workbook.xml", "xl/workbook.bin"}:
        refuse_bomb(path)
        return Format.WORKBOOK
    return next((what for name, what in _OFFICE.items() if name in names), "a zip archive")


def _text(start: bytes) -> str:
    for magic, what in _OTHERS:
        # Two letters are also the begin of words: a bitmap and a program have a NUL near by.
        if start.startswith(magic) and (len(magic) > 2 or b"\0" in start[:16]):
            return what
    if start[257:262] == b"ustar":
        return "a tar archive"
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = start.decode("utf-16", "replace")
    elif start[1:2] == b"\0" or start[:1] == b"\0":
        text = start.decode("utf-16-le" if start[1:2] == b"\0" else "utf-16-be", "replace")
    else:
        text = start.decode("utf-8", "replace")
    text = text.lstrip("\ufeff \t\r\n").lower()
    if re.match(r"<(!doctype html|html|head|body|table|meta)\b", text):
        return "an HTML page (open it in Excel and save it as XLSX)"
    if re.match(r"<(\?xml|!--|!doctype|[a-z_][\w.:-]*[\s/>])", text):
        return Format.XML
    if re.match(r"[{\[]\s*([\"{\[\]}]|$)", text):
        return "JSON"
    return Format.TEXT
