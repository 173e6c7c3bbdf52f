"""Marts of claims: what care was given where, to whom and at what cost. Only current claims count."""

from expectations.declare import INTEGER, MONEY, MONTH, RATE, TEXT, Field, Rule, Table
from expectations.marts.coverage import DEFECT, key_rules, no_negative
from expectations.rules import ERROR, WARNING

VISITS, PERSONS, DONG, DAYS = "visits", "persons", "đồng", "days"
SOURCE = "hospitals/claims, provinces/facilities, provinces/cards"

# Beyond these an average is a slip of the decimal mark or of a unit, not care: the national average of a visit was 853,000 đồng in 2025
# (policy.md §5), and the longest stays (psychiatry, leprosy) are counted in months.
HIGHEST_COST_PER_VISIT = 200_000_000
LONGEST_STAY = 180

MONTH_OF_CLAIM = Field(
    "month", MONTH, "Claim month, first day: the settlement period (NAM_QT, THANG_QT)", vietnamese="Kỳ quyết toán", needed=True
)
FACILITY_CODE = Field("facility_code", TEXT, "Facility that gave the care (MA_CSKCB)", vietnamese="Mã cơ sở KCB", needed=True)
CARE_TYPE = Field("care_type", TEXT, "inpatient (MA_LOAI_KCB 03, 04, 09; QĐ 4210: 3) or outpatient (all others)",
                  vietnamese="Loại hình KCB", needed=True, choices=("inpatient", "outpatient"))  # fmt: skip
CARE_PROVINCE = Field(
    "province_code", TEXT, "Province (34) where the care was given; NULL: the facility's is not known", vietnamese="Mã tỉnh nơi KCB"
)
VISIT_COUNT = Field("visits", INTEGER, "Visits: current claims", vietnamese="Số lượt KCB", unit=VISITS, needed=True)
PATIENTS = Field("patients", INTEGER, "Distinct persons; one who is in no register counts by the identifiers of his claims",
                 vietnamese="Số người bệnh", unit=PERSONS, needed=True)  # fmt: skip
TOTAL_COST = Field("total_cost", MONEY, "Total cost (T_TONGCHI_BV; QĐ 4210: T_TONGCHI)", vietnamese="Tổng chi phí", unit=DONG, needed=True)
COVERED_COST = Field("covered_cost", MONEY, "Cost in scope of the insurance (T_TONGCHI_BH; QĐ 4210: T_TONGCHI)",
                     vietnamese="Chi phí trong phạm vi BHYT", unit=DONG, needed=True)  # fmt: skip
FUND_PAID = Field("fund_paid", MONEY, "Paid by the fund (T_BHTT)", vietnamese="Quỹ BHYT thanh toán", unit=DONG, needed=True)
MONEY_FIELDS = (
    TOTAL_COST,
    COVERED_COST,
    FUND_PAID,
    Field("copayment", MONEY, "Co-payment inside the scope (T_BNCCT)", vietnamese="Người bệnh cùng chi trả", unit=DONG, needed=True),
    Field("self_paid", MONEY, "Paid by the patient outside the scope (T_BNTT)", vietnamese="Người bệnh tự trả", unit=DONG, needed=True),
    Field("other_sources", MONEY, "Paid by other sources (T_NGUONKHAC)", vietnamese="Nguồn khác", unit=DONG, needed=True),
)
REFERRED_IN = Field("referred_in_visits", INTEGER, "Visits of persons who are registered for first care in another province",
                    vietnamese="Lượt đa tuyến đến", unit=VISITS, needed=True)  # fmt: skip

_FACILITY_MEASURES = (
    FACILITY_CODE,
    Field("facility_name", TEXT, "Name of the facility in that month; NULL: in no list", vietnamese="Tên cơ sở KCB"),
    Field(
        "province_code", TEXT, "Province (34) of the facility; in no list: by its prefix, read as a code of the 63", vietnamese="Mã tỉnh"
    ),
    Field("facility_level", TEXT, "Level in that month: 1 central, 2 province, 3 district, 4 commune; NULL: unknown", vietnamese="Tuyến"),
    Field("ownership", TEXT, "CONG public, TU private; NULL: unknown", vietnamese="Loại hình cơ sở"),
    CARE_TYPE,
    VISIT_COUNT,
    PATIENTS,
    *MONEY_FIELDS,
    Field("treatment_days", INTEGER, "Days of treatment, added up (SO_NGAY_DTRI)", vietnamese="Số ngày điều trị", unit=DAYS, needed=True),
    Field("avg_cost_per_visit", RATE, "total_cost / visits", vietnamese="Chi phí bình quân một lượt", unit="đồng per visit"),
    Field(
        "avg_length_of_stay",
        RATE,
        "Average days of treatment of inpatients; NULL for outpatients",
        vietnamese="Ngày điều trị bình quân",
        unit=DAYS,
    ),
    REFERRED_IN,
)


