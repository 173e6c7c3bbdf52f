"""Which partition a delivery is of, told before it is read.

What the sender says counts (manifest, folders, file name: `warehouse.landing`). Claim files mostly say nothing, so the first HOSO whose
XML1 can be read is looked at: the province of MA_CSKCB (its first two digits) and the settlement month (NAM_QT, THANG_QT). That opens the
file and reads about one claim of it, not the whole. A file may go on with other provinces or months: it is still planned, read and locked
as one delivery, there where its first claim is; its rows count where they belong.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import polars as pl

from expectations.exports.claims import CLAIM_DELIVERED
from transforms.dates import read_date
from warehouse.containers import content
from warehouse.landing import Landed
from warehouse.partitions import NATION, Partition
from warehouse.readers.claim_lists import claim_file
from warehouse.readers.claims import ClaimBatch, ClaimsFile
from warehouse.readers.claims_documents import KINDS, Flaw, Reader
from warehouse.readers.claims_envelope import Envelope
from warehouse.refusal import Refusal

_LOOKED_AT = 20  # HOSO; a file whose first twenty cannot be read says nothing
_ELEMENT = {f.name: (f.element, *f.labels) for f in CLAIM_DELIVERED}


def partition_of(item: Landed, spool: Path) -> Partition:
    """The partition of a delivery; province NATION or month None where nothing tells. Raises nothing for what is wrong with the file."""
    export, province, month = item.export or "", item.province, item.period
    if export == "claims" and item.refusal is None and (province is None or month is None):
        try:
            with content(item, spool) as path:
                file = claim_file(path)
                told, settled = first_claim(path) if isinstance(file, ClaimsFile) else first_row(file)
        except (Refusal, OSError, ValueError, EOFError):
            told, settled = None, None
        province, month = province or told, month or settled
    return Partition(export, province or NATION, month)


def first_claim(path: Path) -> tuple[str | None, date | None]:
    """Province and settlement month of the first claim of a file that has both, None where unknown. Raises Refusal as the envelope does."""
    reader = Reader(KINDS["1"])
    for hoso in Envelope(path):
        if hoso.ordinal > _LOOKED_AT:
            break
        for kind, document in hoso.documents:
            if kind != "1" or document is None:
                continue
            try:
                texts = reader.read(document, "").texts
            except Flaw:
                continue
            facility, year, month = (_text(texts, name) for name in ("facility_code", "settlement_year", "settlement_month"))
            if facility[:2].isdecimal() and len(facility) >= 2 and year.isdecimal() and month.isdecimal() and 1 <= int(month) <= 12:
                return facility[:2], date(int(year), int(month), 1)
    return None, None


def first_row(file: Iterable[ClaimBatch]) -> tuple[str | None, date | None]:
    """The same of a flat list of claims (79a, 80a, 01/BH), which gives no settlement month in its rows: the month of discharge."""
    for batch in file:
        rows = batch.claims.select(c for c in ("facility_code", "discharged_at") if c in batch.claims.columns).head(_LOOKED_AT)
        if set(rows.columns) == {"facility_code", "discharged_at"}:
            read = rows.select(pl.col("facility_code").str.head(2), day=read_date(pl.col("discharged_at"))).drop_nulls()
            if not read.is_empty():
                province, day = read.row(0)
                return province, day.replace(day=1)
        break
    return None, None


def _text(texts: list[str | None], field: str) -> str:
    """A delivered field of the first record: the first of its elements that is filled."""
    places = KINDS["1"].places
    found = ((texts[places[e]] or "").strip() for e in _ELEMENT[field] if e in places and places[e] < len(texts))
    return next((t for t in found if t), "")
