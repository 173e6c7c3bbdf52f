"""Damaged and hostile claim files: each gets exactly its answer, and nothing of XML4-XML15 ever comes out."""

import base64
from pathlib import Path

import pytest

from warehouse.readers.claims import ClaimsFile
from warehouse.refusal import Refusal

XML1 = "<TONG_HOP><MA_LK>L1</MA_LK><HO_TEN>Nguyễn Thị Mật</HO_TEN><MA_THE_BHYT>DN4790000000001</MA_THE_BHYT></TONG_HOP>"
XML2 = (
    "<CHITIEU_CHITIET_THUOC><DSACH_CHI_TIET_THUOC><CHI_TIET_THUOC><STT>1</STT></CHI_TIET_THUOC>"
    "</DSACH_CHI_TIET_THUOC></CHITIEU_CHITIET_THUOC>"
)
BOMB = (
    '<!DOCTYPE TONG_HOP [<!ENTITY a "lol">'
    + "".join(f'<!ENTITY {y} "{f"&{x};" * 10}">' for x, y in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>"
)


def b64(document: str | bytes) -> str:
    return base64.b64encode(document.encode() if isinstance(document, str) else document).decode()


def part(kind: str, content: str) -> str:
    return f"<FILEHOSO><LOAIHOSO>{kind}</LOAIHOSO><NOIDUNGFILE>{content}</NOIDUNGFILE></FILEHOSO>"


def hoso(xml1: str = b64(XML1), xml2: str = b64(XML2), more: str = "") -> str:
    return f"<HOSO>{part('XML1', xml1)}{part('XML2', xml2)}{more}</HOSO>"


def envelope(*records: str, declared: object = None) -> str:
    count = len(records) if declared is None else declared
    return (
        f"<GIAMDINHHS><THONGTINHOSO><NGAYLAP>20250901</NGAYLAP><SOLUONGHOSO>{count}</SOLUONGHOSO>\n"
        f"<DANHSACHHOSO>{''.join(records)}</DANHSACHHOSO></THONGTINHOSO></GIAMDINHHS>"
    )


def written(tmp_path: Path, content: str | bytes) -> ClaimsFile:
    path = tmp_path / "claims.xml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return ClaimsFile(path)


def refused(tmp_path: Path, content: str | bytes) -> Refusal:
    with pytest.raises(Refusal) as caught:
        list(written(tmp_path, content))
    assert "Mật" not in str(caught.value)
    assert "0000000001" not in str(caught.value)
    return caught.value


def flaws(tmp_path: Path, *records: str) -> list[tuple[str | None, str | None, int]]:
    (batch,) = written(tmp_path, envelope(*records))
    counted = batch.lines["row_number"].to_list()
    return [(flaw, episode, counted.count(n)) for n, flaw, episode in batch.claims.select("row_number", "row_flaw", "episode").iter_rows()]


GOOD = (None, "L1", 1)


@pytest.mark.parametrize("content", ["", b"\xff\xfe\x00", "Xin lỗi", "PK\x03\x04", "%PDF-1.7", "<GIAMDINHHS", b"\x00\x00\x00"])
def test_what_is_no_xml(tmp_path: Path, content: str | bytes) -> None:
    assert refused(tmp_path, content).code in ("empty", "malformed", "truncated")


@pytest.mark.parametrize("root", ["HSDANHMUC", "html", "x:GIAMDINHHSX"])
def test_another_root_is_named(tmp_path: Path, root: str) -> None:
    refusal = refused(tmp_path, f'<{root} xmlns:x="urn:x"><a/></{root}>')
    assert refusal.code == "not_the_format"
    assert root.split(":")[-1] in refusal.reason


@pytest.mark.parametrize("cut", [1, 20, 200, 600])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_file_that_breaks_off_is_refused_whole_with_its_position(tmp_path: Path, cut: int, encoding: str) -> None:
    refusal = refused(tmp_path, envelope(hoso(), hoso(), hoso()).encode(encoding)[: -2 * cut])
    assert refusal.code in ("truncated", "malformed")
    assert refusal.position.startswith("line ")


def test_the_position_counts_in_the_file_as_it_is(tmp_path: Path) -> None:
    wrapped = b64(XML1)[:40] + "\n" + b64(XML1)[40:]
    refusal = refused(tmp_path, envelope(hoso(wrapped), hoso(wrapped) + "</oops>"))
    assert (refusal.code, refusal.position.split(",")[0]) == ("malformed", "line 4")


@pytest.mark.parametrize("bad", ["\x00", "\x01", "&nbsp;", "&#0;", "<a b></a>", "]]>", b"\xc3\x28"])
def test_a_malformed_envelope_is_refused_wherever_it_is(tmp_path: Path, bad: str | bytes) -> None:
    before, after = envelope(hoso(), "<HOSO>@</HOSO>", hoso()).encode().split(b"@")
    assert refused(tmp_path, before + (bad.encode() if isinstance(bad, str) else bad) + after).code == "malformed"


@pytest.mark.parametrize("kind", ["XML1", "XML4", "XML6"])
def test_a_bad_character_in_a_payload_is_seen(tmp_path: Path, kind: str) -> None:
    assert refused(tmp_path, envelope(hoso(more=part(kind, "QUJD\x02RA==")))).code == "malformed"


@pytest.mark.parametrize("doctype", ["<!DOCTYPE GIAMDINHHS>", '<!DOCTYPE GIAMDINHHS SYSTEM "file:///etc/passwd">', BOMB])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_doctype_of_the_envelope(tmp_path: Path, doctype: str, encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?>{doctype.replace("TONG_HOP", "GIAMDINHHS")}' + envelope(hoso())
    assert refused(tmp_path, text.encode(encoding)).code == "unsafe_xml"


def test_a_bomb_in_an_attribute_of_the_root(tmp_path: Path) -> None:
    text = BOMB + envelope(hoso()).replace("<GIAMDINHHS>", '<GIAMDINHHS a="&i;">')
    assert refused(tmp_path, text).code == "unsafe_xml"


@pytest.mark.parametrize("doctype", ["<!DOCTYPE TONG_HOP>", '<!-- x -->\n<!DOCTYPE TONG_HOP SYSTEM "file:///etc/passwd">', BOMB])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("second", [False, True])
def test_a_doctype_of_an_inner_document(tmp_path: Path, doctype: str, encoding: str, second: bool) -> None:
    bad = b64(('<?xml version="1.0"?>' + doctype + XML1.replace("L1", "&i;")).encode(encoding))
    refusal = refused(tmp_path, envelope(hoso(), hoso(xml2=bad) if second else hoso(bad)))
    assert (refusal.code, refusal.position) == ("unsafe_xml", f"HOSO 2, XML{2 if second else 1}")


def test_a_doctype_in_cdata_is_one_of_an_inner_document(tmp_path: Path) -> None:
    assert refused(tmp_path, envelope(hoso(f"<![CDATA[<!DOCTYPE x>{XML1}]]>"))).code == "unsafe_xml"


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param("not base64!", id="no base64"),
        pytest.param(b64(XML1)[:-1], id="base64 cut"),
        pytest.param(b64(XML1[:-5]), id="inner document cut"),
        pytest.param(b64(XML1.replace("MA_LK", "&foo;", 1)), id="undefined entity"),
        pytest.param(b64(XML1.replace("L1", "&foo;")), id="undefined entity in a value"),
        pytest.param(b64(XML1.replace("L1", "\x07")), id="control character"),
        pytest.param(b64(XML1.replace("L1", "\uffff")), id="no character"),
        pytest.param(b64(XML1.replace("L1", "a]]>b")), id="end of CDATA"),
        pytest.param(b64(XML1.encode().replace(b"L1", b"\xe1\xba")), id="no UTF-8"),
        pytest.param(b64(XML1 + "x"), id="text after the root"),
        pytest.param(b64(XML1 + XML1), id="two roots"),
        pytest.param(b64("<CHI_TIEU/>"), id="another table"),
        pytest.param(b64("plain text"), id="no XML"),
        pytest.param(b64(f"<TONG_HOP><HO_TEN>{'x' * 10_100_000}</HO_TEN></TONG_HOP>"), id="text over 10 MB"),
    ],
)
def test_a_hoso_that_cannot_be_read_is_flawed_alone(tmp_path: Path, bad: str) -> None:
    assert flaws(tmp_path, hoso(), hoso(bad), hoso()) == [GOOD, ("undecodable", None, 1), GOOD]


