"""hospitals/claims as flat lists: what their columns are called and which must be there (domain/formats.md §3.1, 3.2).

The fields are those of `claims`; here stand only other names and what a list may not lack. What the columns mean beside the XML is in
`transforms.claim_lists`.
"""

from dataclasses import replace

from expectations.declare import Field, Table
from expectations.exports.claims import CLAIMS

_FOLDER = CLAIMS.folder


def _field(name: str, element: str, *labels: str, required: bool = False) -> Field:
    """The field of `claims` under its name in a list."""
    return replace(CLAIMS.field_named(name), element=element, labels=labels, required=required)


LIST_01BH = Table(
    name="list_01bh",
    vietnamese="Mẫu 01/BH",
    grain="One row per claim in one list 01/BH; it has no MA_LK.",
    folder=_FOLDER,
    source="TT 12/2026/TT-BTC, form 01/BH, since 01/04/2026",
    fields=(
        _field("full_name", "HO_TEN", "Họ và tên"),
        _field("birth_date", "NGAY_SINH"),
        _field("sex", "GIOI_TINH"),
        _field("card_list", "MA_THE_BHYT", "Mã thẻ", "Số thẻ BHYT", required=True),
        _field("main_icd", "MA_BENH_CHINH", "Chẩn đoán"),
        _field("admitted_at", "NGAY_VAO", required=True),
        _field("discharged_at", "NGAY_RA", required=True),
        _field("treatment_days", "SO_NGAY_DTRI"),
        _field("care_code", "MA_LOAI_KCB"),
        _field("total_cost", "T_TONGCHI_BV", "Tổng chi", required=True),
        _field("covered_cost", "T_TONGCHI_BH", "Tổng chi BH", required=True),
        _field("fund_paid", "T_BHTT", "Bảo hiểm TT", required=True),
        _field("copayment", "T_BNCCT", "Bệnh nhân CCT", required=True),
        _field("self_paid", "T_BNTT", "Bệnh nhân TT", required=True),
        _field("other_sources", "T_NGUONKHAC", required=True),
        _field("facility_code", "MA_CSKCB", "Mã CSKCB", required=True),
        _field("settlement_year", "NAM_QT", required=True),
        _field("settlement_month", "THANG_QT", required=True),
    ),
)

LIST_79A = Table(
    name="list_79a",
    vietnamese="Mẫu 79a, 80a",
    grain="One row per claim in one list 79a (outpatients) or 80a (inpatients) of the portal.",
    folder=_FOLDER,
    source="CV 3360/BHXH-CSYT 2015, update of 27/08/2019",
    fields=(
        _field("episode", "MA_LK"),
        _field("patient_number", "MA_BN"),
        _field("full_name", "HO_TEN", "Họ và tên"),
        _field("birth_date", "NGAY_SINH"),
        _field("sex", "GIOI_TINH"),
        _field("card_list", "MA_THE", "Mã thẻ", "Số thẻ BHYT", required=True),
        _field("registered_facility_list", "MA_DKBD"),
        _field("card_from_list", "GT_THE_TU"),
        _field("card_to_list", "GT_THE_DEN"),
        _field("main_icd", "MA_BENH"),
        _field("admission_category", "MA_LYDO_VVIEN"),
        _field("referring_facility", "MA_NOI_CHUYEN"),
        _field("admitted_at", "NGAY_VAO", required=True),
        _field("discharged_at", "NGAY_RA", required=True),
        _field("treatment_days", "SO_NGAY_DTRI"),
        _field("outcome", "KET_QUA_DTRI"),
        _field("discharge_type", "TINH_TRANG_RV"),
        _field("total_cost", "T_TONGCHI", required=True),
        _field("self_paid", "T_BNTT", required=True),
        _field("copayment", "T_BNCCT"),
        _field("fund_paid", "T_BHTT", required=True),
        _field("department_list", "MA_KHOA"),
        _field("settlement_year", "NAM_QT", required=True),
        _field("settlement_month", "THANG_QT", required=True),
        _field("care_code", "MA_LOAIKCB", "MA_LOAI_KCB"),
        _field("facility_code", "MA_CSKCB", "Mã CSKCB", required=True),
        _field("other_sources", "T_NGUONKHAC"),
    ),
)

# The element of a row of the XML of 01/BH, and the wrappers around it, outermost first.
XML_01BH = ("HSTH01BH", "DS_CHITIET", "CHITIET_HS01BH")
