"""Names, identifiers and sealed documents never leave the restricted area: not into the BI file, reports, Prefect, logs or messages.

One night on a world with faults, and with files that break every reader while they hold somebody's name and numbers.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
import sqlite3
import subprocess
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
import xlsxwriter

from tests.nights import Place
from warehouse.samples import write

# Somebody of whom only broken files tell.
NAME, CARD, CITIZEN, TAX_PERSON = "Trần Thị Kín Đáo", "GD4797912345678", "079188123456", "079190654321"
SECRETS = (NAME, CARD, CARD[5:], CITIZEN, TAX_PERSON)
HEADER = "MA_THE_BHYT,HO_TEN,NGAY_SINH,GIOI_TINH,MATINH_CU_TRU,GT_THE_TU"
ROW = f"{CARD},{NAME},{NAME},{CITIZEN},{NAME},{CITIZEN}"
CLAIM = """<?xml version="1.0" encoding="utf-8"?><GIAMDINHHS><THONGTINDONVI><MACSKCB>22001</MACSKCB></THONGTINDONVI><THONGTINHOSO>
<NGAYLAP>{issued}</NGAYLAP><SOLUONGHOSO>{count}</SOLUONGHOSO><DANHSACHHOSO><HOSO><FILEHOSO><LOAIHOSO>XML1</LOAIHOSO><NOIDUNGFILE>{content}</NOIDUNGFILE>
</FILEHOSO></HOSO></DANHSACHHOSO></THONGTINHOSO></GIAMDINHHS>"""
INNER = f"<TONG_HOP><MA_LK>{NAME}</MA_LK><HO_TEN>{NAME}</HO_TEN><MA_THE_BHYT>{CARD}</MA_THE_BHYT><SO_CCCD>{CITIZEN}</SO_CCCD>"


def workbook(*rows: tuple[str, ...]) -> bytes:
    sink = io.BytesIO()
    with xlsxwriter.Workbook(sink, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for n, row in enumerate(rows):
            sheet.write_row(n, 0, row)
    return sink.getvalue()


def with_damaged_strings(book: bytes) -> bytes:
    """The same workbook, with an error in its XML right beside the cells' text."""
    sink = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(sink, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"</t>", b"</t2>"))
    return sink.getvalue()


def parquet(columns: dict[str, Any]) -> bytes:
    sink = io.BytesIO()
    pl.DataFrame(columns).write_parquet(sink)
    return sink.getvalue()