def test_a_flaw_of_xml2_flaws_the_claim(tmp_path: Path) -> None:
    assert flaws(tmp_path, hoso(xml2="%%%"), hoso()) == [("undecodable", "L1", 0), GOOD]


def test_a_nul_byte(tmp_path: Path) -> None:
    records = (hoso(b64(XML1.replace("L1", "L\x001"))), hoso(xml2=b64(XML2.replace("1", "\x00"))), hoso())
    assert flaws(tmp_path, *records) == [("nul_byte", None, 1), ("nul_byte", "L1", 0), GOOD]


def test_no_xml1(tmp_path: Path) -> None:
    only2 = f"<HOSO>{part('XML2', b64(XML2))}</HOSO>"
    assert flaws(tmp_path, only2, hoso(""), "<HOSO/>", hoso()) == [
        ("no_xml1", None, 1), ("no_xml1", None, 1), ("no_xml1", None, 0), GOOD
    ]  # fmt: skip


def test_fewer_than_declared_is_truncated(tmp_path: Path) -> None:
    refusal = refused(tmp_path, envelope(hoso(), declared=2))
    assert refusal.code == "truncated"
    assert "2 HOSO" in refusal.reason


def test_more_than_declared_loads_and_can_be_told(tmp_path: Path) -> None:
    source = written(tmp_path, envelope(hoso(), hoso(), declared=1))
    assert sum(b.claims.height for b in source) == 2
    assert (source.declared, source.read) == (1, 2)


