"""hospitals/claims: claim XML of QĐ 4210 and of the QĐ 130 family (QĐ 130, 4750, 3176), and the flat lists of `claim_lists`.

`element` is the name in the QĐ 130 family, the first of `labels` its name in QĐ 4210 where that differs
(domain/formats.md §2.3-2.5). Only what the warehouse keeps is declared; an element that is not declared is not read.
"""

from expectations.declare import (
    BIRTH_DATE,
    CITIZEN_ID,
    CODE,
    CODE_2,
    COST_GROUP,
    DATES,
    FACILITY,
    INTEGER,
    MOMENT,
    MONEY,
    MONTH_NUMBER,
    NAMES,
    PROVINCE,
    QUANTITY,
    SEX,
    TEXT,
    TEXTS,
    YEAR,
    Field,
    Rule,
    Sensitivity,
    Severity,
    Table,
)
from expectations.declare import COMMUNE as COMMUNE_KIND
from expectations.declare import DATE as DATE_KIND
from expectations.rules import PLACES, TECHNICAL, WARNING, cell_rules, place_rules, row_rules

PERSONAL = Sensitivity.PERSONAL

CLAIM_DELIVERED = (
    Field("episode", TEXT, "Episode of care, the key within the facility", "MA_LK", "Mã liên kết", needed=True, sensitivity=PERSONAL),
    Field("patient_number", TEXT, "The facility's patient number", "MA_BN", "Mã bệnh nhân", sensitivity=PERSONAL),
    Field("full_name", TEXT, "Full name", "HO_TEN", "Họ tên", sensitivity=PERSONAL),
    Field("citizen_id", CITIZEN_ID, "Citizen identity number", "SO_CCCD", "Số CCCD", sensitivity=PERSONAL),
    Field("birth_date", BIRTH_DATE, "Date of birth, or its year only", "NGAY_SINH", "Ngày sinh", sensitivity=PERSONAL),
    Field("sex", SEX, "Sex: 1 male, 2 female, 3 undetermined", "GIOI_TINH", "Giới tính"),
    Field("residence_province", PROVINCE, "Province of residence, code in force on NGAY_RA", "MATINH_CU_TRU", "Mã tỉnh cư trú"),
    Field("residence_commune", COMMUNE_KIND, "Commune of residence, code in force on NGAY_RA", "MAXA_CU_TRU", "Mã xã cư trú"),
    Field("card_list", TEXT, "Card numbers, in parallel lists with ; between", "MA_THE_BHYT", "Mã thẻ BHYT", ("MA_THE",), sensitivity=PERSONAL),
    Field("registered_facility_list", TEXT, "Facilities of first registration, one a card", "MA_DKBD", "Mã nơi ĐKBĐ"),
    Field("card_from_list", TEXT, "First days of validity, one a card", "GT_THE_TU", "Giá trị thẻ từ"),
    Field("card_to_list", TEXT, "Last days of validity, one a card", "GT_THE_DEN", "Giá trị thẻ đến"),
    Field("main_icd", CODE, "Main diagnosis, ICD-10", "MA_BENH_CHINH", "Mã bệnh chính", ("MA_BENH",)),
    Field("visit_category", TEXT, "Visit category (1.1 … 10; 8 withdraws the claim)", "MA_DOITUONG_KCB", "Mã đối tượng KCB"),
    Field("admission_category", TEXT, "Reason of the visit in QĐ 4210: 1-4", "MA_LYDO_VVIEN", "Mã lý do vào viện"),
    Field("referring_facility", FACILITY, "Referring facility", "MA_NOI_DI", "Mã nơi đi", ("MA_NOI_CHUYEN",)),
    Field("admitted_at", MOMENT, "Arrival", "NGAY_VAO", "Ngày vào"),
    Field("discharged_at", MOMENT, "End of care", "NGAY_RA", "Ngày ra", needed=True),
    Field("treatment_days", INTEGER, "Days of treatment", "SO_NGAY_DTRI", "Số ngày điều trị", unit="days"),
    Field("outcome", CODE, "Outcome 1-8", "KET_QUA_DTRI", "Kết quả điều trị", choices=tuple("12345678")),
    Field("discharge_type", CODE, "Discharge type 1-5", "MA_LOAI_RV", "Loại ra viện", ("TINH_TRANG_RV",), choices=tuple("12345")),
    Field("total_cost", MONEY, "Total cost (4210: T_TONGCHI)", "T_TONGCHI_BV", "Tổng chi phí", ("T_TONGCHI",), "đồng", needed=True),
    Field("covered_cost", MONEY, "Cost in scope of the insurance (4210: T_TONGCHI)", "T_TONGCHI_BH", "Tổng chi phí trong phạm vi BHYT",
          ("T_TONGCHI",), "đồng", needed=True),
    Field("self_paid", MONEY, "Paid by the patient, outside scope", "T_BNTT", "Người bệnh tự trả", (), "đồng", needed=True),
    Field("copayment", MONEY, "Co-payment, inside scope", "T_BNCCT", "Người bệnh cùng chi trả", (), "đồng", needed=True),
    Field("fund_paid", MONEY, "Paid by the fund", "T_BHTT", "Quỹ BHYT thanh toán", (), "đồng", needed=True),
    Field("other_sources", MONEY, "Other sources", "T_NGUONKHAC", "Nguồn khác", (), "đồng", needed=True),
    Field("settlement_year", YEAR, "Settlement year", "NAM_QT", "Năm quyết toán", needed=True),
    Field("settlement_month", MONTH_NUMBER, "Settlement month", "THANG_QT", "Tháng quyết toán", needed=True),
    Field("care_code", CODE_2, "Care type code of the standard in force on NGAY_RA", "MA_LOAI_KCB", "Mã loại KCB"),
    Field("department_list", TEXT, "Departments, in a list with ; between", "MA_KHOA", "Mã khoa"),
    Field("facility_code", FACILITY, "Facility that gave the care", "MA_CSKCB", "Mã cơ sở KCB", needed=True),
)  # fmt: skip

