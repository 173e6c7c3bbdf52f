"""dims.*: what the codes of the marts mean, effective-dated where the thing is."""

from expectations.declare import BOOLEAN, CODE, COMMUNE, DATE, FACILITY, INTEGER, PROVINCE, RATE, TEXT, Field, Rule, Table
from expectations.rules import ERROR

_FROM = "First day on which the row holds; NULL: since before the records begin"
_TO = "Last day on which the row holds; NULL: still"
_STATUS = Field("status", TEXT, "How sure the fact is: SOURCED, DERIVED, or UNCERTAIN with its reason")
_SOURCE = Field("source", TEXT, "Where the fact comes from")
_VALIDITY = (Field("valid_from", DATE, _FROM, vietnamese="Hiệu lực từ"), Field("valid_to", DATE, _TO, vietnamese="Hiệu lực đến"))


def _dated(table: str) -> Rule:
    return Rule(f"{table}.valid_to.before_valid_from", ERROR, "coalesce(valid_to < valid_from, false)",
                "a row ends before it begins", "Correct the dates in warehouse/reference.", "valid_to")  # fmt: skip


PROVINCE_DIM = Table(
    schema="dims", name="province", key=("code", "valid_from"), vietnamese="Tỉnh, thành phố",
    grain="One row per province code and stretch of time in which it named the same unit by the same name: 63 until 2025-06-30, 34 since.",
    source="vietnamadminunits 1.0.4; Decision 19/2025/QĐ-TTg; 30/2026/QH16",
    fields=(
        Field("code", PROVINCE, "Code of the unit in that time; seven codes changed owner on 2025-07-01", vietnamese="Mã tỉnh"),
        Field("province_name", TEXT, "Full name in that time", vietnamese="Tên tỉnh"),
        Field("province_type", TEXT, "Tỉnh (province) or Thành phố (centrally run city)", vietnamese="Loại đơn vị"),
        Field("province_code", PROVINCE, "Province (34) that the unit stands for today", vietnamese="Mã tỉnh hiện nay"),
        *_VALIDITY, _STATUS, _SOURCE,
    ),
    rules=(_dated("province"),),
)  # fmt: skip

COMMUNE_DIM = Table(
    schema="dims", name="commune", key=("code", "valid_from"), vietnamese="Xã, phường, đặc khu",
    grain="One row per commune code and stretch of time in which it named the same unit: 10,035 until 2025-06-30, 3,321 since.",
    source="vietnamadminunits 1.0.4, settled by the National Statistics Office's conversion table",
    fields=(
        Field("code", COMMUNE, "Code of the unit in that time; nearly all new codes were another unit's before", vietnamese="Mã xã"),
        Field("commune_name", TEXT, "Full name in that time (names of 2025-07-01 for those of today)", vietnamese="Tên xã"),
        Field("commune_type", TEXT, "Xã (commune), Phường (ward), Thị trấn (town, until 2025-06) or Đặc khu (special zone)", vietnamese="Loại đơn vị"),
        Field("province_unit", PROVINCE, "Code of its province in that time", vietnamese="Mã tỉnh khi đó"),
        Field("commune_code", COMMUNE, "Commune of today that the unit stands for; of a split one the default", vietnamese="Mã xã hiện nay"),
        Field("province_code", PROVINCE, "Province (34) that it lies in today", vietnamese="Mã tỉnh hiện nay"),
        Field("is_split", BOOLEAN, "The unit was split in 2025, so commune_code is approximate", vietnamese="Bị chia tách"),
        *_VALIDITY,
    ),
    rules=(_dated("commune"),),
)  # fmt: skip

FACILITY_DIM = Table(
    schema="dims", name="facility", key=("facility_code", "valid_from"), vietnamese="Cơ sở khám chữa bệnh BHYT",
    grain="One row per facility and stretch of months in which the provinces' lists say the same of it.",
    source="provinces/facilities: a later list counts from its month until another one changes it; what is known first holds from the beginning",
    fields=(
        Field("facility_code", FACILITY, "Facility", vietnamese="Mã cơ sở KCB"),
        Field("facility_name", TEXT, "Name", vietnamese="Tên cơ sở KCB"),
        Field("province_code", PROVINCE, "Province (34) of the list", vietnamese="Mã tỉnh hiện nay"),
        Field("old_province_code", PROVINCE, "Province (63) where the list gave an old code", vietnamese="Mã tỉnh cũ"),
        Field("commune_code", COMMUNE, "Commune of today", vietnamese="Mã xã hiện nay"),
        Field("facility_level", CODE, "Level until 2024: 1 central, 2 province, 3 district, 4 commune", vietnamese="Tuyến"),
        Field("technical_level", CODE, "Level since 2025: BAN_DAU, CO_BAN, CHUYEN_SAU", vietnamese="Cấp chuyên môn kỹ thuật"),
        Field("ownership", CODE, "CONG public, TU private", vietnamese="Loại hình"),
        Field("facility_type", CODE, "BV hospital, PK clinic, TYT commune station", vietnamese="Kiểu"),
        Field("hospital_class", CODE, "Hospital class", vietnamese="Hạng bệnh viện"),
        Field("contract_from", DATE, "First day of the contract", vietnamese="Hợp đồng từ ngày"),
        Field("contract_to", DATE, "Last day of the contract; NULL: open", vietnamese="Hợp đồng đến ngày"),
        Field("replaced_code", FACILITY, "Code that this one replaces", vietnamese="Mã cũ"),
        *_VALIDITY,
    ),
    rules=(_dated("facility"),),
)  # fmt: skip