def broken_files() -> dict[str, bytes]:
    """Path in the landing zone → bytes; each breaks another reader or another check, with the secrets in its cells."""
    names = tuple(HEADER.split(","))
    cells = tuple(ROW.split(","))
    cards, claims = "provinces/cards/kin", "hospitals/claims/kin"
    text = {
        f"{cards}/khong_dau_22_2025-05.csv": f"{ROW}\n{ROW}\n",
        f"{cards}/o_hong_22_2025-04.csv": f"{HEADER}\n{ROW}\n{ROW}\n",
        f"{cards}/ngoac_22_2025-03.csv": f'{HEADER}\n"{CARD},"{NAME}"x,{CITIZEN}\n"{ROW}',
        f"{cards}/thua_o_22_2025-02.csv": f"{HEADER}\n{ROW},{NAME},{CITIZEN}\n\0{ROW}\n",
        f"{cards}/thieu_cot_22_2025-01.csv": f"MA_THE_BHYT,HO_TEN\n{CARD},{NAME}\n",
        f"{cards}/bang_ke.csv": f"{HEADER}\n{ROW}\n",
        f"{cards}/bang_ke.csv.manifest.json": json.dumps({"province": NAME, "period": CITIZEN, "rows": CARD}),
        f"{cards}/bang_ke_2.csv": f"{HEADER}\n{ROW}\n",
        f"{cards}/bang_ke_2.csv.manifest.json": f'{{"province": "{NAME}" {CITIZEN}',
        f"{claims}/vo.xml": CLAIM.format(issued="20250701", count=1, content=INNER),
        f"{claims}/ben_trong.xml": CLAIM.format(issued=NAME, count=1, content=base64.b64encode(INNER.encode()).decode()),
        f"{claims}/dem.xml": CLAIM.format(issued=NAME, count=NAME, content=base64.b64encode((INNER + "</TONG_HOP>").encode()).decode()),
        f"{claims}/o_hong.xml": CLAIM.format(issued=CARD, count=1, content=base64.b64encode((INNER + "</TONG_HOP>").encode()).decode()),
        f"{claims}/khong_ma_hoa.xml": CLAIM.format(issued="20250701", count=1, content=f"{NAME} {CITIZEN}"),
        f"{claims}/thuc_the.xml": f'<!DOCTYPE a [<!ENTITY n "{NAME} {CITIZEN}">]>' + CLAIM.format(issued="&n;", count=1, content=INNER),
        f"{claims}/chu.xml": f"{NAME} {CITIZEN} {CARD}",
        "tax/employers/kin/nnt.csv": f"MST,TEN,MATINH,KY,SO_LAO_DONG,TRANG_THAI\n{TAX_PERSON},{NAME},22,2025-Q3,7,00\n",
        "tax/employers/kin/hong.csv": f"MST,TEN,MATINH,KY,SO_LAO_DONG\n{NAME},{NAME},{NAME},{NAME},{NAME}\n",
        "planning/population/kin.csv": f"NAM,MATINH,DAN_SO\n{NAME},{CITIZEN},{NAME}\n",
        "planning/targets/kin.csv": f"NAM,MATINH,CHI_TIEU,VAN_BAN\n{CITIZEN},{NAME},{NAME},{NAME}\n",
        "planning/budgets/kin.csv": f"NAM,MA_CSKCB,DU_TOAN\n{NAME},{CARD},{CITIZEN}\n",
        "planning/enterprises/kin.csv": f"MSDN,TEN_DN,NGAY_DKKD,MATINH\n{CITIZEN},{NAME},{NAME},{NAME}\n",
    }  # fmt: skip
    return {p: t.encode() for p, t in text.items()} | {
        f"{cards}/utf16_22_2024-12.csv": f"{HEADER}\n{ROW}\n".encode("utf-16")[:-3],
        f"{cards}/cat_22_2024-11.csv.gz": gzip.compress((HEADER + "\n" + f"{ROW}\n" * 50).encode())[:-12],
        f"{cards}/so_22_2024-10.xlsx": workbook(names, cells, cells),
        f"{cards}/so_hong_22_2024-09.xlsx": with_damaged_strings(workbook(names, cells)),
        f"{cards}/so_thieu_22_2024-08.xlsx": workbook((NAME, CITIZEN), cells),
        f"{cards}/cot_22_2024-07.parquet": parquet({n: [[NAME, CITIZEN]] for n in names}),
        f"{cards}/dut_22_2024-06.parquet": parquet({n: [NAME, CITIZEN] for n in names})[:-9],
        f"{cards}/o_hong_22_2024-05.parquet": parquet({n: [NAME, CITIZEN] for n in names}),
    }


@dataclass(frozen=True)
class Night:
    """What a night has left, and the texts that must be nowhere in it."""

    place: Place
    said: subprocess.CompletedProcess[str]
    markers: pl.DataFrame

    @property
    def people(self) -> list[str]:
        return [*self.markers["text"], *SECRETS]


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """The command line with Prefect's own server; its logs at the level that tells most of what users ever switch on."""
    root = tmp_path_factory.mktemp("leaks")
    months = (date(2025, 6, 1), date(2025, 7, 1))
    write(root, persons=1_000, months=months, seed=7, faults=True, provinces=("01", "22", "24"), visits_per_person_year=2.0)
    place = Place(root, {"PREFECT_LOGGING_LEVEL": "INFO"})
    for path, data in broken_files().items():
        (place.landing / path).parent.mkdir(parents=True, exist_ok=True)
        (place.landing / path).write_bytes(data)
    said = place.bhyt("nightly")
    assert said.returncode == 0, said.stderr
    return Night(place, said, pl.read_parquet(root / "truth" / "markers.parquet"))


def spellings(text: str) -> set[bytes]:
    """The bytes that a text may be found as: composed, decomposed, as JSON escapes it, in UTF-16."""
    forms = {unicodedata.normalize(form, text) for form in ("NFC", "NFD")}
    return {b for t in forms for b in (t.encode(), json.dumps(t)[1:-1].encode(), t.encode("utf-16-le"))}


class Searched:
    """Finds any of many texts in bytes, in one pass."""

    def __init__(self, texts: list[str]) -> None:
        self._needles = pl.Series([n.decode("latin-1") for t in texts for n in spellings(t)], dtype=pl.String).unique().implode()

    def found(self, data: bytes) -> list[str]:
        hay = pl.Series([data.decode("latin-1")])
        hits = hay.str.extract_many(self._needles).explode(empty_as_null=False)
        return sorted({h.encode("latin-1").decode(errors="replace") for h in hits})


def files_outside(place: Place) -> Iterator[Path]:
    for path in sorted(place.home.rglob("*")):
        if path.is_file() and path.relative_to(place.home).parts[0] != "restricted":
            yield path