CLAIM_MADE = (
    Field("source_form", TEXT, "What the claim came as: xml, or a flat list of lower grade: 79a, 80a, 01bh"),
    Field(
        "visit_key", TEXT, "Flat lists: last ten digits of the card, days of admission and discharge; NULL for XML", sensitivity=PERSONAL
    ),
    Field("standard", TEXT, "Standard that the elements and NGAY_RA tell: 4210, 130, 4750, 3176"),
    Field("icd_edition", TEXT, "List of ICD-10 in force on NGAY_RA"),
    Field("code_notes", NAMES, "Coded fields whose code is in no list in force on NGAY_RA"),
    Field("issued_on", DATE_KIND, "NGAYLAP of the envelope: a later version of a claim has a later day"),
    Field("position", INTEGER, "Ordinal of the HOSO in the file: breaks the last tie between versions"),
    Field("birth_precision", TEXT, "day, month or year: how much of the birth date is known"),
    Field("card_numbers", TEXTS, "Card numbers listed, canonical form, in order", sensitivity=PERSONAL),
    Field("registered_facilities", TEXTS, "Facilities of first registration listed, in order of the cards"),
    Field("card_valid_from", DATES, "First days of validity listed, in order of the cards"),
    Field("card_valid_to", DATES, "Last days of validity listed, in order of the cards"),
    Field("line_count", INTEGER, "Lines of XML2 and XML3"),
    Field("lines_total_cost", MONEY, "Sum of THANH_TIEN_BV over XML2 and XML3 (4210: THANH_TIEN)", unit="đồng"),
    Field("lines_covered_cost", MONEY, "Sum of THANH_TIEN_BH over XML2 and XML3 (4210: THANH_TIEN)", unit="đồng"),
    Field("lines_unreadable", INTEGER, "Lines whose amount is missing or cannot be read"),
    Field("lines_off_total", INTEGER, "Lines whose THANH_TIEN_BV differs from quantity × price × rate by more than 1 đồng"),
    Field("lines_without_group", INTEGER, "Lines whose MA_NHOM is missing or in no list in force on NGAY_RA"),
    Field("lines_benefit_off", INTEGER, "Lines whose MUC_HUONG is no percentage of the form in force on NGAY_RA"),
    *PLACES,
)

LINE_DELIVERED = (
    Field("line_number", INTEGER, "STT of the line", "STT", "STT"),
    Field("cost_group", COST_GROUP, "Cost group", "MA_NHOM", "Mã nhóm chi phí"),
    Field("quantity", QUANTITY, "Quantity", "SO_LUONG", "Số lượng"),
    Field("unit_price", QUANTITY, "Unit price of the hospital", "DON_GIA_BV", "Đơn giá", ("DON_GIA",), "đồng"),
    Field("service_rate_pct", QUANTITY, "Rate of the service", "TYLE_TT_DV", "Tỷ lệ thanh toán dịch vụ", ("TYLE_TT",), "percent"),
    Field("total_cost", MONEY, "Amount of the line", "THANH_TIEN_BV", "Thành tiền BV", ("THANH_TIEN",), "đồng"),
    Field("covered_cost", MONEY, "Amount of the line in scope", "THANH_TIEN_BH", "Thành tiền BH", ("THANH_TIEN",), "đồng"),
    Field("benefit_pct", QUANTITY, "Benefit rate of the line; with one decimal since 2026-07-01 (QĐ 1931/QĐ-BYT)", "MUC_HUONG", "Mức hưởng", (), "percent"),
    Field("copayment", MONEY, "Co-payment of the line", "T_BNCCT", "Cùng chi trả", (), "đồng"),
    Field("fund_paid", MONEY, "Paid by the fund for the line", "T_BHTT", "Quỹ BHYT thanh toán", (), "đồng"),
)  # fmt: skip