OBJECT_CODE_DIM = Table(
    schema="dims", name="object_code", key=("object_code", "valid_from"), vietnamese="Mã đối tượng tham gia BHYT",
    grain="One row per two-letter object code of a card and stretch of time in which it belonged to the same payer group.",
    source="QĐ 1351/QĐ-BHXH; Law on health insurance Art. 12; Decree 146/2018; 5063/QĐ-UBND (HCMC)",
    fields=(
        Field("object_code", CODE, "First two letters of the card", vietnamese="Mã đối tượng"),
        Field("payer_group", CODE, "Payer group 1-6 of the law", vietnamese="Nhóm đối tượng"),
        Field("payer_group_name", TEXT, "Who pays, in Vietnamese", vietnamese="Tên nhóm đối tượng"),
        Field("plan_group", CODE, "Plan group K1-K6 of HCMC decision 5063; NULL: in none", vietnamese="Nhóm kế hoạch"),
        Field("meaning", TEXT, "Who holds such a card, in English"),
        Field("meaning_vi", TEXT, "Who holds such a card, in Vietnamese", vietnamese="Đối tượng"),
        *_VALIDITY, _STATUS, _SOURCE,
    ),
    rules=(_dated("object_code"),),
)  # fmt: skip

ICD_DIM = Table(
    schema="dims", name="icd", key=("icd_code",), vietnamese="Mã bệnh ICD-10",
    grain="One row per three-character category of ICD-10.",
    source="ICD-10 (WHO); the list of categories is from memory and marked so",
    fields=(
        Field("icd_code", CODE, "Category, three characters", vietnamese="Mã bệnh"),
        Field("icd_chapter", CODE, "Chapter I-XXII", vietnamese="Chương"),
        Field("chapter_name", TEXT, "Title of the chapter in English"),
        Field("chapter_name_vi", TEXT, "Title of the chapter in Vietnamese", vietnamese="Tên chương"),
        _STATUS, _SOURCE,
    ),
)  # fmt: skip

COST_GROUP_DIM = Table(
    schema="dims", name="cost_group", key=("cost_group",), vietnamese="Nhóm chi phí",
    grain="One row per cost group of the claim lines (MA_NHOM).",
    source="QĐ 5937/QĐ-BYT annex 3; QĐ 4750/QĐ-BYT; QĐ 4210/QĐ-BYT",
    fields=(
        Field("cost_group", CODE, "Cost group, without zeros in front", vietnamese="Mã nhóm"),
        Field("cost_group_name", TEXT, "Name in Vietnamese", vietnamese="Tên nhóm"),
        Field("name_en", TEXT, "Name in English"),
        *_VALIDITY, _STATUS, _SOURCE,
    ),
    rules=(_dated("cost_group"),),
)  # fmt: skip

