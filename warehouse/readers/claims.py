"""Claim XML of QĐ 4210 and of the QĐ 130 family, from file to raw frames.

`claims_envelope` finds the HOSO and their documents, `claims_documents` reads the documents, this module puts them into
frames under the English names of the declarations. `python -m benchmarks claims_xml` measures it beside lxml (docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import polars as pl

from expectations.declare import Field
from expectations.exports.claims import CLAIM_DELIVERED, LINE_DELIVERED
from transforms.dates import read_date
from warehouse.readers.claims_documents import KINDS, Flaw, Kind, Reader, Texts
from warehouse.readers.claims_envelope import Envelope, Hoso

# A national night is 500,000 claims of 20 lines: batches of about the size that the other readers yield.
LINES_PER_BATCH = 50_000
CLAIMS_PER_BATCH = 20_000

# Elements that only one standard has. A file of the 130 family may still carry an element of 4210, never the other way round.
_OF_130 = ("MA_THE_BHYT", "T_TONGCHI_BV", "MA_DOITUONG_KCB")
_OF_4210 = ("MA_THE", "T_TONGCHI", "MA_LYDO_VVIEN")
# Which flaw a HOSO with several gets: the one that says most about the damage.
_FLAWS = ("nul_byte", "undecodable", "no_xml1")


class ClaimBatch(NamedTuple):
    """`claims`: one row per HOSO (`row_number`, `row_flaw`, `position`, `standard`, `issued_on`, delivered fields of `CLAIMS`).
    `lines`: one row per line of XML2 and XML3 in file order (`row_number`, `line_table`, delivered fields of `CLAIM_LINES`).
    All text but `row_number` and `position` (Int64) and `issued_on` (Date, NGAYLAP of the envelope, null where it is missing or
    cannot be read); values stripped, NFC, empty is null.
    """

    claims: pl.DataFrame
    lines: pl.DataFrame


class ClaimTexts:
    """The texts of HOSO, of one file or of many, until they are put into frames: setting Polars to work costs as much as fifty claims."""

    def __init__(self) -> None:
        self._positions: list[int] = []
        self._flaws: list[str | None] = []
        self._issued_on: list[date | None] = []
        self._claims: Texts = []
        self._line_rows: list[int] = []
        self._line_tables: list[str] = []
        self._lines: Texts = []

    @property
    def claims(self) -> int:
        return len(self._positions)

    @property
    def lines(self) -> int:
        return len(self._line_rows)

    def back_to(self, claims: int, lines: int) -> None:
        """Forget what came after the first `claims` and `lines`."""
        del self._positions[claims:], self._flaws[claims:], self._issued_on[claims:]
        del self._line_rows[lines:], self._line_tables[lines:]
        del self._claims[claims * len(KINDS["1"].elements) :], self._lines[lines * len(KINDS["2"].elements) :]

    def add(self, hoso: Hoso, readers: Mapping[str, Reader], issued_on: date | None) -> None:
        claim: Texts | None = None
        flaws = set()
        row = len(self._positions)
        for name, content in hoso.documents:
            if name == "1" and claim is not None:
                continue  # the first XML1 counts
            try:
                if content is None:
                    raise Flaw("undecodable")
                records = readers[name].read(content, f"HOSO {hoso.ordinal}, XML{name}")
            except Flaw as flaw:
                flaws.add(flaw.name)
                continue
            if name != "1":
                self._lines += records.texts
                self._line_rows += [row] * records.count
                self._line_tables += [name] * records.count
            elif records.count:
                claim = records.texts
        if claim is None:
            flaws.add("no_xml1")
        self._positions.append(hoso.ordinal)
        self._flaws.append(next((f for f in _FLAWS if f in flaws), None))
        self._issued_on.append(issued_on)
        self._claims += claim or [None] * len(KINDS["1"].elements)

    def frames(self, first: int = 0) -> ClaimBatch:
        """All of it; `row_number` counts on from `first` (`position` counts the HOSO of each file)."""
        of_claim = _texts(self._claims, KINDS["1"])
        claims = pl.DataFrame(
            {
                "row_number": pl.int_range(first, first + self.claims, eager=True, dtype=pl.Int64),
                "row_flaw": pl.Series(self._flaws, dtype=pl.String),
                "position": pl.Series(self._positions, dtype=pl.Int64),
                "standard": of_claim.select(
                    pl.when(pl.any_horizontal(pl.col(*_OF_130).is_not_null()))
                    .then(pl.lit("130"))
                    .when(pl.any_horizontal(pl.col(*_OF_4210).is_not_null()))
                    .then(pl.lit("4210"))
                ).to_series(),
                "issued_on": pl.Series(self._issued_on, dtype=pl.Date),
            }
        )
        lines = pl.DataFrame(
            {
                "row_number": pl.Series(self._line_rows, dtype=pl.Int64) + first,
                "line_table": pl.Series(self._line_tables, dtype=pl.String),
            }
        )
        return ClaimBatch(
            claims.hstack(_fields(of_claim, CLAIM_DELIVERED)),
            lines.hstack(_fields(_texts(self._lines, KINDS["2"]), LINE_DELIVERED)),
        )


class ClaimsFile:
    """A claim file; iterating yields `ClaimBatch`es, `read` and `declared` (None when not said) are final at the end.

    Memory does not grow with the number of HOSO. Raises `Refusal` (`empty`, `not_the_format`, `unsafe_xml`, `malformed`,
    `truncated`), possibly after some batches: a file counts whole or not at all, the caller discards them.
    A HOSO that cannot be read has a `row_flaw`: `nul_byte`, `undecodable` (base64 or inner XML), `no_xml1`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._envelope = Envelope(path)

    @property
    def read(self) -> int:
        return self._envelope.read

    @property
    def declared(self) -> int | None:
        return self._envelope.declared

    def texts(self, into: Callable[[], ClaimTexts]) -> Iterator[int]:
        """Add each HOSO to what `into` gives, and yield how many were read so far."""
        self._envelope = Envelope(self._path)
        readers = {name: Reader(kind) for name, kind in KINDS.items()}
        for hoso in self._envelope:
            into().add(hoso, readers, _day(self._envelope.issued_on))
            yield hoso.ordinal

    def __iter__(self) -> Iterator[ClaimBatch]:
        batch = ClaimTexts()
        for read in self.texts(lambda: batch):
            if batch.lines >= LINES_PER_BATCH or batch.claims >= CLAIMS_PER_BATCH:
                yield batch.frames(read + 1 - batch.claims)
                batch.back_to(0, 0)
        if batch.claims:
            yield batch.frames(self.read + 1 - batch.claims)