CLAIM_LINES = Table(
    name="claim_lines",
    vietnamese="Chi tiết chi phí (XML2, XML3)",
    grain="One row per line of XML2 (drugs) or XML3 (services and supplies) of a claim record.",
    fields=(
        Field("delivery_id", TEXT, "The delivery that the line came in"),
        Field("row_number", INTEGER, "The HOSO that the line belongs to, as in claims"),
        Field("line_table", CODE, "2: XML2 drugs, 3: XML3 services and supplies"),
        *LINE_DELIVERED,
    ),
    key=("delivery_id", "row_number", "line_table", "line_number"),
    source="QĐ 130/QĐ-BYT tables 2 and 3 as amended; QĐ 4210/QĐ-BYT tables 2 and 3",
)

_NAME = "claims"


def unlisted(field: str) -> str:
    """SQL: `transforms.claim_codes` found the code of `field` in no list of the day of discharge."""
    return f"list_contains(code_notes, '{field}')"


CLAIMS = Table(
    name=_NAME,
    vietnamese="Hồ sơ khám chữa bệnh BHYT",
    grain="One row per version of a claim: a HOSO of a claim file, or a row of a flat list.",
    folder="hospitals/claims",
    places=("discharged_at",),
    fields=(*TECHNICAL, *CLAIM_DELIVERED, *CLAIM_MADE),
    key=("delivery_id", "row_number"),
    source="QĐ 130/QĐ-BYT as amended by QĐ 4750 and QĐ 3176; QĐ 4210/QĐ-BYT",
    rules=(
        *row_rules(_NAME),
        *cell_rules(_NAME, CLAIM_DELIVERED),
        *place_rules(_NAME, CLAIM_DELIVERED[6], CLAIM_DELIVERED[7], province_severity=WARNING),
        Rule("claims.row.no_xml1", Severity.ERROR, "coalesce(row_flaw = 'no_xml1', false)",
             "the HOSO has no XML1, so nobody can tell whose and what it is", "Send the claim again with its XML1."),
        Rule("claims.lines.unreadable", Severity.ERROR, "lines_unreadable > 0",
             "an amount of a line of XML2 or XML3 is missing or cannot be read", "Correct the line and send the claim again.", "THANH_TIEN_BV"),
        Rule("claims.money.out_of_range", Severity.ERROR,
             "coalesce(greatest(abs(total_cost), abs(covered_cost), abs(self_paid), abs(copayment), abs(fund_paid), abs(other_sources),"
             " abs(lines_total_cost)) > 1000000000000, false)",
             "an amount of the claim is above 1,000 billion đồng, which no stay costs and no sum can hold", "Correct the amount.", "T_TONGCHI_BV"),
        Rule("claims.facility_code.unknown", WARNING,
             "coalesce(facility_code NOT IN (SELECT facility_code FROM known.facility), false)",
             "MA_CSKCB is in no list of facilities", "Deliver the list of facilities of that province.", "MA_CSKCB"),
        Rule("claims.main_icd.unknown", WARNING,
             "coalesce(NOT regexp_full_match(main_icd, '[A-Z][0-9]{2}([.][0-9X]{1,2})?[*†+]?'), true) OR " + unlisted("main_icd"),
             "MA_BENH_CHINH is missing or no ICD-10 code", "Check the main diagnosis.", "MA_BENH_CHINH"),
        Rule("claims.care_code.of_another_period", WARNING, unlisted("care_code"),
             "MA_LOAI_KCB is in no list in force on NGAY_RA (QĐ 4210; QĐ 824 until 31/07/2026; QĐ 1804 from 01/08/2026)",
             "Check MA_LOAI_KCB and NGAY_RA; a new list belongs into reference/care_types.", "MA_LOAI_KCB"),
        Rule("claims.visit_category.of_another_period", WARNING, unlisted("visit_category"),
             "MA_DOITUONG_KCB is in no list in force on NGAY_RA (QĐ 824; QĐ 3276 from 01/07/2025)",
             "Check MA_DOITUONG_KCB and NGAY_RA; a new list belongs into reference/visit_categories.", "MA_DOITUONG_KCB"),
        Rule("claims.department_list.of_another_period", WARNING, unlisted("department_list"),
             "MA_KHOA is in no list in force on NGAY_RA (K01-K50, K99; from 01/08/2026 K01-K60, K99, QĐ 1804)",
             "Check MA_KHOA and NGAY_RA; a new list belongs into reference/departments.", "MA_KHOA"),
        Rule("claims.lines.benefit", WARNING, "coalesce(lines_benefit_off > 0, false)",
             "MUC_HUONG of a line is no percentage of the form in force on NGAY_RA (a decimal only since 01/07/2026, QĐ 1931)",
             "Check MUC_HUONG of the lines.", "MUC_HUONG"),
        Rule("claims.visit_key.missing", Severity.ERROR, "source_form <> 'xml' AND episode IS NULL AND visit_key IS NULL",
             "a row of a flat list has neither MA_LK nor the card, NGAY_VAO and NGAY_RA that its key is made of",
             "Fill MA_THE (MA_THE_BHYT), NGAY_VAO and NGAY_RA, or send the claim as XML.", "MA_THE_BHYT"),
        Rule("claims.visit_key.twice", WARNING,
             "source_form <> 'xml' AND visit_key IS NOT NULL AND (delivery_id, facility_code, visit_key, admitted_at, discharged_at) IN"
             " (SELECT (delivery_id, facility_code, visit_key, admitted_at, discharged_at) FROM staged.claims"
             " WHERE source_form <> 'xml' AND visit_key IS NOT NULL GROUP BY ALL HAVING count(*) > 1)",
             "the same card, times and facility stand more than once in the list; the last row counts", "Remove the double rows.", "MA_THE_BHYT"),
        Rule("claims.total_cost.parts", WARNING,
             "source_form <> 'xml' AND coalesce(abs(total_cost - other_sources - self_paid - copayment - fund_paid) > 1, false)",
             "the total of a row of a flat list differs from what fund, patient and other sources paid by more than 1 đồng",
             "Check the amounts.", "T_TONGCHI_BV"),
        Rule("claims.covered_cost.identity", WARNING,
             "coalesce(abs(covered_cost - fund_paid - copayment) > 1 AND NOT (standard = '4210' AND"
             " abs(covered_cost - fund_paid - copayment - self_paid - other_sources) <= 1), false)",
             "T_TONGCHI_BH differs from T_BHTT + T_BNCCT by more than 1 đồng", "Check the amounts.", "T_TONGCHI_BH"),
        Rule("claims.total_cost.lines", WARNING, "coalesce(abs(total_cost - lines_total_cost) > 1, false)",
             "T_TONGCHI_BV differs from the sum of the lines of XML2 and XML3 by more than 1 đồng", "Check the lines.", "T_TONGCHI_BV"),
        Rule("claims.lines.total", WARNING, "coalesce(lines_off_total > 0, false)",
             "the amount of a line differs from quantity × price × rate by more than 1 đồng", "Check the line.", "THANH_TIEN_BV"),
        Rule("claims.lines.group", WARNING, "coalesce(lines_without_group > 0, false)",
             "a line has no cost group, or one in no list", "Fill MA_NHOM.", "MA_NHOM"),
        Rule("claims.money.negative", WARNING,
             "coalesce(least(total_cost, covered_cost, self_paid, copayment, fund_paid, other_sources) < 0, false)",
             "an amount is negative", "Check the amounts.", "T_TONGCHI_BV"),
        Rule("claims.discharged_at.before_admitted_at", WARNING, "coalesce(discharged_at < admitted_at, false)",
             "NGAY_RA lies before NGAY_VAO", "Check both times.", "NGAY_RA"),
        Rule("claims.settlement.before_discharge", WARNING,
             "coalesce(settlement_year * 12 + settlement_month < year(discharged_at) * 12 + month(discharged_at), false)",
             "the claim is settled in a month before its care ended", "Check NAM_QT and THANG_QT.", "THANG_QT"),
        Rule("claims.standard.of_another_period", WARNING,
             "source_form = 'xml' AND coalesce((standard = '4210') <> (discharged_at < TIMESTAMP '2024-07-01'), false)",
             "the elements follow another standard than the one in force on NGAY_RA (QĐ 4210 until 30/06/2024)",
             "Check NGAY_RA; otherwise nothing is to be done.", "NGAY_RA"),
        Rule("claims.card_list.malformed", WARNING,
             "len(list_filter(card_numbers, lambda c: NOT regexp_full_match(c, '[A-Z]{2}[1-5][0-9]{12}|[0-9]{10}'))) > 0",
             "MA_THE_BHYT holds something that is no card number", "Check the card numbers.", "MA_THE_BHYT"),
        Rule("claims.episode.twice", WARNING,
             "visit_key IS NULL AND episode IS NOT NULL AND (delivery_id, facility_code, episode) IN (SELECT (delivery_id, facility_code, episode)"
             " FROM staged.claims WHERE visit_key IS NULL AND episode IS NOT NULL GROUP BY delivery_id, facility_code, episode HAVING count(*) > 1)",
             "the same MA_LK stands more than once in the file; the last one counts", "Send each claim once a file.", "MA_LK"),
    ),
)  # fmt: skip