@pytest.mark.parametrize("declared", ["", "x", "-1"])
def test_no_count_declared(tmp_path: Path, declared: str) -> None:
    source = written(tmp_path, envelope(hoso(), declared=declared))
    assert sum(b.claims.height for b in source) == 1
    assert source.declared is None


def test_no_hoso_and_no_word_of_it_is_empty(tmp_path: Path) -> None:
    assert refused(tmp_path, "<GIAMDINHHS/>").code == "empty"


SECRET = "HIVDUONGTINH"


@pytest.mark.parametrize("kind", [f"XML{n}" for n in range(4, 16)] + ["XML16", "", "XML01"])
@pytest.mark.parametrize("form", ["base64", "inline", "cdata"])
def test_xml4_to_xml15_never_come_out(tmp_path: Path, kind: str, form: str) -> None:
    document = f"<TONG_HOP><MA_LK>{SECRET}</MA_LK><CHI_TIET_THUOC><STT>{SECRET}</STT></CHI_TIET_THUOC></TONG_HOP>"
    content = {"base64": b64(document), "inline": document, "cdata": f"<![CDATA[{document}]]>"}[form]
    for record in (f"<HOSO>{part(kind, content)}{part('XML1', b64(XML1))}</HOSO>", hoso(more=part(kind, content))):
        (batch,) = written(tmp_path, envelope(record))
        assert SECRET not in batch.claims.write_csv() + batch.lines.write_csv()
        assert batch.claims["episode"].to_list() == ["L1"]


def test_a_text_cannot_pass_for_a_payload_that_was_taken_out(tmp_path: Path) -> None:
    comment = f"<!-- {part('XML1', b64(XML1))} -->"
    assert flaws(tmp_path, comment + hoso("1"), hoso("2"), hoso()) == [("undecodable", None, 1), ("undecodable", None, 1), GOOD]


def test_a_very_long_payload(tmp_path: Path) -> None:
    long = XML1.replace("</TONG_HOP>", f"{'<GHI_CHU>' + 'x' * 5_000_000 + '</GHI_CHU>'}</TONG_HOP>")
    big = part("XML4", "A" * 12_000_000)
    assert flaws(tmp_path, hoso(b64(long), more=big), hoso()) == [GOOD, GOOD]
