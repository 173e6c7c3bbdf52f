"""Claim XML in, raw frames out: every form of the envelope and of the inner documents that hospitals send."""

import base64
import textwrap
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from warehouse.readers.claims import ClaimsFile

XML1 = (
    "<TONG_HOP><MA_LK>L1</MA_LK><STT>1</STT><HO_TEN>Lê Thị Ứng</HO_TEN><MA_THE_BHYT>DN4790000000001;GD4790000000001</MA_THE_BHYT>"
    "<NGAY_RA>202508021015</NGAY_RA><T_TONGCHI_BV>150.50</T_TONGCHI_BV><T_TONGCHI_BH>120</T_TONGCHI_BH><MA_CSKCB>79001</MA_CSKCB></TONG_HOP>"
)
XML2 = (
    "<CHITIEU_CHITIET_THUOC><DSACH_CHI_TIET_THUOC>"
    "<CHI_TIET_THUOC><MA_LK>L1</MA_LK><STT>1</STT><MA_NHOM>4</MA_NHOM><TEN_THUOC>Thuốc A</TEN_THUOC><SO_LUONG>2.000</SO_LUONG>"
    "<DON_GIA>25.250</DON_GIA><THANH_TIEN_BV>50.50</THANH_TIEN_BV><THANH_TIEN_BH>20</THANH_TIEN_BH></CHI_TIET_THUOC>"
    "</DSACH_CHI_TIET_THUOC></CHITIEU_CHITIET_THUOC>"
)
XML3 = (
    "<CHITIEU_CHITIET_DVKT_VTYT><DSACH_CHI_TIET_DVKT>"
    "<CHI_TIET_DVKT><STT>1</STT><MA_NHOM>13</MA_NHOM><SO_LUONG>1</SO_LUONG><DON_GIA_BV>100</DON_GIA_BV><TYLE_TT_DV>100</TYLE_TT_DV>"
    "<THANH_TIEN_BV>100</THANH_TIEN_BV><THANH_TIEN_BH>100</THANH_TIEN_BH></CHI_TIET_DVKT>"
    "</DSACH_CHI_TIET_DVKT></CHITIEU_CHITIET_DVKT_VTYT>"
)
CLAIM = {"episode": "L1", "full_name": "Lê Thị Ứng", "card_list": "DN4790000000001;GD4790000000001", "discharged_at": "202508021015",
         "total_cost": "150.50", "covered_cost": "120", "facility_code": "79001"}  # fmt: skip
LINES = [
    {"row_number": 1, "line_table": "2", "line_number": "1", "cost_group": "4", "quantity": "2.000", "unit_price": "25.250",
     "total_cost": "50.50", "covered_cost": "20"},
    {"row_number": 1, "line_table": "3", "line_number": "1", "cost_group": "13", "quantity": "1", "unit_price": "100",
     "service_rate_pct": "100", "total_cost": "100", "covered_cost": "100"},
]  # fmt: skip


def b64(document: str | bytes) -> str:
    return base64.b64encode(document.encode() if isinstance(document, str) else document).decode()


def part(kind: str, content: str) -> str:
    return f"<FILEHOSO><LOAIHOSO>{kind}</LOAIHOSO><NOIDUNGFILE>{content}</NOIDUNGFILE></FILEHOSO>"


def hoso(xml1: str = XML1, xml2: str = XML2, xml3: str = XML3) -> str:
    return f"<HOSO>{part('XML1', b64(xml1))}{part('XML2', b64(xml2))}{part('XML3', b64(xml3))}</HOSO>"


def envelope(*records: str, header: str = "<NGAYLAP>20250901</NGAYLAP><SOLUONGHOSO>{}</SOLUONGHOSO>") -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<GIAMDINHHS xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<THONGTINDONVI><MACSKCB>79001</MACSKCB></THONGTINDONVI><THONGTINHOSO>{header.format(len(records))}"
        f"<DANHSACHHOSO>{''.join(records)}</DANHSACHHOSO></THONGTINHOSO><CHUKYDONVI/></GIAMDINHHS>"
    )


def filled(frame: pl.DataFrame) -> list[dict[str, object]]:
    return [{k: v for k, v in row.items() if v is not None} for row in frame.to_dicts()]


