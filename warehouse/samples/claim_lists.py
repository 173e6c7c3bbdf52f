"""Flat lists of claims (79a/80a, 01/BH) of a simulated world: some claims that come in no other way, and some that come as XML too."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date

import polars as pl
import xlsxwriter

from warehouse.samples.claim_xml import money
from warehouse.samples.outbox import Outbox
from warehouse.samples.visits import kept_minutes

# CV 3360/BHXH-CSYT 2015, update of 27/08/2019; TT 12/2026/TT-BTC (domain/formats.md §3).
COLUMNS_79A = (
    "STT", "MA_BN", "HO_TEN", "NGAY_SINH", "GIOI_TINH", "DIA_CHI", "MA_THE", "MA_DKBD", "GT_THE_TU", "GT_THE_DEN", "MA_BENH", "MA_BENHKHAC",
    "MA_LYDO_VVIEN", "MA_NOI_CHUYEN", "NGAY_VAO", "NGAY_RA", "SO_NGAY_DTRI", "KET_QUA_DTRI", "TINH_TRANG_RV", "T_TONGCHI", "T_XN", "T_CDHA",
    "T_THUOC", "T_MAU", "T_PTTT", "T_VTYT", "T_DVKT_TYLE", "T_THUOC_TYLE", "T_VTYT_TYLE", "T_KHAM", "T_VCHUYEN", "T_BNTT", "T_BHTT",
    "T_NGOAIDS", "MA_KHOA", "NAM_QT", "THANG_QT", "MA_KHUVUC", "MA_LOAIKCB", "MA_CSKCB", "T_NGUONKHAC",
)  # fmt: skip
COLUMNS_01BH = (
    "STT", "HO_TEN", "NGAY_SINH", "GIOI_TINH", "MA_THE_BHYT", "MA_BENH_CHINH", "NGAY_VAO", "NGAY_VAO_NOI_TRU", "NGAY_RA", "SO_NGAY_DTRI",
    "MA_LOAI_KCB", "T_TONGCHI_BV", "T_TONGCHI_BH", "T_BHTT", "T_BNCCT", "T_BNTT", "T_NGUONKHAC", "MA_CSKCB", "NAM_QT", "THANG_QT",
)  # fmt: skip
FORM_01BH_FROM = date(2026, 4, 1)
FACILITIES = 3  # that send lists
_CARE_4210 = {"03": "3", "04": "3", "09": "3", "01": "1", "06": "1", "07": "1", "02": "2", "05": "2", "08": "2"}


def chosen(claims: pl.DataFrame) -> pl.DataFrame:
    """`claim, only_listed, form`: the claims (of `truth_claims.current_claims`) that flat lists hold; `only_listed` ones come in no XML.

    Claims of the facilities with most of them, sent once, of one card, made to show nothing, and alone with their card, days and facility.
    """
    visit = ["facility_code", "number", "day", "out_day"]
    plain = claims.filter(
        (pl.len().over(visit) == 1) & pl.col("signal").is_null() & pl.col("other_full").is_null() & (pl.col("header_off") == 0)
    ).filter((pl.col("kind") == "first") & (pl.col("claim") % 3 > 0))
    largest = plain.group_by("facility_code").len().sort("len", "facility_code", descending=[True, False]).head(FACILITIES)
    form = pl.when(pl.col("settled") < FORM_01BH_FROM).then(pl.lit("79a")).otherwise(pl.lit("01bh"))
    return (
        plain.join(largest, on="facility_code", how="semi")
        .select("claim", only_listed=pl.col("claim") % 3 == 1, form=form)
        .sort("claim")
    )  # fmt: skip


def as_listed(claims: pl.DataFrame, lines: pl.DataFrame, listed: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The current claims and their lines as the warehouse knows them: of those that only a list holds, what the list says.

    01/BH does not say where the card is registered; 79a has one total, and one amount for all that the patient paid.
    """
    claims = claims.join(listed.filter("only_listed").select("claim", "form"), on="claim", how="left", maintain_order="left")
    of_79a, of_01bh = (pl.col("form") == "79a").fill_null(False), (pl.col("form") == "01bh").fill_null(False)
    paid = pl.col("own") + pl.col("copay")
    copay = (pl.col("total_header") - pl.col("fund") - pl.col("other")).clip(0, paid)
    claims = claims.with_columns(
        covered=pl.when(of_79a).then("total_header").otherwise("covered"),
        copay=pl.when(of_79a).then(copay).otherwise("copay"),
        own=pl.when(of_79a).then(paid - copay).otherwise("own"),
        home=pl.when(~of_01bh).then("home"),
        registered=pl.when(~of_01bh).then("registered"),
    )
    return claims.drop("form"), lines.join(listed.filter("only_listed"), on="claim", how="anti", maintain_order="left")