def visits_and_patients(table: str) -> Rule:
    return Rule(f"{table}.patients.out_of_range", ERROR, "coalesce(patients > visits OR (visits > 0 AND patients < 1), true)",
                "there are more patients than visits, or visits without a patient", DEFECT, "patients")  # fmt: skip


def money_not_negative(table: str, *columns: str) -> Rule:
    return Rule(f"{table}.money.negative", WARNING, f"coalesce(least({', '.join(columns)}) < 0, true)" if len(columns) > 1
                else f"coalesce({columns[0]} < 0, true)",
                "an amount is negative: claims with negative amounts outweigh the others", "Look at the claims of that month.", columns[0])  # fmt: skip


def same_visits_as_facilities(table: str) -> Rule:
    """Each month's visits and fund add up to those of `facility_month`."""
    return Rule(
        f"{table}.visits.differ", ERROR,
        "month IN (SELECT month FROM (SELECT month, visits, fund_paid FROM marts.facility_month"
        f" UNION ALL SELECT month, -visits, -fund_paid FROM marts.{table}) AS both_marts"
        " GROUP BY month HAVING sum(visits) <> 0 OR sum(fund_paid) <> 0)",
        "visits or fund of the month are not those of facility_month", DEFECT, "visits",
    )  # fmt: skip


def _facility_rules(table: str, month: str) -> tuple[Rule, ...]:
    other = "facility_service_month" if table == "facility_month" else "facility_month"
    return (
        *key_rules(table, (month, "facility_code", "care_type")),
        no_negative(table, "visits", "patients", "referred_in_visits"),
        visits_and_patients(table),
        money_not_negative(table, *(f.name for f in MONEY_FIELDS)),
        Rule(f"{table}.care_type.not_listed", ERROR, "coalesce(care_type NOT IN ('inpatient', 'outpatient'), true)",
             "the care type is neither inpatient nor outpatient", DEFECT, "care_type"),
        Rule(f"{table}.referred_in_visits.above_visits", ERROR, "coalesce(referred_in_visits > visits, true)",
             "more visits were referred in than there were", DEFECT, "referred_in_visits"),
        Rule(f"{table}.avg_length_of_stay.outpatient", ERROR, "coalesce(care_type = 'outpatient', false) AND avg_length_of_stay IS NOT NULL",
             "outpatients have a length of stay", DEFECT, "avg_length_of_stay"),
        Rule(f"{table}.totals.differ", ERROR,
             "(facility_code, care_type) IN (SELECT (facility_code, care_type) FROM"
             f" (SELECT facility_code, care_type, visits, total_cost, fund_paid FROM marts.{table} UNION ALL"
             f" SELECT facility_code, care_type, -visits, -total_cost, -fund_paid FROM marts.{other}) AS both_marts"
             " GROUP BY facility_code, care_type HAVING sum(visits) <> 0 OR sum(total_cost) <> 0 OR sum(fund_paid) <> 0)",
             f"visits or money of the facility over all months are not those of {other}", DEFECT, "visits"),
        Rule(f"{table}.avg_cost_per_visit.out_of_range", WARNING,
             f"coalesce(avg_cost_per_visit NOT BETWEEN 0 AND {HIGHEST_COST_PER_VISIT}, false)",
             f"a visit cost more than {HIGHEST_COST_PER_VISIT:,} đồng on average, or less than nothing",
             "Look for amounts a thousand times too large (a decimal point read as a thousands separator).", "avg_cost_per_visit"),
        Rule(f"{table}.avg_length_of_stay.out_of_range", WARNING, f"coalesce(avg_length_of_stay NOT BETWEEN 0 AND {LONGEST_STAY}, false)",
             f"inpatients stayed more than {LONGEST_STAY} days on average, or less than none", "Check SO_NGAY_DTRI of the facility.",
             "avg_length_of_stay"),
        Rule(f"{table}.facility_code.unknown", WARNING, "facility_name IS NULL",
             "the facility is in no list; its province is read from its code", "Deliver the facility list of its province.", "facility_code"),
    )  # fmt: skip


FACILITY_MONTH = Table(
    schema="marts", name="facility_month", key=("month", "facility_code", "care_type"), vietnamese="Chi phí KCB theo cơ sở và kỳ quyết toán",
    grain="One row per claim month, facility and care type with at least one current claim.",
    source=SOURCE,
    fields=(MONTH_OF_CLAIM, *_FACILITY_MEASURES),
    rules=_facility_rules("facility_month", "month"),
)  # fmt: skip

