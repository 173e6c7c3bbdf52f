"""Claims written in any variant read back equal; and the fast scanner never differs from lxml."""

import base64
import tempfile
import textwrap
import unicodedata
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.readers.claims import ClaimsFile
from warehouse.readers.claims_documents import KINDS, Flaw, Kind, Records, Scanner, parsed_bytes
from warehouse.refusal import Refusal

# ---- any set of claims, in any variant, reads back equal

TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co", "Mn"], exclude_characters="\ufeff"), max_size=12
).map(lambda t: t.strip())
VALUE = st.one_of(st.sampled_from(["", "1", "20250101", "Lê Thị Ứng", "a;b", "&lt;", "<b>", "12.50"]), TEXT)
CLAIM_FIELDS = {"episode": "MA_LK", "full_name": "HO_TEN", "card_list": "MA_THE_BHYT", "total_cost": "T_TONGCHI_BV"}
LINE_FIELDS = {"line_number": "STT", "cost_group": "MA_NHOM", "total_cost": "THANH_TIEN_BV"}
FORMS = ("base64", "wrapped", "inline", "cdata", "base64 bom", "base64 utf-16", "base64 declared")


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("]]>", "]]&gt;")


def record(draw: st.DrawFn, tag: str, values: dict[str, str], elements: dict[str, str]) -> str:
    children = [
        f"<{elements[n]}>{escaped(v)}</{elements[n]}>" if v or draw(st.booleans()) else f"<{elements[n]} />" for n, v in values.items()
    ]
    if draw(st.booleans()):
        children.append("<LA>x</LA>")
    space = draw(st.sampled_from(["", "\n", "\r\n  "]))
    return f"<{tag}>{space}{space.join(draw(st.permutations(children)))}{space}</{tag}>"


def content(draw: st.DrawFn, document: str) -> str:
    form = draw(st.sampled_from(FORMS))
    declared = '<?xml version="1.0" encoding="utf-8"?>'
    encoded = {
        "base64 bom": "\ufeff" + declared + document,
        "base64 declared": declared.replace("utf-8", "utf-16") + document,
    }.get(form, document)
    if form == "inline":
        return document
    if form == "cdata":
        return "<![CDATA[" + document.replace("]]>", "]]]]><![CDATA[>") + "]]>"
    text = base64.b64encode(encoded.encode("utf-16" if form == "base64 utf-16" else "utf-8")).decode()
    return "\n".join(textwrap.wrap(text, 64)) if form == "wrapped" else text


@st.composite
def files(draw: st.DrawFn) -> tuple[str, list[dict[str, str]], list[dict[str, str]]]:
    claims, lines, records = [], [], []
    for number in range(1, draw(st.integers(1, 4)) + 1):
        claim = {n: draw(VALUE) for n in CLAIM_FIELDS}
        documents = {"XML1": record(draw, "TONG_HOP", claim, CLAIM_FIELDS)}
        claims.append({"row_number": number, **claim})
        of_claim = []
        for table, outer, inner, tag in (
            ("2", "CHITIEU_CHITIET_THUOC", "DSACH_CHI_TIET_THUOC", "CHI_TIET_THUOC"),
            ("3", "CHITIEU_CHITIET_DVKT_VTYT", "DSACH_CHI_TIET_DVKT", "CHI_TIET_DVKT"),
        ):
            values = [{n: draw(VALUE) for n in LINE_FIELDS} for _ in range(draw(st.integers(0, 3)))]
            of_claim += [{"row_number": number, "line_table": table, **v} for v in values]
            body = f"<{inner}>{''.join(record(draw, tag, v, LINE_FIELDS) for v in values)}</{inner}>"
            documents[f"XML{table}"] = body if draw(st.booleans()) else f"<{outer}>{body}</{outer}>"
        lines += of_claim
        parts = [(f"<LOAIHOSO>{kind}</LOAIHOSO>", f"<NOIDUNGFILE>{content(draw, d)}</NOIDUNGFILE>") for kind, d in documents.items()]
        if draw(st.booleans()):
            parts = [*parts[1:], parts[0]]
        records.append("".join(f"<FILEHOSO>{''.join(draw(st.permutations(p)))}</FILEHOSO>" for p in parts))
    header = [f"<SOLUONGHOSO>{len(records)}</SOLUONGHOSO>", f"<DANHSACHHOSO>{''.join(f'<HOSO>{r}</HOSO>' for r in records)}</DANHSACHHOSO>"]
    return f"<GIAMDINHHS><THONGTINHOSO>{''.join(draw(st.permutations(header)))}</THONGTINHOSO></GIAMDINHHS>", claims, lines


def normal(value: str | int) -> str | int | None:
    return unicodedata.normalize("NFC", value.strip()) or None if isinstance(value, str) else value