def read(tmp_path: Path, content: str | bytes) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    path = tmp_path / "claims.xml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    batches = list(ClaimsFile(path))
    return [r for b in batches for r in filled(b.claims)], [r for b in batches for r in filled(b.lines)]


def expected_claim(**changes: object) -> dict[str, object]:
    return {"row_number": 1, "position": 1, "standard": "130", "issued_on": date(2025, 9, 1), **CLAIM} | changes


def test_a_claim_of_the_130_family(tmp_path: Path) -> None:
    assert read(tmp_path, envelope(hoso())) == ([expected_claim()], LINES)


def test_a_claim_of_4210_fills_both_costs_from_its_one_total(tmp_path: Path) -> None:
    xml1 = (
        "<TONG_HOP><MA_LK>L9</MA_LK><MA_THE>HT3790000000009</MA_THE><MA_BENH>J18.9</MA_BENH><MA_LYDO_VVIEN>1</MA_LYDO_VVIEN>"
        "<MA_NOI_CHUYEN>79002</MA_NOI_CHUYEN><TINH_TRANG_RV>1</TINH_TRANG_RV><T_TONGCHI>500</T_TONGCHI></TONG_HOP>"
    )
    xml2 = (
        "<DSACH_CHI_TIET_THUOC><CHI_TIET_THUOC><STT>1</STT><SO_LUONG>5</SO_LUONG><DON_GIA>100</DON_GIA><TYLE_TT>80</TYLE_TT>"
        "<THANH_TIEN>500</THANH_TIEN></CHI_TIET_THUOC></DSACH_CHI_TIET_THUOC>"
    )
    claims, lines = read(tmp_path, envelope(hoso(xml1, xml2, "<DSACH_CHI_TIET_DVKT/>")))
    assert claims == [
        {"row_number": 1, "position": 1, "standard": "4210", "issued_on": date(2025, 9, 1), "episode": "L9", "card_list": "HT3790000000009",
         "main_icd": "J18.9", "admission_category": "1", "referring_facility": "79002", "discharge_type": "1",
         "total_cost": "500", "covered_cost": "500"}
    ]  # fmt: skip
    assert lines == [
        {"row_number": 1, "line_table": "2", "line_number": "1", "quantity": "5", "unit_price": "100", "service_rate_pct": "80",
         "total_cost": "500", "covered_cost": "500"}
    ]  # fmt: skip


WRAPPED = "\r\n".join(textwrap.wrap(b64(XML1), 64))
DECLARED = '<?xml version="1.0" encoding="{}"?>\r\n'
DOTNET = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'