@lru_cache(maxsize=1024)  # many files of a night are of one day, and setting Polars to work costs more than reading it
def _day(text: str | None) -> date | None:
    """NGAYLAP is a value of the file, not of a row, so it is read here, by the rules for every date."""
    day = pl.select(read_date(pl.lit(text, dtype=pl.String))).item()
    return day if isinstance(day, date) else None


def _texts(texts: Texts, kind: Kind) -> pl.DataFrame:
    """One column per element kept: stripped, empty is null, NFC where anything is not ASCII (most columns are, and normalising costs)."""
    stride = len(kind.elements)
    columns = [pl.Series(e, texts[place::stride], dtype=pl.String) for e, place in kind.places.items()]
    stripped = pl.DataFrame(columns).select(pl.all().str.strip_chars())
    accented = stripped.select((pl.all().str.len_bytes() != pl.all().str.len_chars()).any()).row(0)
    normal = [name for name, found in zip(stripped.columns, accented, strict=True) if found]
    composed = stripped.with_columns(pl.col(normal).str.normalize("NFC")) if normal else stripped
    return composed.select(pl.when(pl.all() != "").then(pl.all()))


def _fields(elements: pl.DataFrame, fields: Sequence[Field]) -> pl.DataFrame:
    """One column per declared field: its element where that is filled, else the first filled of its other names."""
    return elements.select(pl.coalesce(f.element, *f.labels).alias(f.name) for f in fields if f.element)