@settings(max_examples=60, deadline=None)
@given(files(), st.booleans())
def test_any_variant_reads_back_equal(written: tuple[str, list[dict[str, str]], list[dict[str, str]]], utf16: bool) -> None:
    text, claims, lines = written
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.xml"
        path.write_bytes(text.encode("utf-16" if utf16 else "utf-8"))
        source = ClaimsFile(path)
        batches = list(source)
    assert source.read == source.declared == len(claims)
    got = [row for b in batches for row in b.claims.select("row_number", *CLAIM_FIELDS).to_dicts()]
    assert got == [{k: normal(v) for k, v in c.items()} for c in claims]
    assert all(b.claims["row_flaw"].is_null().all() for b in batches)
    got = [row for b in batches for row in b.lines.select("row_number", "line_table", *LINE_FIELDS).to_dicts()]
    assert got == [{k: normal(v) for k, v in line.items()} for line in lines]


# ---- the scanner is exact

PIECES = st.sampled_from(
    [
        "<CHITIEU_CHITIET_THUOC>",
        "</CHITIEU_CHITIET_THUOC>",
        "<DSACH_CHI_TIET_THUOC>",
        "</DSACH_CHI_TIET_THUOC>",
        "<CHI_TIET_THUOC>",
        "</CHI_TIET_THUOC>",
        "<STT>",
        "</STT>",
        "<STT>1</STT>",
        "<STT/>",
        "<STT />",
        "<STT\u00a0/>",
        "<LA>x</LA>",
        "<LA>",
        "<SO_LUONG> 2 </SO_LUONG>",
        "<SO_LUONG>3</SO_LUONG>",
        "<STT a='1'>1</STT>",
        "<STT a='1' a='1'>1</STT>",
        "<!-- c -->",
        "<!-- - -- -->",
        "<?pi?>",
        "<![CDATA[x]]>",
        "]]>",
        "&amp;",
        "&lt;",
        "&#65;",
        "&#0;",
        "&foo;",
        "&",
        " ",
        "\n",
        "\r\n",
        "\t",
        "\x0b",
        "\x00",
        "\x1f",
        "\x7f",
        "\u0085",
        "\ufffe",
        "\ufeff",
        "Ư",
        ">",
        '<?xml version="1.0" encoding="utf-8"?>',
        "<?xml version='1.0'?>",
        "<!DOCTYPE a>",
        "<CHI_TIET_THUOC><STT>7</STT></CHI_TIET_THUOC>",
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"',
        "</STT >",
        "< STT>1</STT>",
        "<TONG_HOP>",
        "</TONG_HOP>",
        "<MA_LK>L</MA_LK>",
    ]
)

GOOD_LINES = st.lists(
    st.sampled_from(["<STT>1</STT>", "<LA>x</LA>", "<SO_LUONG>&lt;3</SO_LUONG>", "<MA_NHOM />", "<T_BHTT></T_BHTT>", "\r\n"]), max_size=6
)


@st.composite
def documents(draw: st.DrawFn) -> tuple[Kind, list[bytes]]:
    """Documents of one file, nearly right: a well-formed one with a few pieces put in or characters taken out."""
    kind = KINDS[draw(st.sampled_from("12"))]
    written = []
    for _ in range(draw(st.integers(1, 4))):
        wrappers = kind.wrappers[draw(st.integers(0, max(len(kind.wrappers) - 1, 0))) :]
        count = draw(st.integers(0, 3)) if kind.wrappers else draw(st.integers(1, 2))
        body = "".join(f"<{kind.record}>{''.join(draw(GOOD_LINES))}</{kind.record}>" for _ in range(count))
        text = "".join(f"<{w}>" for w in wrappers) + body + "".join(f"</{w}>" for w in reversed(wrappers))
        for _ in range(draw(st.integers(0, 2))):
            place = draw(st.integers(0, len(text)))
            text = text[:place] + draw(PIECES) + text[place + draw(st.integers(0, 2)) :]
        written.append(text.encode())
    return kind, written


def normalised(records: Records) -> tuple[int, list[str]]:
    return records.count, [(t or "").strip() for t in records.texts]


@settings(max_examples=1500, deadline=None)
@given(documents())
def test_what_the_scanner_reads_lxml_reads_the_same(case: tuple[Kind, list[bytes]]) -> None:
    kind, written = case
    scanner = Scanner(kind)
    for document in written:
        scanned = scanner.scan(document)
        if scanned is None:
            continue
        try:
            read = parsed_bytes(kind, document, "")
        except (Flaw, Refusal) as error:
            raise AssertionError(f"lxml refuses what the scanner read: {document!r}") from error
        assert normalised(scanned) == normalised(read)


@given(st.lists(st.permutations(["STT", "MA_NHOM", "SO_LUONG", "LA", "LO", "THANH_TIEN_BV"]).map(lambda p: p[:4]), min_size=1, max_size=6))
def test_the_scanner_reads_records_of_any_order_without_lxml(orders: list[list[str]]) -> None:
    kind = KINDS["2"]
    rows = "".join(f"<CHI_TIET_THUOC>{''.join(f'<{n}>{n}{i}</{n}>' for n in order)}</CHI_TIET_THUOC>" for i, order in enumerate(orders))
    document = f"<DSACH_CHI_TIET_THUOC>{rows}</DSACH_CHI_TIET_THUOC>".encode()
    scanned = Scanner(kind).scan(document)
    assert scanned is not None
    assert normalised(scanned) == normalised(parsed_bytes(kind, document, ""))
