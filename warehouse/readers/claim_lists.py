"""Flat lists of claims (79a, 80a, 01/BH) from file to raw frames: workbooks, delimited text, and the XML HSTH01BH.

They yield the same `ClaimBatch`es as `warehouse.readers.claims`, without lines. What the columns mean is in `transforms.claim_lists`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import polars as pl
from lxml import etree

from expectations.declare import Table
from expectations.exports.claim_lists import LIST_01BH, LIST_79A, XML_01BH
from expectations.exports.claims import CLAIMS, LINE_DELIVERED
from transforms.claim_codes import FAMILY_130, FAMILY_4210
from transforms.claim_lists import LIST_01BH as FORM_01BH
from transforms.claim_lists import LIST_79A as FORM_79A
from warehouse.readers import formats, tabular
from warehouse.readers.claims import ClaimBatch, ClaimsFile
from warehouse.readers.claims_documents import SAFELY
from warehouse.refusal import Refusal

_ROOT, _, _RECORD = XML_01BH
_CHUNK = 1 << 20
_BATCH = 20_000
ENOUGH = 0.5  # a heading with this share of a list's required columns is that list's; with fewer the file is something else
NO_LINES = pl.DataFrame(schema={"row_number": pl.Int64, "line_table": pl.String, **{f.name: pl.String for f in LINE_DELIVERED}})
# libxml2's codes for a document that ends too early: 5 document end, 77 tag not finished, 74 `</` not finished, 73 `>` missing.
_ENDS_EARLY = frozenset({5, 73, 74, 77})


def claim_file(path: Path) -> ClaimsFile | TableList | XmlList:
    """The reader of a file of `hospitals/claims`. Each iterates over `ClaimBatch`es and has `declared`, final at the end.

    Raises Refusal as `formats.checked` does, and as each reader says.
    """
    if formats.holds(path) in (formats.Format.TEXT, formats.Format.WORKBOOK):
        return TableList(path)
    formats.checked(path, CLAIMS)
    with path.open("rb") as file:
        start = file.read(4096).replace(b"\0", b"")  # UTF-16 too
    opened = re.search(rb"<(?![?!])(?:[\w.-]+:)?([\w.-]+)", re.sub(rb"<!--.*?-->", b"", start, flags=re.DOTALL))
    return XmlList(path) if opened and opened[1] == _ROOT.encode() else ClaimsFile(path)


class TableList:
    """A list as workbook or delimited text: 01/BH or 79a/80a, whichever its heading is. Title rows above, totals and signatures below.

    Raises Refusal `wrong_format` for less than half a heading, `missing_column` (which names for each form what is not there), and
    what `tabular.read` raises.
    """

    declared: int | None = None

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[ClaimBatch]:
        form, batches = self._opened()
        for rows in batches:
            yield _batch(rows, form)

    def _opened(self) -> tuple[Table, Iterable[pl.DataFrame]]:
        lacking: list[tabular.MissingColumns] = []
        for form in (LIST_01BH, LIST_79A):
            batches = tabular.read(self._path, form)
            try:
                first = next(batches)
            except tabular.MissingColumns as refusal:
                lacking.append(refusal)
            else:
                return form, chain((first,), batches)
        nearest = max(lacking, key=lambda r: r.named)
        if nearest.named < ENOUGH:
            holds = formats.holds(self._path)
            raise Refusal("wrong_format", f"the file holds {holds}, not claim XML and no list 79a, 80a or 01/BH, as {CLAIMS.folder} takes")
        said = "; ".join(f"as a list {n}: {r.reason}" for n, r in zip(("01/BH", "79a/80a"), lacking, strict=True))
        raise Refusal("missing_column", said, nearest.position)


class XmlList:
    """The list 01/BH as XML (HSTH01BH), read as a stream: memory does not grow with its rows.

    Raises Refusal (`not_the_format`, `unsafe_xml`, `malformed`, `truncated`, `empty`), possibly after some batches.
    """

    declared: int | None = None

    def __init__(self, path: Path) -> None:
        self._path = path
        self._elements = [f.element or "" for f in LIST_01BH.delivered]

    def __iter__(self) -> Iterator[ClaimBatch]:
        texts: list[list[str | None]] = []
        read = 0
        for record in self._records():
            texts.append(record)
            if len(texts) == _BATCH:
                yield _batch(self._frame(texts, read), LIST_01BH)
                read, texts = read + len(texts), []
        if texts:
            yield _batch(self._frame(texts, read), LIST_01BH)
        elif not read:
            raise Refusal("empty", f"the list holds no {_RECORD}")

    def _records(self) -> Iterator[list[str | None]]:
        parser = etree.XMLPullParser(events=("start", "end"), **SAFELY)
        depth = 0
        try:
            with self._path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    parser.feed(chunk)
                    for event, element in parser.read_events():
                        if not isinstance(element, etree._Element):
                            continue
                        depth += 1 if event == "start" else -1
                        if event == "start" and depth == 1:
                            _check(element)
                        elif event == "end" and etree.QName(element).localname == _RECORD:
                            said = {etree.QName(child).localname: child.text for child in element if isinstance(child.tag, str)}
                            yield [said.get(name) for name in self._elements]
                            _free(element)
            parser.close()
        except etree.XMLSyntaxError as error:
            line, column = error.position
            where = f"line {line}, column {column}"
            if error.code in _ENDS_EARLY:  # type: ignore[attr-defined]
                raise Refusal("truncated", "the XML breaks off; send the file again, whole", where) from None
            raise Refusal("malformed", "the XML is malformed; export the file again", where) from None

    def _frame(self, texts: list[list[str | None]], before: int) -> pl.DataFrame:
        names = [f.name for f in LIST_01BH.delivered]
        frame = pl.DataFrame(texts, schema=dict.fromkeys(names, pl.String()), orient="row")
        stripped = frame.select(pl.all().str.strip_chars().str.normalize("NFC")).select(pl.when(pl.all() != "").then(pl.all()))
        numbered = pl.int_range(before + 1, before + 1 + pl.len(), dtype=pl.Int64).alias("row_number")
        return stripped.select(numbered, pl.lit(None, pl.String).alias("row_flaw"), pl.all())


def _batch(rows: pl.DataFrame, form: Table) -> ClaimBatch:
    """Raw rows of a list as a batch of claims. The form of 41 columns without T_NGUONKHAC is the older one, of before there were any."""
    of_79a = form is LIST_79A
    added = [pl.lit("0").alias("other_sources")] if of_79a and "other_sources" not in rows.columns else []
    claims = rows.with_columns(
        *added,
        position=pl.col("row_number"),
        standard=pl.lit(FAMILY_4210 if of_79a else FAMILY_130),
        source_form=pl.lit(FORM_79A if of_79a else FORM_01BH),
        issued_on=pl.lit(None, pl.Date),
    )
    return ClaimBatch(claims, NO_LINES)


def _check(root: etree._Element) -> None:
    """Refuse another root, and a DTD, before anything else is read."""
    if root.getroottree().docinfo.internalDTD is not None:
        raise Refusal("unsafe_xml", "the file has a DOCTYPE; export it without DTD and entities", "line 1")
    if (name := etree.QName(root).localname) != _ROOT:
        raise Refusal("not_the_format", f"the root is {name[:60]}, a list 01/BH has {_ROOT}", f"line {root.sourceline}")


def _free(element: etree._Element) -> None:
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]
