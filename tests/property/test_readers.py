"""Any table of text reads back the same from any format, encoding and delimiter; arbitrary bytes raise nothing but Refusal."""

import contextlib
import csv
import gzip
import io
import re
import tempfile
import unicodedata
import zipfile
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter
import zstandard
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from expectations.exports import CARDS, TARGETS
from transforms import encodings, headers
from warehouse import containers, landing
from warehouse.readers import delimited, tabular
from warehouse.refusal import Refusal

SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
HEADER = ["NAM", "MATINH", "NHOM", "CHI_TIEU", "VAN_BAN"]
NAMES = ["year", "province", "target_group", "target_pct", "instrument"]

WORDS = st.sampled_from(
    re.findall(r"\w+", "Nguyễn Trần Lê Phạm Hoàng Huỳnh Đặng Bùi Đỗ Hồ Thị Văn Đức Thuỷ Ngọc Ánh Phượng Yến Tường Vy quận huyện xã")
)
CODES = st.text("0123456789ABCXYZ./-", min_size=1, max_size=12)
TEXTS = st.lists(WORDS, min_size=1, max_size=5).map(" ".join)
WILD = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp", "Cf"], exclude_characters="\ufffd"), min_size=1, max_size=12)
# A first and a last cell that no title, column number or footer has; the middle may hold anything.
DAMAGE = st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), max_size=12)  # place, byte
STARTS = [b"", b"PK\x03\x04", b"PAR1", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\xff\xfe", b"NAM,MATINH,CHI_TIEU,VAN_BAN\n"]
ROWS = st.lists(st.tuples(CODES, CODES, st.just("ALL"), st.one_of(CODES, TEXTS, st.just("")), TEXTS), min_size=1, max_size=12)


# One word alone may be a word in two encodings (`Hoà` is also VNI for `Hồ`); a sentence is not.
TELLING = ("2025", "01", "ALL", "95", "Quyết định của Thủ tướng về chỉ tiêu bao phủ")


def read(content: bytes, table=TARGETS) -> list[tuple]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "f"
        file.write_bytes(content)
        return [r[2:] for batch in tabular.read(file, table) for r in batch.rows()]


def expected(rows) -> list[tuple]:
    return [tuple(unicodedata.normalize("NFC", c).strip() or None for c in row) for row in rows]


def as_csv(rows, delimiter, quoting=csv.QUOTE_MINIMAL, newline="\n") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=newline).writerows([HEADER, *rows])
    return out.getvalue()


def in_cp1258(text: str) -> bytes:
    out = ""
    for letter in text:
        parts = unicodedata.normalize("NFD", letter)
        tones = "".join(c for c in parts if c in "\u0300\u0301\u0303\u0309\u0323")
        out += unicodedata.normalize("NFC", "".join(c for c in parts if c not in tones)) + tones
    return out.encode("cp1258")


def in_tcvn3(text: str) -> str:
    back = {v: k for k, v in encodings._TCVN3.items()}
    return "".join(back.get(c, c) if c in back else back.get(c.lower(), c) for c in text)


def in_vni(text: str) -> str:
    """Letter by letter: those with a sign of their own, else base letter and the mark for its hat and tone."""
    letters = {v: k for k, v in encodings._VNI.items() if len(v) == 1 and not unicodedata.combining(v)}
    marks = {unicodedata.normalize("NFD", "a" + v)[1:]: k for k, v in encodings._VNI_MARKS.items()}
    out = ""
    for c in text:
        parts = unicodedata.normalize("NFD", c)
        if c in letters:
            out += letters[c]
        elif c in "íìÍÌ" or len(parts) == 1:
            out += c
        elif "\u031b" in parts:
            base = letters[unicodedata.normalize("NFC", parts[0] + "\u031b")]
            mark = marks[parts[1:].replace("\u031b", "")]
            out += base + (mark.upper() if base.isupper() else mark)
        else:
            out += parts[0] + (marks[parts[1:]].upper() if c.isupper() else marks[parts[1:]])
    return out


@SETTINGS
@given(ROWS, st.sampled_from(",;\t|"), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), st.sampled_from(["\n", "\r\n"]))
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_delimited_unicode(codec, rows, delimiter, quoting, newline):
    assert read(as_csv(rows, delimiter, quoting, newline).encode(codec)) == expected(rows)


@SETTINGS
@given(ROWS, st.sampled_from(",;\t|"))
def test_decomposed_text(rows, delimiter):
    assert read(unicodedata.normalize("NFD", as_csv(rows, delimiter)).encode()) == expected(rows)


@SETTINGS
@given(ROWS, st.sampled_from(",;\t|"))
def test_windows_1258(rows, delimiter):
    rows = [TELLING, *rows]
    assert read(in_cp1258(as_csv(rows, delimiter))) == expected(rows)


def without_capital_tones(rows):
    """TCVN3 has no capitals with tones."""
    return [tuple(encodings.converted_text(in_tcvn3(c), encodings.Font.TCVN3) for c in row) for row in rows]


@SETTINGS
@given(ROWS, st.sampled_from(",;\t|"), st.sampled_from(["latin-1", "utf-8", "utf-16"]))
def test_tcvn3(rows, delimiter, codec):
    rows = [TELLING, *rows]
    assert read(in_tcvn3(as_csv(rows, delimiter)).encode(codec)) == expected(without_capital_tones(rows))


