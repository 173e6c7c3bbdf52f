"""Claim records as XML: the inner documents of QĐ 4210 and of QĐ 130 / 4750 / 3176, in the ways in which hospital systems write
them.

Text is put together column by column in Polars, not claim by claim: about 100 MB of XML a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from warehouse.samples.costs import item_column
from warehouse.samples.visits import kept_minutes

Part = str | pl.Expr


@dataclass(frozen=True)
class Style:
    """How one hospital system writes."""

    content: Literal["base64", "wrapped", "inline", "cdata"] = "base64"  # what NOIDUNGFILE holds; cdata: inline, text in CDATA sections
    shuffled: int = 0  # seed of the order of elements; 0: the order of the standard
    declaration: str = ""  # what opens the inner document: an XML declaration, a byte order mark
    sparse: bool = False  # optional elements are missing
    extras: bool = False  # comments, unknown elements, empty XML8
    packed: str = ""
    per_file: int = 1_000


STYLES = (
    Style(declaration='<?xml version="1.0" encoding="utf-8"?>'),
    Style("wrapped", packed="gz"),
    Style("inline", extras=True),
    Style("cdata", shuffled=3),
    Style(declaration="\ufeff", shuffled=7, sparse=True, per_file=40),
    Style("inline", shuffled=5, sparse=True, packed="zst"),
)
_OPTIONAL = {"NHOM_MAU", "DIEN_THOAI", "LY_DO_VNT", "MA_BENH_KT", "MA_PTTT_QT", "GIAY_CHUYEN_TUYEN", "GHI_CHU", "CAN_NANG_CON",
"MA_TTDV", "DU_PHONG",
             "MA_PP_CHEBIEN", "MA_HIEU_SP", "TAI_SU_DUNG", "VI_TRI_TH_DVKT", "PP_VO_CAM", "T_TRANTT", "GOI_VTYT",
             "MA_XANG_DAU"}  # fmt: skip
_TEXTS = {"HO_TEN", "DIA_CHI", "TEN_THUOC", "TEN_DICH_VU", "TEN_VAT_TU", "CHAN_DOAN_VAO", "CHAN_DOAN_RV", "TEN_BENH", "LY_DO_VV"}


def money(column: str) -> pl.Expr:
    """xu as đồng: `5520`, `47288592.59`, `12.5`."""
    whole, rest = (pl.col(column) // 100).cast(pl.String), pl.col(column) % 100
    return (
        pl.when(rest == 0)
        .then(whole)
        .when(rest % 10 == 0)
        .then(pl.concat_str(whole, pl.lit("."), (rest // 10).cast(pl.String)))
        .otherwise(pl.concat_str(whole, pl.lit("."), rest.cast(pl.String).str.zfill(2)))
    )


def thousandths(column: str) -> pl.Expr:
    """Quantities and prices always carry three decimals: `24.000` is twenty-four."""
    return pl.concat_str((pl.col(column) // 1000).cast(pl.String), pl.lit("."), (pl.col(column) % 1000).cast(pl.String).str.zfill(3))


def _day(column: str) -> pl.Expr:
    return pl.from_epoch(pl.col(column), time_unit="d").dt.strftime("%Y%m%d").fill_null("")


def _document(elements: dict[str, Part], style: Style, opening: str, closing: str) -> pl.Expr:
    """`opening`, each element, `closing` as one text expression; neighbouring constants are joined beforehand."""
    names = [n for n in elements if not (style.sparse and n in _OPTIONAL)]
    if style.shuffled:
        np.random.default_rng(style.shuffled + len(names)).shuffle(names)
    parts: list[Part] = [opening]
    for i, name in enumerate(names):
        cdata = style.content == "cdata" and name in _TEXTS
        parts += [f"<{name}>" + ("<![CDATA[" if cdata else ""), elements[name], ("]]>" if cdata else "") + f"</{name}>"]
        if style.extras and i == 5:
            parts.append("<!-- xuất từ HIS --><TRUONG_RIENG>x</TRUONG_RIENG>")
    parts.append(closing)
    merged: list[Part] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] = merged[-1] + part
        else:
            merged.append(part)
    return pl.concat_str([pl.lit(p) if isinstance(p, str) else p.cast(pl.String).fill_null("") for p in merged])


def header_130(style: Style) -> pl.Expr:
    """XML1 of the 130 family, from the columns of a record."""
    birth = (
        pl.when("year_only")
        .then(pl.concat_str(_day("birth").str.slice(0, 4), pl.lit("00000000")))
        .otherwise(pl.concat_str(_day("birth"), pl.lit("0000")))
    )
    elements: dict[str, Part] = {
        "MA_LK": pl.col("episode"), "STT": "1", "MA_BN": pl.concat_str(pl.lit("BN"), pl.col("patient").abs()),
        "HO_TEN": pl.col("full_name"),
        "SO_CCCD": pl.col("citizen_id"), "NGAY_SINH": birth, "GIOI_TINH": pl.col("sex"), "NHOM_MAU": "", "MA_QUOCTICH": "000",
        "MA_DANTOC": "01",
        "MA_NGHE_NGHIEP": "00000", "DIA_CHI": pl.concat_str(pl.lit("Tổ "), "spot"), "MATINH_CU_TRU": pl.col("residence_code"),
        "MAHUYEN_CU_TRU": "",
        "MAXA_CU_TRU": pl.col("commune_code"), "DIEN_THOAI": "", "MA_THE_BHYT": pl.col("cards"), "MA_DKBD": pl.col("registered_list"),
        "GT_THE_TU": pl.col("from_list"), "GT_THE_DEN": pl.col("to_list"), "NGAY_MIEN_CCT": "", "LY_DO_VV": "Mệt mỏi", "LY_DO_VNT": "",
        "MA_LY_DO_VNT": "", "CHAN_DOAN_VAO": ".", "CHAN_DOAN_RV": pl.col("icd"), "MA_BENH_CHINH": pl.col("icd"), "MA_BENH_KT": "I10;E11",
        "MA_BENH_YHCT": "", "MA_PTTT_QT": "", "MA_DOITUONG_KCB": pl.col("category"), "MA_NOI_DI": pl.col("referring"), "MA_NOI_DEN": "",
        "MA_TAI_NAN": "", "NGAY_VAO": kept_minutes(pl.col("day"), pl.col("minute")),
        "NGAY_VAO_NOI_TRU": "", "NGAY_RA": kept_minutes(pl.col("out_day"), pl.col("minute") + 45), "GIAY_CHUYEN_TUYEN": "",
        "SO_NGAY_DTRI": pl.col("treatment_days"), "PP_DIEU_TRI": "Thuốc", "KET_QUA_DTRI": pl.col("outcome"), "MA_LOAI_RV": "1",
        "GHI_CHU": "",
        "NGAY_TTOAN": kept_minutes(pl.col("out_day"), pl.col("minute") + 50), "T_THUOC": money("drugs"), "T_VTYT": money("supplies"),
        "T_TONGCHI_BV": money("total_header"), "T_TONGCHI_BH": money("covered"), "T_BNTT": money("own"), "T_BNCCT": money("copay"),
        "T_BHTT": money("fund"), "T_NGUONKHAC": money("other"), "T_BHTT_GDV": money("fund"),
        "NAM_QT": pl.col("settled").dt.year(), "THANG_QT": pl.col("settled").dt.strftime("%m"), "MA_LOAI_KCB": pl.col("care_code"),
        "MA_KHOA": "K01",
        "MA_CSKCB": pl.col("facility_code"), "MA_KHUVUC": "", "CAN_NANG": "52.50", "CAN_NANG_CON": "", "NAM_NAM_LIEN_TUC": "20300101",
        "NGAY_TAI_KHAM": "", "MA_HSBA": pl.col("episode"), "MA_TTDV": "", "DU_PHONG": "",
    }  # fmt: skip
    return _document(elements, style, f"{style.declaration}<TONG_HOP>", "</TONG_HOP>")


def header_4210(style: Style) -> pl.Expr:
    birth = pl.when("year_only").then(_day("birth").str.slice(0, 4)).otherwise(_day("birth"))
    elements: dict[str, Part] = {
        "MA_LK": pl.col("episode"), "STT": "1", "MA_BN": pl.concat_str(pl.lit("BN"), pl.col("patient").abs()),
        "HO_TEN": pl.col("full_name"),
        "NGAY_SINH": birth, "GIOI_TINH": pl.col("sex"), "DIA_CHI": pl.concat_str(pl.lit("Tổ "), "spot"), "MA_THE": pl.col("cards"),
        "MA_DKBD": pl.col("registered_list"), "GT_THE_TU": pl.col("from_list"), "GT_THE_DEN": pl.col("to_list"), "MIEN_CUNG_CT": "",
        "TEN_BENH": pl.col("icd"), "MA_BENH": pl.col("icd"), "MA_BENHKHAC": "", "MA_LYDO_VVIEN": pl.lit("1"),
        "MA_NOI_CHUYEN": pl.col("referring"),
        "MA_TAI_NAN": "0", "NGAY_VAO": kept_minutes(pl.col("day"), pl.col("minute")), "NGAY_RA": kept_minutes(pl.col("out_day"),
        pl.col("minute") + 45),
        "SO_NGAY_DTRI": pl.col("treatment_days"), "KET_QUA_DTRI": pl.col("outcome"), "TINH_TRANG_RV": "1",
        "NGAY_TTOAN": kept_minutes(pl.col("out_day"), pl.col("minute") + 50), "T_THUOC": money("drugs"), "T_VTYT": money("supplies"),
        "T_TONGCHI": money("total_header"), "T_BNTT": money("own"), "T_BNCCT": money("copay"), "T_BHTT": money("fund"),
        "T_NGUONKHAC": money("other"),
        "T_NGOAIDS": "0", "NAM_QT": pl.col("settled").dt.year(), "THANG_QT": pl.col("settled").dt.month(),
        "MA_LOAI_KCB": pl.col("care_code"),
        "MA_KHOA": "K01", "MA_CSKCB": pl.col("facility_code"), "MA_KHUVUC": "", "MA_PTTT_QT": "", "CAN_NANG": "",
    }  # fmt: skip
    return _document(elements, style, f"{style.declaration}<TONG_HOP>", "</TONG_HOP>")


def _item(which: int, style: Style) -> pl.Expr:
    values = item_column(which)
    if style.content == "cdata":
        values = [v.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">") for v in values]
    return pl.col("item").replace_strict(dict(enumerate(values)), return_dtype=pl.String)


def line_130(style: Style, table: int) -> pl.Expr:
    """One CHI_TIET element of XML2 or XML3 of the 130 family, from the columns of a line."""
    ordered = kept_minutes(pl.col("day"), pl.lit(9 * 60 + 30))
    shared: dict[str, Part] = {
        "T_NGUONKHAC_NSNN": "0", "T_NGUONKHAC_VTNN": "0", "T_NGUONKHAC_VTTN": "0", "T_NGUONKHAC_CL": money("other"),
        "T_NGUONKHAC": money("other"),
        "T_BNTT": money("own"), "T_BNCCT": money("copay"), "T_BHTT": money("fund"), "MA_KHOA": "K01", "MA_BAC_SI": "0012345/HNO-CCHN",
        "NGAY_YL": ordered, "NGAY_TH_YL": ordered, "MA_PTTT": "1", "VET_THUONG_TP": "", "DU_PHONG": "",
    }  # fmt: skip
    if table == 2:
        elements: dict[str, Part] = {
            "MA_LK": pl.col("episode"), "STT": pl.col("line"), "MA_THUOC": _item(2, style), "MA_PP_CHEBIEN": "", "MA_CSKCB_THUOC": "",
            "MA_NHOM": pl.col("group"), "TEN_THUOC": _item(3, style), "DON_VI_TINH": _item(4, style), "HAM_LUONG": "500mg",
            "DUONG_DUNG": "1.01",
            "DANG_BAO_CHE": "", "LIEU_DUNG": "2 viên/ngày", "CACH_DUNG": "", "SO_DANG_KY": "VD-12345-21",
            "TT_THAU": "123/QĐ-SYT;G1;N4;2025",
            "PHAM_VI": "1", "TYLE_TT_BH": pl.col("cover_rate"), "SO_LUONG": thousandths("quantity"), "DON_GIA": thousandths("price"),
            "THANH_TIEN_BV": money("total"), "THANH_TIEN_BH": money("covered"), "MUC_HUONG": pl.col("benefit"), "NGUON_CTRA": "1", **shared,
        }  # fmt: skip
        return _document(elements, style, "<CHI_TIET_THUOC>", "</CHI_TIET_THUOC>")
    supply = pl.col("group") == 10
    elements = {
        "MA_LK": pl.col("episode"), "STT": pl.col("line"), "MA_DICH_VU": pl.when(~supply).then(_item(2, style)), "MA_PTTT_QT": "",
        "MA_VAT_TU": pl.when(supply).then(pl.concat_str(_item(2, style), pl.lit("\t"))), "MA_NHOM": pl.col("group"), "GOI_VTYT": "",
        "TEN_VAT_TU": pl.when(supply).then(_item(3, style)), "TEN_DICH_VU": pl.when(~supply).then(_item(3, style)), "MA_XANG_DAU": "",
        "DON_VI_TINH": _item(4, style), "PHAM_VI": "1", "SO_LUONG": thousandths("quantity"), "DON_GIA_BV": thousandths("price"),
        "DON_GIA_BH": thousandths("price"), "TT_THAU": "", "TYLE_TT_DV": pl.col("service_rate"), "TYLE_TT_BH": pl.col("cover_rate"),
        "THANH_TIEN_BV": money("total"), "THANH_TIEN_BH": money("covered"), "T_TRANTT": "", "MUC_HUONG": pl.col("benefit"),
        "MA_GIUONG": pl.when(pl.col("group").is_in([14, 15, 16])).then(pl.lit("H001")), "NGUOI_THUC_HIEN": "0012345/HNO-CCHN",
        "MA_BENH": "I10",
        "MA_BENH_YHCT": "", "NGAY_KQ": ordered, "PP_VO_CAM": "", "VI_TRI_TH_DVKT": "", "MA_MAY": "", "MA_HIEU_SP": "", "TAI_SU_DUNG": "",
        **shared,
    }  # fmt: skip
    return _document(elements, style, "<CHI_TIET_DVKT>", "</CHI_TIET_DVKT>")


def line_4210(style: Style, table: int) -> pl.Expr:
    money_of_line: dict[str, Part] = {
        "TYLE_TT": pl.col("cover_rate"), "THANH_TIEN": money("total"), "MUC_HUONG": pl.col("benefit"), "T_BNTT": money("own"),
        "T_BNCCT": money("copay"), "T_BHTT": money("fund"), "T_NGOAIDS": "0", "MA_KHOA": "K01", "MA_BAC_SI": "0012345/HNO-CCHN",
        "MA_BENH": "I10",
        "NGAY_YL": kept_minutes(pl.col("day"), pl.lit(9 * 60 + 30)), "MA_PTTT": "1",
    }  # fmt: skip
    if table == 2:
        elements: dict[str, Part] = {
            "MA_LK": pl.col("episode"), "STT": pl.col("line"), "MA_THUOC": _item(2, style),
            "MA_NHOM": pl.col("group").cast(pl.String).str.zfill(2),
            "TEN_THUOC": _item(3, style), "DON_VI_TINH": _item(4, style), "HAM_LUONG": "500mg", "DUONG_DUNG": "1.01",
            "LIEU_DUNG": "2 viên/ngày",
            "SO_DANG_KY": "VD-12345-21", "TT_THAU": "", "PHAM_VI": "1", "SO_LUONG": thousandths("quantity"),
            "DON_GIA": thousandths("price"),
            "T_NGUON_KHAC": money("other"), **money_of_line,
        }  # fmt: skip
        return _document(elements, style, "<CHI_TIET_THUOC>", "</CHI_TIET_THUOC>")
    elements = {
        "MA_LK": pl.col("episode"), "STT": pl.col("line"), "MA_DICH_VU": _item(2, style), "MA_VAT_TU": "",
        "MA_NHOM": pl.col("group").cast(pl.String).str.zfill(2),
        "GOI_VTYT": "", "TEN_VAT_TU": "", "TEN_DICH_VU": _item(3, style), "DON_VI_TINH": _item(4, style), "PHAM_VI": "1",
        "SO_LUONG": thousandths("quantity"), "DON_GIA": thousandths("price"), "TT_THAU": "", "T_TRANTT": "", "T_NGUONKHAC": money("other"),
        "MA_GIUONG": "", "NGAY_KQ": "", **money_of_line,
    }  # fmt: skip
    return _document(elements, style, "<CHI_TIET_DVKT>", "</CHI_TIET_DVKT>")


LIST_130 = {
    2: ("<CHITIEU_CHITIET_THUOC><DSACH_CHI_TIET_THUOC>", "</DSACH_CHI_TIET_THUOC></CHITIEU_CHITIET_THUOC>"),
    3: ("<CHITIEU_CHITIET_DVKT_VTYT><DSACH_CHI_TIET_DVKT>", "</DSACH_CHI_TIET_DVKT></CHITIEU_CHITIET_DVKT_VTYT>"),
}
LIST_4210 = {2: ("<DSACH_CHI_TIET_THUOC>", "</DSACH_CHI_TIET_THUOC>"), 3: ("<DSACH_CHI_TIET_DVKT>", "</DSACH_CHI_TIET_DVKT>")}


def file_part(kind: str, document: pl.Expr, style: Style) -> pl.Expr:
    """FILEHOSO with the document as the style holds it; nothing where the document is NULL."""
    if style.content in ("base64", "wrapped"):
        body = document.str.encode("base64")
        if style.content == "wrapped":
            body = body.str.replace_all(r"(.{64})", "${1}\n")
    else:
        body = document
    text = pl.concat_str(pl.lit(f"<FILEHOSO><LOAIHOSO>{kind}</LOAIHOSO><NOIDUNGFILE>"), body, pl.lit("</NOIDUNGFILE></FILEHOSO>"))
    return pl.when(document.is_not_null()).then(text).otherwise(pl.lit(""))
