"""Archives and files that must be refused, each with its own word (contract, "What a bad input gets")."""

import gzip
import io
import random
import stat
import zipfile
from pathlib import Path

import pytest
import zstandard

from expectations.exports import CARDS, CLAIMS, TARGETS
from warehouse import containers, landing
from warehouse.readers import formats, tabular
from warehouse.refusal import Refusal

TEXT = b"NAM,MATINH,CHI_TIEU,VAN_BAN\n2025,01,95,546\n"


def landed(tmp_path: Path, content: bytes, name: str = "a") -> list[landing.Landed]:
    file = tmp_path / "landing/planning/targets" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return list(landing.scan(tmp_path / "landing", {}))


def plain(tmp_path: Path, one: landing.Landed) -> bytes:
    """The plain bytes of a delivery; nothing may be left in the spool, whatever happens."""
    if one.refusal:
        raise one.refusal
    spool = tmp_path / "spool"
    try:
        with containers.content(one, spool) as path:
            if path != one.file:
                assert stat.S_IMODE(path.stat().st_mode) == 0o600
            return path.read_bytes()
    finally:
        assert not spool.exists() or list(spool.iterdir()) == []


def gzipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)  # no clock: these bytes are part of the names of tests


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return out.getvalue()


def encrypted(content: bytes, members: int = 1) -> bytes:
    """The same zip with the flag of encryption on the first members."""
    data = bytearray(content)
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = -1
        for _ in range(members):
            at = data.index(magic, at + 1)
            data[at + offset] |= 1
    return bytes(data)


@pytest.mark.parametrize(
    "pack",
    [
        lambda t: t,
        gzipped,
        lambda t: gzipped(t[:10]) + gzipped(t[10:]),
        lambda t: gzipped(t) + b"\0" * 7,
        zstandard.compress,
        lambda t: zstandard.compress(t[:10]) + zstandard.compress(t[10:]),
        lambda t: zstandard.compress(gzipped(t)),
        lambda t: zipped({"a.csv": t}),
        lambda t: zipped({"a.csv": t}, zipfile.ZIP_BZIP2),
        lambda t: zipped({"a.csv": t}, zipfile.ZIP_LZMA),
        lambda t: zipped({"a.csv.gz": gzipped(t)}),
        lambda t: zipped({"a.csv.zst": zstandard.compress(t)}),
    ],
)
@pytest.mark.parametrize("text", [TEXT, TEXT * 100_000], ids=["small", "large"])
def test_every_container_gives_the_plain_bytes_whatever_its_name(tmp_path, pack, text):
    (one,) = landed(tmp_path, pack(text), "delivered.csv")
    assert plain(tmp_path, one) == text


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (gzipped(b""), "empty_file"),
        (zstandard.compress(b""), "empty_file"),
        (zipped({"a": b""}), "empty_file"),
        (zipped({}), "empty_file"),
        (gzipped(TEXT)[:-9], "damaged_archive"),
        (gzipped(TEXT)[:12] + b"\xff\xff" + gzipped(TEXT)[14:], "damaged_archive"),
        (gzipped(TEXT) + b"junk", "damaged_archive"),
        (zstandard.compress(TEXT)[:-5], "damaged_archive"),
        (zstandard.ZstdCompressor(write_checksum=True).compress(TEXT)[:-5] + b"12345", "damaged_archive"),
        (zipped({"a": TEXT})[:40], "unreadable_archive"),
        (zipped({"a": TEXT})[:-30], "unreadable_archive"),
        (zipped({"a": TEXT}, zipfile.ZIP_STORED).replace(b"546", b"999"), "damaged_archive"),
        (encrypted(zipped({"a": TEXT})), "encrypted"),
        (zipped({"a.zip": zipped({"b": TEXT})}), "nested_archive"),
        (gzipped(zipped({"b": TEXT})), "nested_archive"),
        (gzipped(gzipped(gzipped(gzipped(TEXT)))), "nested_archive"),
    ],
)
def test_what_cannot_be_unpacked_is_refused(tmp_path, content, code):
    (one,) = landed(tmp_path, content)
    with pytest.raises(Refusal) as refused:
        plain(tmp_path, one)
    assert refused.value.code == code