@SETTINGS
@given(ROWS, st.sampled_from(",;\t|"), st.sampled_from(["latin-1", "utf-8", "utf-16"]))
def test_vni(rows, delimiter, codec):
    rows = [TELLING, *rows]
    assert read(in_vni(as_csv(rows, delimiter)).encode(codec)) == expected(rows)


def as_workbook(rows) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for at, row in enumerate([HEADER, *rows]):
            for column, cell in enumerate(row):
                sheet.write_string(at, column, cell)
    return out.getvalue()


def as_parquet(rows) -> bytes:
    out = io.BytesIO()
    pl.DataFrame(rows, schema=dict.fromkeys(HEADER, pl.String), orient="row").write_parquet(out)
    return out.getvalue()


@SETTINGS
@given(ROWS)
@pytest.mark.parametrize("write", [as_workbook, as_parquet])
def test_workbook_and_parquet(write, rows):
    assert read(write(rows)) == expected(rows)


@SETTINGS
@given(st.lists(st.tuples(WILD, WILD, st.just("ALL"), WILD, WILD), min_size=1, max_size=8), st.sampled_from(",;\t|"))
def test_any_characters_survive_behind_a_vietnamese_row(rows, delimiter):
    rows = [TELLING, *rows]
    assert read(as_csv(rows, delimiter).encode()) == expected(rows)


@SETTINGS
@given(st.lists(st.lists(st.text('ab",\n\r Đ', max_size=6), min_size=1, max_size=5), min_size=1, max_size=8), st.integers(1, 5))
@example([["x", 'a"b'], ['"']], 2)
def test_polars_and_the_record_by_record_reader_agree(rows, width):
    """Where a block is in order for Polars, taking it apart record by record gives the same."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    block = out.getvalue().encode()
    encoding = delimited.Encoding("utf-8", None)
    fast = delimited._by_polars(block, encoding, ",", width)
    if fast is not None:
        slow, rest = delimited._record_by_record(block, encoding, ",", width, more=False)
        assert rest == b""
        cells = pl.col("^c.*$").str.strip_chars().replace("", None)  # as every cell is read
        assert fast.select("row_flaw", cells).rows() == slow.select("row_flaw", cells).rows()


@SETTINGS
@given(st.lists(st.text('ab",\n\r \0é', max_size=12), max_size=12).map("\n".join), st.integers(1, 4))
def test_no_record_disappears_whatever_the_quotes(text, width):
    """Every line is in a record, and only a record that fills the header has several lines."""
    block = text.encode()
    records = list(delimited.take_apart(block, ",", width))
    assert [r.end for r in records] == sorted({r.end for r in records})
    assert (records[-1].end if records else 0) == len(block)
    start = 0
    for r in records:
        lines = block[start : r.end].rstrip(b"\n").count(b"\n")
        assert lines == 0 or len(r.cells) == width
        start = r.end


@SETTINGS
@given(
    st.binary(max_size=400),
    st.sampled_from(STARTS),
)
def test_arbitrary_bytes_raise_nothing_but_refusal(content, start):
    for table in (TARGETS, CARDS):
        with contextlib.suppress(Refusal):
            read(start + content, table)


@SETTINGS
@given(
    st.sampled_from([as_workbook, as_parquet]),
    ROWS,
    DAMAGE,
    st.integers(0, 100),
)
def test_damaged_files_raise_nothing_but_refusal(write, rows, damage, cut):
    content = bytearray(write(rows))
    for at, value in damage:
        content[at % len(content)] = value
    with contextlib.suppress(Refusal):
        read(bytes(content[: len(content) - cut]))


@SETTINGS
@given(
    st.sampled_from(["zip", "gz", "zst"]),
    st.binary(max_size=300),
    DAMAGE,
    st.integers(0, 20),
)
def test_damaged_archives_raise_nothing_but_refusal(kind, content, damage, cut):
    out = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.csv", content)
            archive.writestr("b.csv", content[::-1])
        packed = bytearray(out.getvalue())
    else:
        packed = bytearray(gzip.compress(content) if kind == "gz" else zstandard.compress(content))
    for at, value in damage:
        packed[at % len(packed)] = value
    with tempfile.TemporaryDirectory() as folder:
        zone = Path(folder) / "landing/planning/targets"
        zone.mkdir(parents=True)
        (zone / "x").write_bytes(packed[: len(packed) - cut])
        for landed in landing.scan(Path(folder) / "landing", {}):
            if landed.refusal is None:
                with contextlib.suppress(Refusal), containers.content(landed, Path(folder) / "spool") as plain:
                    plain.read_bytes()
        assert not (Path(folder) / "spool").exists() or not list((Path(folder) / "spool").iterdir())


@SETTINGS
@given(st.text(max_size=20))
def test_headings_fold_the_same_composed_decomposed_and_in_any_case(text):
    once = headers.folded(text)
    assert headers.folded(unicodedata.normalize("NFD", text)) == once == headers.folded(once)


@SETTINGS
@given(st.lists(WORDS, min_size=1, max_size=30))
def test_vietnamese_is_never_taken_for_mojibake(words):
    assert encodings.font_of([" ".join(words)]) is None
    assert all(encodings.is_syllable(unicodedata.normalize("NFC", w)) for w in words)