SUBSIDY_DIM = Table(
    schema="dims", name="subsidy", key=("old_province_code", "group_name", "instrument", "valid_from"), vietnamese="Mức hỗ trợ đóng BHYT",
    grain="One row per group, province by the borders before 2025-07-01, instrument and first day: the share of the premium that is paid for it.",
    source="Decree 146/2018/NĐ-CP; Decree 188/2025/NĐ-CP; resolutions of the provinces (warehouse/reference/subsidies.csv)",
    fields=(
        Field("old_province_code", PROVINCE, "Province (63) whose resolution it is; 00: the nation's minimum", vietnamese="Mã tỉnh cũ"),
        Field("old_province_name", TEXT, "Its name until 2025-06-30", vietnamese="Tên tỉnh cũ"),
        Field("province_code", PROVINCE, "Province (34) that it lies in today", vietnamese="Mã tỉnh hiện nay"),
        Field("group_name", TEXT, "Who is supported, in English"),
        Field("group_name_vi", TEXT, "Who is supported, in Vietnamese", vietnamese="Đối tượng hỗ trợ"),
        Field("payer_group", CODE, "Payer group 1-6 of the law", vietnamese="Nhóm đối tượng"),
        Field("object_codes", TEXT, "Object codes of their cards, with ; between; NULL: no card tells", vietnamese="Mã đối tượng"),
        Field("age_from", INTEGER, "Lowest age in full years; NULL: any", unit="years"),
        Field("age_to", INTEGER, "Highest age in full years; NULL: any", unit="years"),
        Field("support_pct", RATE, "Share of the premium that is paid, the nation's minimum included", vietnamese="Mức hỗ trợ", unit="percent"),
        Field("instrument", TEXT, "Decree or resolution", vietnamese="Văn bản"),
        *_VALIDITY,
        Field("note", TEXT, "What is not certain or not told"),
        _STATUS, _SOURCE,
    ),
    rules=(
        _dated("subsidy"),
        Rule("subsidy.support_pct.out_of_range", ERROR, "coalesce(support_pct NOT BETWEEN 0 AND 100, true)",
             "a support is not between 0 and 100 percent", "Correct it in warehouse/reference/subsidies.csv.", "support_pct"),
    ),
)  # fmt: skip

FORMER_PROVINCE_DIM = Table(
    schema="dims", name="former_province", key=("area", "old_province_code"), vietnamese="Tỉnh đã chia tách, sáp nhập trước 2025",
    grain="One row per province abolished before 2025 and unit of the 63 that its land went into.",
    source="Resolutions of the National Assembly 1975-2008, from memory and marked so",
    fields=(
        Field("area", TEXT, "Name; with the year of its founding where a province of today bears it too", vietnamese="Tên tỉnh"),
        Field("old_province_code", PROVINCE, "Province (63)", vietnamese="Mã tỉnh cũ"),
        Field("old_province_name", TEXT, "Its name until 2025-06-30", vietnamese="Tên tỉnh cũ"),
        Field("province_code", PROVINCE, "Province (34) that it lies in today", vietnamese="Mã tỉnh hiện nay"),
        *_VALIDITY, _STATUS, _SOURCE,
    ),
    rules=(_dated("former_province"),),
)  # fmt: skip

BASE_WAGE_DIM = Table(
    schema="dims", name="base_wage", key=("valid_from",), vietnamese="Lương cơ sở (mức tham chiếu)",
    grain="One row per base wage and stretch of time in which it held.",
    source="Decrees on the base wage (warehouse/reference/base_wage.csv)",
    fields=(
        *_VALIDITY,
        Field("vnd_per_month", RATE, "Base wage; since the law of 2024 the reference level", vietnamese="Lương cơ sở", unit="đồng a month"),
        Field("decision", TEXT, "Decree that set it; NULL: not found", vietnamese="Văn bản"),
        _STATUS, _SOURCE,
    ),
    rules=(_dated("base_wage"),),
)  # fmt: skip

CLAIM_CODE_DIM = Table(
    schema="dims", name="claim_code", key=("element", "family", "code", "valid_from"), vietnamese="Danh mục mã của hồ sơ KCB theo thời gian",
    grain="One row per coded element of a claim, code, and list that has it, with the days in which the list is in force.",
    source="QĐ 4210, QĐ 824, QĐ 3276, QĐ 5937 and QĐ 1804 (warehouse/reference: care_types, visit_categories, departments)",
    fields=(
        Field("element", TEXT, "MA_LOAI_KCB, MA_DOITUONG_KCB or MA_KHOA", vietnamese="Trường dữ liệu"),
        Field("family", CODE, "Standard whose claims use the list: 4210 or 130 (and what amended it); NULL: both", vietnamese="Chuẩn dữ liệu"),
        Field("code", CODE, "Code; the same digits may mean something else in another list", vietnamese="Mã"),
        Field("name_vi", TEXT, "Meaning; NULL: not seen", vietnamese="Tên"),
        Field("decision", TEXT, "Decision that issued the list", vietnamese="Văn bản"),
        *_VALIDITY, _STATUS, _SOURCE,
    ),
    rules=(_dated("claim_code"),),
)  # fmt: skip

DIMS: tuple[Table, ...] = (PROVINCE_DIM, COMMUNE_DIM, FACILITY_DIM, OBJECT_CODE_DIM, ICD_DIM, COST_GROUP_DIM, SUBSIDY_DIM, FORMER_PROVINCE_DIM, BASE_WAGE_DIM,
                           CLAIM_CODE_DIM)  # fmt: skip