def test_an_archive_that_is_encrypted_whole_is_one_refused_delivery(tmp_path):
    (one,) = landed(tmp_path, encrypted(zipped({"a": TEXT, "b": TEXT}), 2), "x.zip")
    assert (one.path, one.members, one.refusal and one.refusal.code) == ("planning/targets/x.zip", (), "encrypted")


def test_one_bad_member_costs_no_other(tmp_path):
    found = landed(tmp_path, encrypted(zipped({"a": TEXT, "b": TEXT})), "x.zip")
    assert [(f.path, f.refusal and f.refusal.code) for f in found] == [
        ("planning/targets/x.zip!/a", "encrypted"),
        ("planning/targets/x.zip!/b", None),
    ]
    assert plain(tmp_path, found[1]) == TEXT


@pytest.mark.parametrize("pack", [gzipped, zstandard.compress, lambda t: zipped({"a": t}), lambda t: zipped({"a": gzipped(t)})])
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch, pack):
    monkeypatch.setattr(containers, "BOMB_BYTES", 3_000_000)
    (one,) = landed(tmp_path, pack(b"\0" * 40_000_000))
    with pytest.raises(Refusal) as refused:
        plain(tmp_path, one)
    assert refused.value.code == "zip_bomb"
    assert int(refused.value.position.split()[2]) < 40_000_000


@pytest.mark.parametrize("member", ["xl/worksheets/sheet1.xml", "xl/media/picture.bin"])
@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_a_workbook_with_a_bomb_in_it_is_refused_before_it_is_opened(tmp_path, monkeypatch, member, method):
    monkeypatch.setattr(containers, "BOMB_BYTES", 3_000_000)
    file = tmp_path / "book.xlsx"
    file.write_bytes(zipped({"xl/workbook.xml": b"<workbook/>", member: bytes(4_000_000)}, method))
    with pytest.raises(Refusal) as refused:
        formats.checked(file, TARGETS)
    assert refused.value.code == "zip_bomb"


@pytest.mark.parametrize("pack", [gzipped, zstandard.compress, lambda t: zipped({"a": t})])
def test_what_packs_well_but_is_small_or_is_large_but_packs_badly_is_no_bomb(tmp_path, monkeypatch, pack):
    small = b"\0" * 1_000_000
    assert plain(tmp_path, landed(tmp_path, pack(small))[0]) == small
    monkeypatch.setattr(containers, "BOMB_BYTES", 10_000)
    noise = random.Random(1).randbytes(100_000)
    assert plain(tmp_path, landed(tmp_path, pack(noise))[0]) == noise


def test_the_size_that_a_header_states_is_not_believed(tmp_path, monkeypatch):
    monkeypatch.setattr(containers, "BOMB_BYTES", 3_000_000)
    data = bytearray(zipped({"a": b"\0" * 40_000_000}))
    at = data.index(b"PK\x01\x02") + 20  # the packed size in the directory
    data[at : at + 4] = (2_000_000_000).to_bytes(4, "little")
    (one,) = landed(tmp_path, bytes(data))
    with pytest.raises(Refusal) as refused:
        plain(tmp_path, one)
    assert refused.value.code in ("zip_bomb", "damaged_archive", "unreadable_archive")


def test_a_file_that_vanishes_or_is_replaced_is_refused(tmp_path):
    (file,) = landed(tmp_path, TEXT)
    file.file.unlink()
    (member,) = landed(tmp_path, zipped({"a": TEXT}), "x.zip")
    member.file.write_bytes(zipped({"b": TEXT}))
    for one in (file, member):
        with pytest.raises(Refusal) as refused:
            plain(tmp_path, one)
        assert refused.value.code == "unreadable_file"


def test_errors_of_the_reader_pass_through_and_leave_no_copy(tmp_path):
    (one,) = landed(tmp_path, gzipped(TEXT))
    with pytest.raises(KeyError), containers.content(one, tmp_path / "spool"):
        raise KeyError("of the reader")
    assert list((tmp_path / "spool").iterdir()) == []


XML = b'<?xml version="1.0"?><GIAMDINHHS/>'