def unpacked(path: Path) -> Iterator[bytes]:
    """A file's bytes, and what it holds once its own wrapping is taken off."""
    data = path.read_bytes()
    yield data
    if data.startswith(b"SQLite format 3"):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            yield "\n".join(connection.iterdump()).encode()
    elif path.parent.name == "storage":  # results that Prefect keeps: a pickle in base64 in JSON
        yield base64.b64decode(json.loads(data)["result"])
    elif path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as connection:
            yield "\n".join(values(connection)).encode()


def leaks(path: Path, searched: Searched) -> set[str]:
    """The texts that a file holds."""
    raw, *inner = unpacked(path)
    found = set(searched.found(raw))
    if path.suffix == ".duckdb":  # codes of five digits lie side by side there, and two of them may spell a number; `values` has it whole
        found = {text for text in found if len(text) > 10}
    return found.union(*(searched.found(data) for data in inner))


def values(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Every value of every column, as text."""
    columns = connection.execute(
        "SELECT format('{}.{}', schema_name, table_name), column_name FROM duckdb_columns() WHERE NOT internal"
    ).fetchall()
    for table, column in columns:
        for (value,) in connection.sql(f'SELECT DISTINCT CAST("{column}" AS VARCHAR) FROM {table} WHERE "{column}" IS NOT NULL').fetchall():
            yield value


def test_the_world_has_markers_of_every_kind(night: Night) -> None:
    assert set(night.markers["kind"]) == {"name", "card", "number", "citizen_id", "xml6", "xml15"}


def test_the_search_finds_what_is_there(night: Night) -> None:
    """Else the tests below would show nothing."""
    searched = Searched(night.people)
    registers = b"".join(p.read_bytes() for p in (night.place.landing / "provinces" / "cards").rglob("*.csv"))
    assert {NAME, CARD, CITIZEN} <= set(searched.found(registers))
    assert len(searched.found(registers)) > 100
    quarantined = pl.read_parquet(night.place.home / "restricted" / "quarantine" / "cards" / "*.parquet", columns=["raw_text"])
    assert {NAME, CARD, CITIZEN} <= set(searched.found("\n".join(quarantined["raw_text"]).encode()))


def test_nothing_outside_the_restricted_area_holds_a_marker(night: Night) -> None:
    searched = Searched(night.people)
    paths = list(files_outside(night.place))
    rooms = {p.relative_to(night.place.home).parts[0] for p in paths}
    assert rooms >= {"prefect", "reports", "warehouse"}
    assert any(p.suffix == ".db" for p in paths), "Prefect's database"
    assert any("storage" in p.parts for p in paths), "Prefect's results"
    assert any(p.suffix == ".html" for p in paths), "Data Docs"
    found = {str(p.relative_to(night.place.home)): leaks(p, searched) for p in paths}
    assert {path: texts for path, texts in found.items() if texts} == {}


def test_what_the_command_line_prints_holds_no_marker(night: Night) -> None:
    assert Searched(night.people).found(f"{night.said.stdout}{night.said.stderr}".encode()) == []
    said = [night.place.here("status"), night.place.here("queries")]
    said += [night.place.here("explain-delivery", path) for path in broken_files() if not path.endswith(".manifest.json")]
    assert {s.returncode for s in said} == {0}
    assert Searched(night.people).found("".join(s.stdout + s.stderr for s in said).encode()) == []


def test_every_broken_file_is_refused_held_or_quarantined_and_says_why(night: Night) -> None:
    paths = {p for p in broken_files() if not p.endswith(".manifest.json")}
    rows = night.place.ask("SELECT path, status, reason, records_quarantined FROM quality.deliveries WHERE path LIKE '%/kin%'")
    fate = {str(path): (status, reason, bad) for path, status, reason, bad in rows}
    assert set(fate) == paths
    quiet = {p for p, (status, reason, bad) in fate.items() if status == "loaded" and not bad and not p.endswith("nnt.csv")}
    assert quiet == set()
    assert all(reason for status, reason, _ in fate.values() if status in ("refused", "held"))


def test_a_personal_tax_code_reaches_the_bi_file_only_as_a_keyed_hash(night: Night) -> None:
    listed = night.place.ask("SELECT tax_code, name FROM marts.employers_missing_quarter WHERE employees_paid = 7 AND name IS NULL")
    assert len(listed) == 1, "the person who employs seven people and insures none of them"
    assert re.fullmatch(r"[0-9a-f]{32}", str(listed[0][0]))
    with duckdb.connect(str(night.place.current / "coverage.duckdb"), read_only=True) as connection:
        assert [v for v in values(connection) if re.fullmatch(r"\d{12}", v)] == []


def test_the_key_of_the_hashes_lies_in_the_restricted_area_only(night: Night) -> None:
    key = (night.place.home / "restricted" / "person_key").read_text(encoding="ascii").strip()
    assert [p for p in files_outside(night.place) for data in unpacked(p) if key.encode() in data or bytes.fromhex(key) in data] == []