@pytest.mark.parametrize(
    "xml1",
    [
        pytest.param(WRAPPED, id="base64 wrapped"),
        pytest.param(f"\n  {b64(XML1)}\n", id="base64 with space around"),
        pytest.param("&#13;\n".join(textwrap.wrap(b64(XML1), 64)), id="base64 wrapped with references"),
        pytest.param(f"<![CDATA[{b64(XML1)}]]>", id="base64 in CDATA"),
        pytest.param(XML1, id="inline"),
        pytest.param(f"\n<!-- x -->{XML1}\n", id="inline after a comment"),
        pytest.param(f"{DECLARED.format('utf-8')}\n{XML1}", id="inline with its declaration, which is no XML but is sent"),
        pytest.param(f"<![CDATA[{XML1}]]>", id="XML in CDATA"),
        pytest.param(f"<![CDATA[{DECLARED.format('utf-16')}{XML1}]]>", id="XML in CDATA that declares another encoding"),
        pytest.param(b64("\ufeff" + DECLARED.format("utf-8") + XML1), id="BOM and declaration"),
        pytest.param(b64(DECLARED.format("utf-16") + XML1), id="declares utf-16, is utf-8"),
        pytest.param(b64((DECLARED.format("utf-16") + XML1).encode("utf-16")), id="is utf-16"),
        pytest.param(b64(XML1.replace("<TONG_HOP>", f"<TONG_HOP{DOTNET}>")), id=".NET namespaces"),
        pytest.param(b64(XML1.replace("<TONG_HOP>", '<TONG_HOP xmlns="urn:x">')), id="default namespace"),
        pytest.param(
            b64(XML1.replace("<", "<b:").replace("<b:/", "</b:").replace("<b:TONG_HOP>", '<b:TONG_HOP xmlns:b="urn:b">')), id="prefixes"
        ),
        pytest.param(b64(XML1.replace("<STT>", "<!-- c --><?pi x?><LA>1<LA2/></LA><STT>")), id="comments, instructions, unknown elements"),
        pytest.param(b64(XML1.replace("Lê", "<![CDATA[Lê]]>")), id="CDATA in an element"),
        pytest.param(b64(XML1.replace("Lê", "L&#234;")), id="character reference"),
        pytest.param(b64(XML1.replace("Ứ", "U\u031b\u0301")), id="not composed"),
        pytest.param(b64(XML1.replace("><", ">\r\n\t <")), id="indented"),
        pytest.param(b64(XML1.replace(">Lê Thị Ứng<", ">\r\n Lê Thị Ứng\t<")), id="space around a value"),
        pytest.param(
            b64(XML1.replace("<STT>", "<MA_LK>other</MA_LK><MA_BN/><MA_BENH_CHINH />< ".rstrip("< ") + "<STT>")), id="repeated and empty"
        ),
        pytest.param(b64(XML1.replace("<MA_LK>", "<MA_LK> </MA_LK><MA_LK>")), id="the first filled one counts"),
    ],
)
def test_every_way_to_write_a_document(tmp_path: Path, xml1: str) -> None:
    record = f"<HOSO>{part('XML1', xml1)}{part('XML2', b64(XML2))}{part('XML3', b64(XML3))}</HOSO>"
    assert read(tmp_path, envelope(record)) == ([expected_claim()], LINES)


def test_the_five_named_references(tmp_path: Path) -> None:
    claims, _ = read(tmp_path, envelope(hoso(XML1.replace("Lê Thị Ứng", "A &amp;lt; B &lt;&gt;&quot;&apos;"))))
    assert claims[0]["full_name"] == "A &lt; B <>\"'"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1258"])
def test_encodings_of_the_envelope(tmp_path: Path, encoding: str) -> None:
    name = "Trần Văn Bảo"
    declared = "utf-8" if encoding == "utf-8-sig" else encoding
    document = XML1.replace("Lê Thị Ứng", name if encoding != "windows-1258" else "Trâ\u0300n Văn Ba\u0309o")
    text = envelope(f"<HOSO>{part('XML1', document)}</HOSO>").replace('encoding="utf-8"', f'encoding="{declared}"')
    assert read(tmp_path, text.encode(encoding))[0] == [expected_claim(full_name=name)]


def test_an_envelope_in_utf_8_that_declares_utf_16(tmp_path: Path) -> None:
    assert read(tmp_path, envelope(hoso()).replace('encoding="utf-8"', 'encoding="UTF-16"', 1))[0] == [expected_claim()]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("declared", ["utf-8", "utf-16"])
def test_an_inline_document_with_its_declaration_in_an_envelope_of_utf_16(tmp_path: Path, encoding: str, declared: str) -> None:
    record = f"<HOSO>{part('XML1', DECLARED.format(declared) + XML1)}{part('XML2', b64(XML2))}{part('XML3', XML3)}</HOSO>"
    text = envelope(record).replace('encoding="utf-8"?><GIAM', 'encoding="utf-16"?><GIAM')
    assert read(tmp_path, text.encode(encoding)) == ([expected_claim()], LINES)


@pytest.mark.parametrize("header", ["<SOLUONGHOSO>2</SOLUONGHOSO>{}", "{}<SOLUONGHOSO> 2 </SOLUONGHOSO>"])
def test_the_header_may_stand_after_the_list(tmp_path: Path, header: str) -> None:
    body = f"<DANHSACHHOSO>{hoso()}{hoso()}</DANHSACHHOSO>"
    path = tmp_path / "a.xml"
    path.write_text(f"<GIAMDINHHS><THONGTINHOSO>{header.format(body)}<NGAYLAP>20250901</NGAYLAP></THONGTINHOSO></GIAMDINHHS>")
    source = ClaimsFile(path)
    assert [b.claims["issued_on"].to_list() for b in source] == [[date(2025, 9, 1)] * 2]
    assert (source.declared, source.read) == (2, 2)