def write_lists(outbox: Outbox, claims: pl.DataFrame, listed: pl.DataFrame) -> None:
    """One list per facility and settlement month, as workbook, text or (01/BH) XML."""
    rows = claims.join(listed, on="claim", how="inner", maintain_order="left").sort("settled", "facility_code", "claim")
    ways = {code: n for n, code in enumerate(rows["facility_code"].unique().sort())}
    for (settled, facility, form), some in rows.group_by("settled", "facility_code", "form", maintain_order=True):
        way = ways[facility]
        columns = COLUMNS_79A if form == "79a" else COLUMNS_01BH
        table = _cells(some).select(pl.col(c) if c in _CELLS else pl.lit("").alias(c) for c in columns)
        stem = f"hospitals/claims/danh_sach/{form}_{facility}_{settled:%Y%m}"
        if form == "01bh" and way > 0:
            path, data = f"{stem}.xml", _xml(table)
        elif way == 1:
            path, data = f"{stem}.csv", table.write_csv(separator=";").encode("utf-8-sig")
        else:
            path, data = f"{stem}.xlsx", _workbook(table)
        outbox.put(path, data)
        outbox.note(path, "claims", read=table.height)


def _day(column: str, form: str = "%Y%m%d") -> pl.Expr:
    return pl.from_epoch(pl.col(column), time_unit="d").dt.strftime(form).fill_null("")


_CELLS: dict[str, pl.Expr] = {
    "STT": pl.int_range(1, pl.len() + 1).cast(pl.String),
    "MA_BN": pl.concat_str(pl.lit("BN"), pl.col("patient").abs()),
    "HO_TEN": pl.col("full_name"),
    "NGAY_SINH": pl.when("year_only").then(_day("birth", "%Y")).otherwise(_day("birth")),
    "GIOI_TINH": pl.col("sex"),
    **dict.fromkeys(("MA_THE", "MA_THE_BHYT"), pl.col("cards")),
    "MA_DKBD": pl.col("registered_list"),
    "GT_THE_TU": pl.col("from_list"),
    "GT_THE_DEN": pl.col("to_list"),
    **dict.fromkeys(("MA_BENH", "MA_BENH_CHINH"), pl.col("icd")),
    "MA_LYDO_VVIEN": pl.lit("1"),
    "MA_NOI_CHUYEN": pl.col("referring").fill_null(""),
    "NGAY_VAO": kept_minutes(pl.col("day"), pl.col("minute")),
    "NGAY_RA": kept_minutes(pl.col("out_day"), pl.col("minute") + 45),
    "SO_NGAY_DTRI": pl.col("treatment_days").cast(pl.String),
    "KET_QUA_DTRI": pl.col("outcome"),
    "TINH_TRANG_RV": pl.lit("1"),
    **dict.fromkeys(("T_TONGCHI", "T_TONGCHI_BV"), money("total_header")),
    "T_TONGCHI_BH": money("covered"),
    "T_THUOC": money("drugs"),
    "T_VTYT": money("supplies"),
    "T_BNCCT": money("copay"),
    "T_BHTT": money("fund"),
    "T_NGUONKHAC": money("other"),
    "MA_KHOA": pl.lit("K01"),
    "NAM_QT": pl.col("settled").dt.year().cast(pl.String),
    "THANG_QT": pl.col("settled").dt.month().cast(pl.String),
    "MA_LOAIKCB": pl.col("care_code").replace(_CARE_4210),
    "MA_LOAI_KCB": pl.col("care_code"),
    "MA_CSKCB": pl.col("facility_code"),
    "T_BNTT": pl.when(pl.col("form") == "79a").then(money("paid")).otherwise(money("own")),
}


def _cells(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(paid=pl.col("own") + pl.col("copay")).select(e.alias(c) for c, e in _CELLS.items())


def _workbook(table: pl.DataFrame) -> bytes:
    sink = io.BytesIO()
    book = xlsxwriter.Workbook(sink, {"in_memory": True})
    book.set_properties({"created": date(2025, 1, 1)})
    sheet = book.add_worksheet("C79")
    sheet.write_string(0, 0, "BẢO HIỂM XÃ HỘI VIỆT NAM")
    sheet.write_string(1, 3, "DANH SÁCH NGƯỜI BỆNH BHYT KHÁM CHỮA BỆNH ĐỀ NGHỊ THANH TOÁN")
    for row, cells in enumerate((table.columns, *table.rows()), 3):
        for column, cell in enumerate(cells):
            sheet.write_string(row, column, cell)
    sheet.write_string(table.height + 5, 0, "Tổng cộng")
    sheet.write_string(table.height + 7, 2, "Người lập biểu")
    book.close()
    return sink.getvalue()


def _xml(table: pl.DataFrame) -> bytes:
    def record(cells: Sequence[str]) -> str:
        return "".join(f"<{c}>{v}</{c}>" for c, v in zip(table.columns, cells, strict=True))

    records = "\n".join(f"<CHITIET_HS01BH>{record(cells)}</CHITIET_HS01BH>" for cells in table.rows())
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<HSTH01BH><DS_CHITIET Id="DS">\n{records}\n</DS_CHITIET><CHUKYDONVI/></HSTH01BH>\n'
    return text.encode()
