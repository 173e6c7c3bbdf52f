"""Delimited text (`,` `;` tab `|`) as frames of text, one column a cell.

Blocks without oddities go to Polars as bytes. A block that Polars cannot take apart (more cells than the header, stray quotes, broken
bytes) is taken apart here record by record, so that one bad row never costs the others: a record whose quotes do not pair up is read as
one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl

from warehouse.readers.text import RECORD_LIMIT, Encoding, blocks

DELIMITERS = (",", ";", "\t", "|")
_REPLACEMENT = "\ufffd"
_QUOTE, _LF, _CR = 34, 10, 13


@dataclass(frozen=True)
class Record:
    """One record of text: its cells, what is wrong with it, and where it ends in its block (bytes)."""

    cells: list[str]
    flaw: str | None
    end: int


@cache
def _patterns(delimiter: str) -> tuple[re.Pattern[bytes], re.Pattern[bytes], re.Pattern[bytes]]:
    """A strict record, the fields of one, and the fields of a line whose quotes are out of order."""
    d = re.escape(delimiter.encode())
    quoted = rb'"[^"]*+(?:""[^"]*+)*+"'
    bare = rb"[^" + d + rb'"\n][^' + d + rb"\n]*+"
    field = rb"(?:" + quoted + rb"(?=" + d + rb"|\r?\n|\r?\Z)|" + bare + rb"|)"
    record = re.compile(field + rb"(?:" + d + field + rb")*+\r?(?:\n|\Z)")
    fields = re.compile(d + rb"(" + field + rb")")  # of a record with a delimiter put in front
    # A quote closes a field only before a delimiter or the end; all others belong to the text.
    loose = re.compile(d + rb'("[^\n]*?"(?=' + d + rb"|\Z)|[^" + d + rb"]*)")
    return record, fields, loose


def take_apart(block: bytes, delimiter: str, width: int | None, *, more: bool = False, replaced: bool = False) -> Iterator[Record]:
    """The records of a block of UTF-8, blank ones too. `width`: cells of the header, None while it is not known.

    With `more`, a record that might go on behind the block's end is not yielded. `replaced`: U+FFFD stands for what could not be decoded.
    """
    strict, fields, loose = _patterns(delimiter)
    separator, at = delimiter.encode(), 0
    while at < len(block):
        end = block.find(b"\n", at)
        if end < 0 and more:
            return
        line_end, after = (len(block), len(block)) if end < 0 else (end, end + 1)
        line = block[at:line_end].removesuffix(b"\r")
        if b'"' not in line:
            cells = line.split(separator)
        else:
            match = strict.match(block, at, min(len(block), at + RECORD_LIMIT))
            # A record of several lines must fill the header, else a stray quote would swallow the rows below.
            several = match is not None and match.end() > after
            cells = [_unquoted(f) for f in fields.findall(separator + match[0].rstrip(b"\r\n"))] if match else []
            if match and not (several and width is not None and len(cells) != width):
                after = match.end()
            elif more and match is None and len(block) - at < RECORD_LIMIT and block.count(b'"', at) % 2:
                return
            else:
                cells = [_unquoted(f) for f in loose.findall(separator + line)]
        yield _record(cells, width, after, replaced)
        at = after


def _unquoted(field: bytes) -> bytes:
    return field[1:-1].replace(b'""', b'"') if len(field) > 1 and field.startswith(b'"') and field.endswith(b'"') else field


def _record(cells: list[bytes], width: int | None, end: int, replaced: bool) -> Record:
    raw = b"\x1f".join(cells)
    flaw = "too_many_cells" if width is not None and len(cells) > width else None
    try:
        text = [c.decode() for c in cells]
    except UnicodeDecodeError:
        text, flaw = [c.decode("utf-8", "replace") for c in cells], "undecodable"
    if replaced and any(_REPLACEMENT in c for c in text):
        flaw = "undecodable"
    return Record(text, "nul_byte" if b"\0" in raw else flaw, end)


def head(path: Path, encoding: Encoding, delimiter: str, rows: int) -> list[Record]:
    """The first records of a file."""
    records = (record for block, _ in blocks(path, encoding, RECORD_LIMIT) for record in take_apart(block, delimiter, None))
    return list(islice(records, rows))


def width_of(header: int, below: Sequence[Record]) -> int:
    """Cells of a full row: those of the header, or more when all rows below it end in the same number of empty cells (`a;b;`)."""
    widths = {len(r.cells) for r in below if any(c.strip() for c in r.cells)}
    if len(widths) == 1 and (width := widths.pop()) > header and all(not c.strip() for r in below for c in r.cells[header:]):
        return width
    return header


def frames(path: Path, encoding: Encoding, delimiter: str, width: int, skip: int) -> Iterator[pl.DataFrame]:
    """Records from the one after the first `skip` on, blank ones too: `row_number` (Int64, counts every record from 1), `row_flaw` (String:
    `nul_byte`, `too_many_cells`, `undecodable` or null) and `c0` … `c{width-1}` (String, null where the record is short or the cell empty).

    Memory holds one block at a time.
    """
    number, carry = 1, b""
    for block, sound in blocks(path, encoding):
        text = carry + block if carry else block
        carry = b""
        if skip:
            for record in take_apart(text, delimiter, None):
                skip, number, carry = skip - 1, number + 1, text[record.end :]
                if not skip:
                    break
            text, carry = carry, b""
        frame = _by_polars(text, encoding, delimiter, width) if sound else None
        if frame is None:
            frame, carry = _record_by_record(text, encoding, delimiter, width, more=not sound)
        yield _numbered(frame, number)
        number += frame.height
    if carry:
        frame, _ = _record_by_record(carry, encoding, delimiter, width, more=False)
        yield _numbered(frame, number)


def _numbered(frame: pl.DataFrame, start: int) -> pl.DataFrame:
    return frame.select(pl.int_range(start, start + frame.height, dtype=pl.Int64).alias("row_number"), pl.all())


def _columns(width: int) -> list[str]:
    return [f"c{n}" for n in range(width)]


def _by_polars(block: bytes, encoding: Encoding, delimiter: str, width: int) -> pl.DataFrame | None:
    """A block as a frame, or None when it has to be taken apart record by record."""
    if not block:
        return None
    quotes = b'"' in block
    if (quotes and not _quotes_in_order(block, delimiter)) or (encoding.codec != "utf-8" and _REPLACEMENT.encode() in block):
        return None
    try:
        frame = pl.read_csv(
            block,
            has_header=False,
            schema={c: pl.String() for c in _columns(width)},
            separator=delimiter,
            quote_char='"' if quotes else None,
            infer_schema=False,
            missing_columns="insert",  # short rows
            truncate_ragged_lines=False,  # long rows are an error here, and told one by one then
            empty_string_is_null=True,
        )
    except pl.exceptions.PolarsError:
        return None
    flaw = pl.lit(None, pl.String)
    if b"\0" in block:
        flaw = pl.when(pl.any_horizontal(pl.all().str.contains("\0", literal=True).fill_null(False))).then(pl.lit("nul_byte"))
    return frame.select(flaw.alias("row_flaw"), pl.all())


def _quotes_in_order(block: bytes, delimiter: str) -> bool:
    """Whether every quote opens or closes a cell or is doubled inside one, and no record in quotes runs over a line end.

    Quotes are taken in pairs: each opening one must stand at the start of a cell or right behind a closing one (`""`), each closing
    one at the end of a cell or right before an opening one.
    """
    text = np.frombuffer(block, np.uint8)
    quotes = np.flatnonzero(text == _QUOTE)
    if len(quotes) % 2:
        return False
    opening, closing = quotes[::2], quotes[1::2]
    before = np.where(opening > 0, text[opening - 1], _LF)
    after = np.where(closing + 1 < len(text), text[np.minimum(closing + 1, len(text) - 1)], _LF)
    separator = ord(delimiter)
    doubled = closing[:-1] + 1 == opening[1:]
    starts = (before == separator) | (before == _LF)
    ends = (after == separator) | (after == _LF) | (after == _CR)
    starts[1:] |= doubled
    ends[:-1] |= doubled
    if not (starts.all() and ends.all()):
        return False
    lines = np.flatnonzero(text == _LF)
    return bool((np.searchsorted(lines, opening) == np.searchsorted(lines, closing)).all())


def _record_by_record(block: bytes, encoding: Encoding, delimiter: str, width: int, *, more: bool) -> tuple[pl.DataFrame, bytes]:
    records = list(take_apart(block, delimiter, width, more=more, replaced=encoding.codec != "utf-8"))
    rest = block[records[-1].end :] if records else block
    cells = [[(r.cells[n] or None) if n < len(r.cells) else None for r in records] for n in range(width)]
    data: dict[str, list[str | None]] = {"row_flaw": [r.flaw for r in records], **dict(zip(_columns(width), cells, strict=True))}
    return pl.DataFrame(data, schema=dict.fromkeys(data, pl.String())), rest