def test_elements_of_a_file_in_any_order_and_case(tmp_path: Path) -> None:
    late = "<FILEHOSO><NOIDUNGFILE>{}</NOIDUNGFILE><LOAIHOSO> {} </LOAIHOSO></FILEHOSO>"
    record = f"<HOSO>{late.format(b64(XML3), 'xml3')}{late.format(b64(XML1), 'Xml1')}{late.format(b64(XML2), 'XML 2')}</HOSO>"
    assert read(tmp_path, envelope(record)) == ([expected_claim()], [LINES[1], LINES[0]])


def test_bare_tables_in_a_hoso(tmp_path: Path) -> None:
    lines = XML2.replace("CHITIEU_CHITIET_THUOC", "X").replace("<DSACH_CHI_TIET_THUOC>", "").replace("</DSACH_CHI_TIET_THUOC>", "")
    assert read(tmp_path, envelope(f"<HOSO><HS>{XML1}{lines}{XML3}</HS></HOSO>")) == ([expected_claim()], LINES)


def test_of_two_xml1_the_first_counts(tmp_path: Path) -> None:
    record = f"<HOSO>{part('XML1', '')}{part('XML1', b64(XML1))}{part('XML1', b64(XML1.replace('L1', 'L2')))}</HOSO>"
    assert read(tmp_path, envelope(record)) == ([expected_claim()], [])


def test_lines_may_leave_elements_out_and_change_their_order(tmp_path: Path) -> None:
    rows = ["<STT>1</STT><SO_LUONG>1</SO_LUONG>", "<SO_LUONG>2</SO_LUONG>", "<STT>3</STT><MA_NHOM>4</MA_NHOM><SO_LUONG>3</SO_LUONG>",
            "<SO_LUONG>4</SO_LUONG><STT>4</STT>", "", "<STT>6</STT><X/><SO_LUONG>6</SO_LUONG>"]  # fmt: skip
    xml2 = "<DSACH_CHI_TIET_THUOC>" + "".join(f"<CHI_TIET_THUOC>{r}</CHI_TIET_THUOC>" for r in rows) + "</DSACH_CHI_TIET_THUOC>"
    _, lines = read(tmp_path, envelope(hoso(xml2=xml2, xml3="")))
    assert [(r.get("line_number"), r.get("quantity")) for r in lines] == [
        ("1", "1"), (None, "2"), ("3", "3"), ("4", "4"), (None, None), ("6", "6")
    ]  # fmt: skip


def test_columns_are_all_declared_fields_as_text_and_rows_count_the_hoso(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text(envelope(hoso(), hoso(XML1.replace("L1", "L2"))))
    (batch,) = ClaimsFile(path)
    assert batch.claims.columns[:5] == ["row_number", "row_flaw", "position", "standard", "issued_on"]
    assert batch.claims.columns[5:7] == ["episode", "patient_number"]
    assert batch.lines.columns[:4] == ["row_number", "line_table", "line_number", "cost_group"]
    assert batch.claims["episode"].to_list() == ["L1", "L2"]
    assert batch.lines["row_number"].to_list() == [1, 1, 2, 2]
    assert {d for c, d in batch.claims.schema.items() if c not in ("row_number", "position", "issued_on")} == {pl.String()}


def test_many_claims_come_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warehouse.readers.claims.LINES_PER_BATCH", 4)
    path = tmp_path / "a.xml"
    path.write_text(envelope(*[hoso()] * 5))
    assert [(b.claims["row_number"].to_list(), b.lines.height) for b in ClaimsFile(path)] == [([1, 2], 4), ([3, 4], 4), ([5], 2)]


def test_payloads_longer_than_a_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for size in (7, 64, 150, 1000):
        monkeypatch.setattr("warehouse.readers.claims_envelope._CHUNK", size)
        assert read(tmp_path, envelope(hoso())) == ([expected_claim()], LINES)


def test_a_file_that_says_it_is_empty(tmp_path: Path) -> None:
    assert read(tmp_path, envelope()) == ([], [])
