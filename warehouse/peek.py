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

from expectations.exports.claims import CLAIM_DELIVERED
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
            if found := _place(facility, year, month):
                return found
    return None, None


def first_row(file: Iterable[ClaimBatch]) -> tuple[str | None, date | None]:
    """The same of a flat list of claims (79a, 80a, 01/BH): its first row that has both."""
    wanted = ("facility_code", "settlement_year", "settlement_month")
    for batch in file:
        if not set(wanted) <= set(batch.claims.columns):
            break
        for facility, year, month in batch.claims.select(wanted).head(_LOOKED_AT).iter_rows():
            if found := _place(facility or "", year or "", month or ""):
                return found
        break
    return None, None


def _place(facility: str, year: str, month: str) -> tuple[str, date] | None:
    """Province and month as a claim gives them; None where one of them cannot be read."""
    if len(facility) >= 2 and facility[:2].isdecimal() and year.isdecimal() and month.isdecimal() and 1 <= int(month) <= 12:
        return (facility[:2], date(int(year), int(month), 1)) if 1900 <= int(year) <= 2999 else None
    return None


def _text(texts: list[str | None], field: str) -> str:
    """A delivered field of the first record: the first of its elements that is filled."""
    places = KINDS["1"].places
    found = ((texts[places[e]] or "").strip() for e in _ELEMENT[field] if e in places and places[e] < len(texts))
    return next((t for t in found if t), "")