@pytest.mark.parametrize(
    ("table", "content", "words"),
    [
        (CARDS, b"%PDF-1.7 ...", "a PDF"),
        (CARDS, b"\x89PNG\r\n\x1a\n....", "an image"),
        (CARDS, b"<!DOCTYPE html><html>", "an HTML page"),
        (CARDS, "\ufeff<html><table>".encode("utf-16"), "an HTML page"),
        (CARDS, b'{"province": "22"}', "JSON"),
        (CARDS, b'[{"a": 1}]', "JSON"),
        (CARDS, XML, "XML"),
        (CARDS, zipped({"word/document.xml": b"x"}), "a Word document"),
        (CARDS, b"PAR1....", "Parquet that is cut off"),
        (CLAIMS, TEXT, "delimited text"),
        (CLAIMS, b"%PDF-1.7 ...", "a PDF"),
        (CLAIMS, zipped({"xl/workbook.xml": b"x"}), "an Excel workbook"),
        (CARDS, bytes(range(256)) * 40, "binary data"),
        (CARDS, bytes(5000), "binary data"),
    ],
)
def test_another_format_than_the_folder_takes_is_refused_by_name(tmp_path, table, content, words):
    file = tmp_path / "a.csv"
    file.write_bytes(content)
    with pytest.raises(Refusal) as refused:
        list(tabular.read(file, table)) if table is not CLAIMS else formats.checked(file, table)
    assert refused.value.code == "wrong_format"
    assert words in refused.value.reason


def test_claims_take_xml_in_any_encoding(tmp_path):
    for content in (XML, b"\xef\xbb\xbf" + XML, XML.decode().encode("utf-16"), b"\n <GIAMDINHHS>"):
        (tmp_path / "a").write_bytes(content)
        assert formats.checked(tmp_path / "a", CLAIMS) is formats.Format.XML


OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (OLE2 + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
        (OLE2 + "Workbook".encode("utf-16-le"), "unreadable_workbook"),
        (OLE2 + "WordDocument".encode("utf-16-le"), "wrong_format"),
        (zipped({"xl/workbook.xml": b"junk"}), "unreadable_workbook"),
        (b"PAR1" + bytes(40) + b"PAR1", "unreadable_parquet"),
        (b"NAM,MATINH,CHI_TIEU,VAN_BAN\n", "empty_file"),
        (b"NAM,MATINH,CHI_TIEU,VAN_BAN", "empty_file"),
        (b"title\nNAM,MATINH,CHI_TIEU,VAN_BAN", "empty_file"),
        ("NAM,MATINH,CHI_TIEU,VAN_BAN\n\n,,,\nTổng cộng,,,\n".encode(), "empty_file"),
        (b"\n\n  \n", "missing_column"),
    ],
)
def test_what_holds_no_records_is_refused(tmp_path, content, code):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(Refusal) as refused:
        list(tabular.read(tmp_path / "a", TARGETS))
    assert refused.value.code == code


def test_a_missing_column_is_named_with_the_headers_found(tmp_path):
    (tmp_path / "a").write_bytes(f"Mã thẻ;Họ tên;Ngày sinh;{'x' * 90};MATINH_CU_TRU\nGD4;Lê Bí Mật;1980;1;22\n".encode())
    with pytest.raises(Refusal) as refused:
        list(tabular.read(tmp_path / "a", CARDS))
    assert refused.value.code == "missing_column"
    assert "missing: GIOI_TINH, GT_THE_TU;" in refused.value.reason
    assert f"Mã thẻ, Họ tên, Ngày sinh, {'x' * 40}, MATINH_CU_TRU" in refused.value.reason
    assert "Bí Mật" not in refused.value.reason


def test_without_a_header_no_cell_is_shown(tmp_path):
    (tmp_path / "a").write_bytes("GD4220000000001;Lê Bí Mật;1980;1;22\n".encode())
    with pytest.raises(Refusal) as refused:
        list(tabular.read(tmp_path / "a", CARDS))
    assert refused.value.code == "missing_column"
    assert "MA_THE_BHYT, HO_TEN" in refused.value.reason
    assert "GD422" not in str(refused.value)
    assert "Bí Mật" not in str(refused.value)
