"""Claims as flat lists (79a, 80a, 01/BH): read, made whole, and counted only where no XML says the same."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest
import xlsxwriter

from expectations.exports.claims import CLAIMS
from expectations.quarantine import reasons, split
from tests.spec.claims_tables import rows, warehouse
from transforms.claims import claims
from transforms.exports import complete
from transforms.rows import typed
from warehouse import reference
from warehouse.readers.claim_lists import TableList, XmlList, claim_file
from warehouse.readers.claims import ClaimsFile
from warehouse.refusal import Refusal
from warehouse.samples import claim_lists

HEAD_79A = [*claim_lists.COLUMNS_79A]
HEAD_01BH = [*claim_lists.COLUMNS_01BH]
ROW_79A = {
    "STT": "1", "HO_TEN": "Lý Thử", "NGAY_SINH": "1970", "GIOI_TINH": "1", "MA_THE": "GD4010123456789", "MA_DKBD": "01001",
    "GT_THE_TU": "01/01/2023", "GT_THE_DEN": "31/12/2023", "MA_BENH": "I10", "NGAY_VAO": "202303050800", "NGAY_RA": "202303051000",
    "SO_NGAY_DTRI": "1", "T_TONGCHI": "1000000", "T_BNTT": "250000", "T_BHTT": "750000", "NAM_QT": "2023", "THANG_QT": "3",
    "MA_LOAIKCB": "1", "MA_CSKCB": "01001", "T_NGUONKHAC": "0", "MA_KHOA": "K01",
}  # fmt: skip
ROW_01BH = {
    "STT": "1", "HO_TEN": "Lý Thử", "NGAY_SINH": "197003050000", "GIOI_TINH": "1", "MA_THE_BHYT": "GD4010123456789",
    "MA_BENH_CHINH": "I10", "NGAY_VAO": "202605050800", "NGAY_RA": "202605080900", "SO_NGAY_DTRI": "4", "MA_LOAI_KCB": "03",
    "T_TONGCHI_BV": "1200000.50", "T_TONGCHI_BH": "1000000.50", "T_BHTT": "800000.50", "T_BNCCT": "200000", "T_BNTT": "150000",
    "T_NGUONKHAC": "50000", "MA_CSKCB": "01001", "NAM_QT": "2026", "THANG_QT": "5",
}  # fmt: skip


def workbook(path: Path, head: list[str], body: list[dict[str, object]]) -> Path:
    """As the portal gives it: titles above the heading, a row of column numbers, totals and signatures below."""
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("C79")
        sheet.write(0, 0, "BỆNH VIỆN THỬ")
        sheet.write(2, 3, "DANH SÁCH NGƯỜI BỆNH BHYT KHÁM CHỮA BỆNH ĐỀ NGHỊ THANH TOÁN")
        sheet.write_row(5, 0, head)
        sheet.write_row(6, 0, [f"({n})" for n in range(1, len(head) + 1)])
        for n, row in enumerate(body):
            sheet.write_row(7 + n, 0, [row.get(h, "") for h in head])
        sheet.write(8 + len(body), 0, "Tổng cộng")
        sheet.write(10 + len(body), 2, "Người lập biểu")
    return path


def csv(path: Path, head: list[str], body: list[dict[str, object]]) -> Path:
    path.write_text(
        "\n".join([";".join(head), *(";".join(str(row.get(h, "")) for h in head) for row in body)]) + "\n", encoding="utf-8-sig"
    )
    return path


def xml(path: Path, body: list[dict[str, object]], encoding: str = "utf-8") -> Path:
    records = "".join("<CHITIET_HS01BH>" + "".join(f"<{k}>{v}</{k}>" for k, v in row.items()) + "</CHITIET_HS01BH>" for row in body)
    text = f'<?xml version="1.0" encoding="{encoding}"?>\n<HSTH01BH><DS_CHITIET Id="a">{records}</DS_CHITIET><CHUKYDONVI/></HSTH01BH>'
    path.write_bytes(text.encode(encoding))
    return path


def read(path: Path) -> pl.DataFrame:
    """All that is made of a list, as a night does it."""
    parts = []
    for batch in claim_file(path):
        made, _ = claims(typed(batch.claims, CLAIMS, "d1"), batch.lines, "d1", reference.code_lists())
        parts.append(complete(made, CLAIMS, None, reference.places()))
    return pl.concat(parts)


def broken(frame: pl.DataFrame) -> dict[int, set[str]]:
    """Row → the rules of severity error that it breaks."""
    with duckdb.connect() as connection:
        _, bad = split(connection, frame, CLAIMS)
    found: dict[int, set[str]] = {}
    for r in reasons(bad, CLAIMS).iter_rows(named=True):
        found.setdefault(r["row_number"], set()).add(r["rule"])
    return found


def test_a_list_79a_is_typed_into_claims(tmp_path: Path) -> None:
    row = read(workbook(tmp_path / "79a.xlsx", HEAD_79A, [ROW_79A])).row(0, named=True)
    assert {k: row[k] for k in ("source_form", "standard", "row_number", "facility_code", "main_icd", "care_code", "settlement_year")} == {
        "source_form": "79a", "standard": "4210", "row_number": 8, "facility_code": "01001", "main_icd": "I10", "care_code": "01",
        "settlement_year": 2023,
    }  # fmt: skip
    assert (row["birth_date"], row["birth_precision"]) == (date(1970, 1, 1), "year")
    assert (row["admitted_at"], row["card_valid_to"]) == (datetime(2023, 3, 5, 8), [date(2023, 12, 31)])
    assert row["episode"] == row["visit_key"] == "0123456789/20230305/20230305"
    assert (row["total_cost"], row["covered_cost"], row["fund_paid"]) == (1_000_000, 1_000_000, 750_000)
    assert (row["line_count"], row["lines_total_cost"]) == (0, None)


@pytest.mark.parametrize(
    ("cells", "copayment", "self_paid"),
    [
        ({}, 250_000, 0),  # the fund left 250,000 of the covered cost, and so much the patient paid
        ({"T_BNTT": "300000"}, 250_000, 50_000),
        ({"T_BNTT": "200000"}, 200_000, 0),
        ({"T_NGUONKHAC": "100000", "T_BNTT": "250000"}, 150_000, 100_000),
        ({"T_BNCCT": "50000"}, 50_000, 200_000),
    ],
)
def test_the_patients_payment_of_79a_holds_the_copayment(tmp_path: Path, cells: dict[str, str], copayment: int, self_paid: int) -> None:
    head = HEAD_79A + (["T_BNCCT"] if "T_BNCCT" in cells else [])
    row = read(csv(tmp_path / "79a.csv", head, [ROW_79A | cells])).row(0, named=True)
    assert (row["copayment"], row["self_paid"]) == (copayment, self_paid)


def test_an_inpatient_of_the_portal_list_is_of_form_80a(tmp_path: Path) -> None:
    assert read(csv(tmp_path / "a", HEAD_79A, [ROW_79A | {"MA_LOAIKCB": "3"}, ROW_79A]))["source_form"].to_list() == ["80a", "79a"]


def test_the_form_without_other_sources_had_none_and_one_with_ma_lk_keeps_it(tmp_path: Path) -> None:
    head = [h for h in HEAD_79A if h != "T_NGUONKHAC"] + ["MA_LK", "T_GIUONG"]
    row = read(workbook(tmp_path / "79a.xlsx", head, [ROW_79A | {"MA_LK": "E1"}])).row(0, named=True)
    assert (row["other_sources"], row["episode"], row["visit_key"]) == (0, "E1", "0123456789/20230305/20230305")


@pytest.mark.parametrize("form", ["xlsx", "csv", "xml", "utf-16"])
def test_a_list_01bh_is_typed_into_claims(tmp_path: Path, form: str) -> None:
    path = tmp_path / "01bh"
    if form == "xlsx":
        workbook(path, HEAD_01BH, [ROW_01BH])
    elif form == "csv":
        csv(path, HEAD_01BH, [ROW_01BH])
    else:
        xml(path, [ROW_01BH], "utf-8" if form == "xml" else form)
    row = read(path).row(0, named=True)
    assert {k: row[k] for k in ("source_form", "standard", "icd_edition", "treatment_days", "card_numbers", "episode")} == {
        "source_form": "01bh", "standard": "3176", "icd_edition": "QĐ 4469", "treatment_days": 4, "card_numbers": ["GD4010123456789"],
        "episode": "0123456789/20260505/20260508",
    }  # fmt: skip
    money = ("total_cost", "covered_cost", "fund_paid", "copayment", "self_paid", "other_sources")
    assert [row[c] for c in money] == [Decimal(x) for x in ("1200000.50", "1000000.50", "800000.50", "200000", "150000", "50000")]


def test_a_list_in_xml_is_numbered_on_and_a_claim_file_goes_to_its_own_reader(tmp_path: Path) -> None:
    assert read(xml(tmp_path / "a.xml", [ROW_01BH] * 3))["row_number"].to_list() == [1, 2, 3]
    assert isinstance(claim_file(xml(tmp_path / "b.xml", [ROW_01BH])), XmlList)
    (tmp_path / "c.xml").write_text("<!-- HSTH01BH --><GIAMDINHHS/>")
    assert isinstance(claim_file(tmp_path / "c.xml"), ClaimsFile)
    assert isinstance(claim_file(csv(tmp_path / "d.csv", HEAD_79A, [ROW_79A])), TableList)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("<HSTH01BH><DS_CHITIET/></HSTH01BH>", "empty"),
        ("<HSTH01BH><DS_CHITIET><CHITIET_HS01BH><STT>1</STT>", "truncated"),
        ("<HSTH01BH><DS_CHITIET></b></DS_CHITIET></HSTH01BH>", "malformed"),
        ('<!DOCTYPE HSTH01BH [<!ENTITY a "b">]><HSTH01BH><DS_CHITIET><CHITIET_HS01BH/></DS_CHITIET></HSTH01BH>', "unsafe_xml"),
        ("xin chào\n", "wrong_format"),
        ("MA_LK,HO_TEN\n1,A\n", "wrong_format"),
        ("", "empty_file"),
        (";".join(HEAD_79A) + "\n", "empty_file"),
    ],
)
def test_what_cannot_be_read_as_a_list_is_refused(tmp_path: Path, content: str, code: str) -> None:
    (tmp_path / "a").write_text(content)
    with pytest.raises(Refusal) as refused:
        for _ in claim_file(tmp_path / "a"):
            pass
    assert refused.value.code == code


@pytest.mark.parametrize(("head", "lost"), [(HEAD_79A, "T_BHTT"), (HEAD_01BH, "T_TONGCHI_BH"), (HEAD_01BH, "MA_CSKCB")])
def test_a_missing_column_is_named(tmp_path: Path, head: list[str], lost: str) -> None:
    workbook(tmp_path / "a.xlsx", [h for h in head if h != lost], [ROW_79A | ROW_01BH])
    with pytest.raises(Refusal) as refused:
        next(iter(claim_file(tmp_path / "a.xlsx")))
    assert refused.value.code == "missing_column"
    assert lost in refused.value.reason
    assert refused.value.position == "header in row 6"


def test_bad_rows_are_quarantined_and_no_row_is_lost(tmp_path: Path) -> None:
    faults = [
        {},
        {"MA_THE": ""},
        {"NGAY_VAO": ""},
        {"NGAY_RA": "x"},
        {"T_BHTT": ""},
        {"T_BNTT": "một"},
        {"T_NGUONKHAC": ""},
        {"THANG_QT": "13"},
    ]
    frame = read(workbook(tmp_path / "a.xlsx", HEAD_79A, [ROW_79A | f for f in faults]))
    assert frame["row_number"].to_list() == list(range(8, 16))
    key = {"claims.visit_key.missing", "claims.episode.missing"}
    found = broken(frame)
    assert set(found) == set(range(9, 16))
    assert found[9] == found[10] == key
    assert found[11] == {*key, "claims.discharged_at.unreadable"}
    assert {n: r for n, r in found.items() if n > 11} == {
        12: {"claims.fund_paid.missing"}, 13: {"claims.self_paid.unreadable"}, 14: {"claims.other_sources.missing"},
        15: {"claims.settlement_month.unreadable"},
    }  # fmt: skip


# How lists and XML replace each other.

VISIT = "source_form | episode | visit_key | card_numbers    | admitted_at      | discharged_at    | received_rank | fund_paid"
LISTED = "01bh        | A/5/8   | A/5/8     | GD4010123456789 | 2026-05-05 08:00 | 2026-05-08 09:00 | {rank}        | {paid}"
XML_SENT = "xml       | E1      |           | {card}          | {day} 10:15      | 2026-05-08 11:00 | {rank}        | {paid}"


def labels(*lines: str, columns: str = VISIT) -> list[tuple[object, ...]]:
    return sorted(rows(warehouse("\n".join([columns, *lines])), "steps.claim_version", "row_number, label, superseded_by"))


def test_a_list_counts_where_no_xml_says_the_same() -> None:
    assert labels(LISTED.format(rank=1, paid=5)) == [(1, "current", None)]


@pytest.mark.parametrize("rank", [1, 3])
@pytest.mark.parametrize("card", ["GD4010123456789", "0123456789", "TE1790123456789"])
def test_the_xml_replaces_the_list_whichever_came_first(rank: int, card: str) -> None:
    sent = XML_SENT.format(card=card, day="2026-05-05", rank=rank, paid=7)
    assert labels(LISTED.format(rank=2, paid=5), sent) == [(1, "superseded", "grade"), (2, "current", None)]


@pytest.mark.parametrize(("card", "day"), [("GD4010123456780", "2026-05-05"), ("GD4010123456789", "2026-05-04")])
def test_another_card_or_day_is_another_claim(card: str, day: str) -> None:
    assert [x[1] for x in labels(LISTED.format(rank=1, paid=5), XML_SENT.format(card=card, day=day, rank=1, paid=7))] == [
        "current",
        "current",
    ]


def test_a_later_list_replaces_an_earlier_one_of_either_form() -> None:
    of_79a = LISTED.format(rank=1, paid=5).replace("01bh", "79a ")
    assert labels(of_79a, LISTED.format(rank=2, paid=6)) == [(1, "superseded", "version"), (2, "current", None)]


def test_two_visits_of_one_day_stay_two_and_are_matched_in_their_order() -> None:
    second = LISTED.format(rank=1, paid=9).replace("05 08:00", "05 15:00")
    lists = (LISTED.format(rank=1, paid=5), second, second.replace("| 1 ", "| 2 "))
    con = warehouse("\n".join([VISIT, *lists]))
    assert sorted(rows(con, "steps.claim_version", "row_number, label, counted_episode")) == [
        (1, "superseded", "A/5/8"), (2, "current", "A/5/8#2"), (3, "current", "A/5/8"),
    ]  # fmt: skip
    assert len({k for (k,) in rows(con, "facts.claim", "claim_key")}) == 2


def test_a_list_with_ma_lk_follows_its_key_too() -> None:
    with_key = LISTED.format(rank=1, paid=5).replace("A/5/8   |", "E1      |", 1)
    moved = with_key.replace("A/5/8 ", "A/6/8 ").replace("| 1 ", "| 2 ")
    assert labels(with_key, moved) == [(1, "superseded", "version"), (2, "current", None)]
    assert labels(with_key, XML_SENT.format(card="GD4019999999999", day="2026-05-01", rank=1, paid=7)) == [
        (1, "superseded", "grade"), (2, "current", None),
    ]  # fmt: skip


def test_a_withdrawn_xml_claim_does_not_bring_the_list_back() -> None:
    columns = VISIT + " | visit_category"
    sent = [XML_SENT.format(card="GD4010123456789", day="2026-05-05", rank=n, paid=7) + f" | {c}" for n, c in ((2, "1.1"), (3, "8"))]
    assert labels(LISTED.format(rank=1, paid=5) + " | ", *sent, columns=columns) == [
        (1, "superseded", "grade"), (2, "superseded", "version"), (3, "withdrawn", None),
    ]  # fmt: skip


def test_a_claim_of_a_list_is_counted_once_without_lines_and_says_what_it_came_as() -> None:
    con = warehouse(
        "\n".join([VISIT, LISTED.format(rank=1, paid=5), XML_SENT.format(card="GD4010123456780", day="2026-05-05", rank=1, paid=7)])
    )
    assert sorted(rows(con, "facts.claim", "source_form, fund_paid::INTEGER")) == [("01bh", 5), ("xml", 7)]
    assert rows(con, "facts.claim_cost") == []
    assert rows(con, "marts.facility_month", "visits, fund_paid::INTEGER") == [(2, 12)]
    assert [s for s in rows(con, "steps.claim_signal", "signal") if s == ("amount_mismatch",)] == []