FACILITY_SERVICE_MONTH = Table(
    schema="marts", name="facility_service_month", key=("service_month", "facility_code", "care_type"),
    vietnamese="Chi phí KCB theo cơ sở và tháng ra viện",
    grain="One row per service month, facility and care type with at least one current claim.",
    source=SOURCE,
    fields=(
        Field("service_month", MONTH, "Service month, first day: the month of discharge (NGAY_RA)", vietnamese="Tháng ra viện", needed=True),
        *_FACILITY_MEASURES,
    ),
    rules=_facility_rules("facility_service_month", "service_month"),
)  # fmt: skip

FACILITY_COST_GROUP_MONTH = Table(
    schema="marts", name="facility_cost_group_month", key=("month", "facility_code", "care_type", "cost_group"),
    vietnamese="Chi phí KCB theo cơ sở và nhóm chi phí",
    grain="One row per claim month, facility, care type and cost group of the lines (XML2, XML3) of current claims.",
    source=SOURCE,
    fields=(
        MONTH_OF_CLAIM,
        FACILITY_CODE,
        CARE_TYPE,
        Field("cost_group", TEXT, "Cost group (MA_NHOM) of the lines; NULL: lines without one", vietnamese="Mã nhóm chi phí"),
        Field("cost_group_name", TEXT, "Vietnamese name of the cost group; NULL: a group in no list", vietnamese="Tên nhóm chi phí"),
        Field("lines", INTEGER, "Lines of XML2 and XML3", vietnamese="Số dòng chi phí", unit="lines", needed=True),
        Field("total_cost", MONEY, "Amounts of the lines (THANH_TIEN_BV; QĐ 4210: THANH_TIEN)", vietnamese="Thành tiền BV", unit=DONG, needed=True),
        Field("covered_cost", MONEY, "Amounts of the lines in scope (THANH_TIEN_BH; QĐ 4210: THANH_TIEN)", vietnamese="Thành tiền BH", unit=DONG,
              needed=True),
        Field("fund_paid", MONEY, "Paid by the fund for the lines (T_BHTT)", vietnamese="Quỹ BHYT thanh toán", unit=DONG, needed=True),
    ),
    rules=(
        *key_rules("facility_cost_group_month", ("month", "facility_code", "care_type", "cost_group"), nullable=("cost_group",)),
        Rule("facility_cost_group_month.lines.out_of_range", ERROR, "coalesce(lines < 1, true)", "a row has no line", DEFECT, "lines"),
        money_not_negative("facility_cost_group_month", "total_cost", "covered_cost", "fund_paid"),
        Rule("facility_cost_group_month.cost_group.unknown", WARNING, "cost_group_name IS NULL",
             "lines have no cost group, or one in no list", "See the warnings on claims.lines.group for the deliveries.", "cost_group"),
    ),
)  # fmt: skip

DIAGNOSIS_MONTH = Table(
    schema="marts", name="diagnosis_month", key=("month", "province_code", "icd_code", "care_type"), vietnamese="Lượt KCB theo bệnh chính",
    grain="One row per claim month, province of care, main diagnosis and care type of current claims.",
    source=SOURCE,
    fields=(
        MONTH_OF_CLAIM,
        CARE_PROVINCE,
        Field("icd_chapter", TEXT, "Chapter of ICD-10; NULL: the code is in none", vietnamese="Chương ICD-10"),
        Field("icd_code", TEXT, "Main diagnosis, ICD-10, as detailed as sent; NULL: none sent", vietnamese="Mã bệnh chính"),
        CARE_TYPE,
        VISIT_COUNT,
        PATIENTS,
        FUND_PAID,
    ),
    rules=(
        *key_rules("diagnosis_month", ("month", "province_code", "icd_code", "care_type"), nullable=("province_code", "icd_code")),
        no_negative("diagnosis_month", "visits", "patients"),
        visits_and_patients("diagnosis_month"),
        same_visits_as_facilities("diagnosis_month"),
        Rule("diagnosis_month.icd_chapter.unknown", WARNING, "icd_chapter IS NULL",
             "the main diagnosis is missing or no ICD-10 code", "See the warnings on claims.main_icd.unknown for the deliveries.", "icd_code"),
    ),
)  # fmt: skip

REFERRAL_MONTH = Table(
    schema="marts", name="referral_month", key=("month", "home_province_code", "care_province_code", "care_type"),
    vietnamese="Lượt KCB đa tuyến giữa các tỉnh",
    grain="One row per claim month, home province, province of care and care type of the visits out of province.",
    source=SOURCE,
    fields=(
        MONTH_OF_CLAIM,
        Field("home_province_code", TEXT, "Province (34) of the facility where the first card is registered (MA_DKBD)",
              vietnamese="Mã tỉnh nơi ĐKBĐ", needed=True),
        Field("care_province_code", TEXT, "Province (34) of the facility that gave the care", vietnamese="Mã tỉnh nơi KCB", needed=True),
        CARE_TYPE,
        VISIT_COUNT,
        FUND_PAID,
    ),
    rules=(
        *key_rules("referral_month", ("month", "home_province_code", "care_province_code", "care_type")),
        Rule("referral_month.visits.out_of_range", ERROR, "coalesce(visits < 1, true)", "a row has no visit", DEFECT, "visits"),
        Rule("referral_month.care_province_code.is_home", ERROR, "coalesce(home_province_code = care_province_code, false)",
             "home and care are the same province", DEFECT, "care_province_code"),
        Rule("referral_month.visits.differ", ERROR,
             "month IN (SELECT month FROM (SELECT month, visits FROM marts.referral_month UNION ALL"
             " SELECT month, -referred_in_visits FROM marts.province_claims_month) AS both_marts GROUP BY month HAVING sum(visits) <> 0)",
             "the month's visits out of province are not those of province_claims_month", DEFECT, "visits"),
    ),
)  # fmt: skip

PROVINCE_CLAIMS_MONTH = Table(
    schema="marts", name="province_claims_month", key=("month", "province_code"), vietnamese="Tình hình KCB BHYT theo tỉnh",
    grain="One row per claim month and province in which care was given, or whose insured had care elsewhere.",
    source=SOURCE,
    fields=(
        MONTH_OF_CLAIM,
        CARE_PROVINCE,
        VISIT_COUNT,
        PATIENTS,
        Field("inpatient_visits", INTEGER, "Visits of inpatients", vietnamese="Lượt nội trú", unit=VISITS, needed=True),
        FUND_PAID,
        Field("visits_per_insured", RATE, "visits / insured persons of the province at the month's end; NULL where none is counted",
              vietnamese="Số lượt KCB trên một thẻ", unit="visits per person"),
        Field("cost_per_visit", RATE, "Total cost / visits; NULL without visits", vietnamese="Chi phí bình quân một lượt", unit="đồng per visit"),
        Field("copayment_share", RATE, "Co-payment / covered cost; NULL without a covered cost", vietnamese="Tỷ lệ cùng chi trả", unit="fraction of 1"),
        REFERRED_IN,
        Field("referred_out_visits", INTEGER, "Visits, in other provinces, of persons registered for first care here",
              vietnamese="Lượt đa tuyến đi", unit=VISITS, needed=True),
    ),
    rules=(
        *key_rules("province_claims_month", ("month", "province_code"), nullable=("province_code",)),
        no_negative("province_claims_month", "visits", "patients", "inpatient_visits", "referred_in_visits", "referred_out_visits"),
        visits_and_patients("province_claims_month"),
        same_visits_as_facilities("province_claims_month"),
        Rule("province_claims_month.visits.parts", ERROR, "coalesce(greatest(inpatient_visits, referred_in_visits) > visits, true)",
             "more visits were inpatient or referred in than there were", DEFECT, "visits"),
        Rule("province_claims_month.referred.differ", ERROR,
             "month IN (SELECT month FROM marts.province_claims_month GROUP BY month HAVING sum(referred_in_visits) <> sum(referred_out_visits))",
             "visits referred in and out of all provinces differ", DEFECT, "referred_in_visits"),
        Rule("province_claims_month.copayment_share.out_of_range", WARNING, "coalesce(copayment_share NOT BETWEEN 0 AND 1, false)",
             "the co-payment is not between nothing and the whole covered cost", "Look at T_BNCCT of the province's claims.", "copayment_share"),
        Rule("province_claims_month.visits_per_insured.out_of_range", WARNING, "coalesce(visits_per_insured > 2, false)",
             "the insured had more than two visits each in one month; two a year is usual",
             "Compare the months of the registers with those of the claims.", "visits_per_insured"),
    ),
)  # fmt: skip

CLAIM_MARTS: tuple[Table, ...] = (
    FACILITY_MONTH,
    FACILITY_SERVICE_MONTH,
    FACILITY_COST_GROUP_MONTH,
    DIAGNOSIS_MONTH,
    REFERRAL_MONTH,
    PROVINCE_CLAIMS_MONTH,
)
