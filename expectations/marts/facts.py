"""Claim-level facts of `analyst.duckdb`: no name and no identifier, but keyed hashes, which the law still counts as personal data."""

from expectations.declare import INTEGER, MONEY, MONTH, RATE, TEXT, Field, Rule, Table
from expectations.marts.claims import CARE_TYPE, FACILITY_CODE, MONEY_FIELDS, MONTH_OF_CLAIM
from expectations.marts.coverage import DEFECT
from expectations.rules import ERROR, WARNING

_SOURCE = "hospitals/claims"
_CLAIM_KEY = Field("claim_key", TEXT, "Claim: keyed hash of facility and episode; the key lies outside", needed=True)

CLAIM = Table(
    schema="facts", name="claim", key=("claim_key",), vietnamese="Hồ sơ KCB",
    grain="One row per current claim, without names and identifiers.",
    source=_SOURCE,
    fields=(
        _CLAIM_KEY,
        Field("person_key", TEXT, "Person: keyed hash of the person index; by law still personal data", needed=True),
        Field("person_found_by", TEXT, "What led to the person: card, card_digits (its last ten), citizen_id; among_claims: in no register, "
              "one person with claims of the same identifiers; alone: without any", vietnamese="Cách xác định người bệnh", needed=True),
        FACILITY_CODE,
        MONTH_OF_CLAIM,
        Field("service_month", MONTH, "Service month, first day: the month of discharge (NGAY_RA)", vietnamese="Tháng ra viện", needed=True),
        CARE_TYPE,
        Field("object_code", TEXT, "Object code: letters of the first card of 15 characters, else the register's; NULL: unknown",
              vietnamese="Mã đối tượng"),
        Field("payer_group", TEXT, "Payer group 1-6 of the object code on the day of discharge; NULL: unknown", vietnamese="Nhóm đối tượng"),
        Field("age_years", INTEGER, "Full years on the day of admission; NULL: no birth date, or one after admission", vietnamese="Tuổi", unit="years"),
        Field("sex", TEXT, "1 male, 2 female, 3 undetermined", vietnamese="Giới tính"),
        Field("home_province_code", TEXT, "Province (34) of the facility where the first card is registered (MA_DKBD); NULL: unknown",
              vietnamese="Mã tỉnh nơi ĐKBĐ"),
        Field("main_icd", TEXT, "Main diagnosis, ICD-10, capitals, without trailing marks; NULL: none sent", vietnamese="Mã bệnh chính"),
        Field("discharge_outcome", TEXT, "Outcome of the treatment 1-8 (KET_QUA_DTRI)", vietnamese="Kết quả điều trị"),
        Field("treatment_days", INTEGER, "Days of treatment (SO_NGAY_DTRI)", vietnamese="Số ngày điều trị", unit="days"),
        *MONEY_FIELDS,
        Field("source_form", TEXT, "What the claim came as: xml, or a flat list of lower grade: 79a, 80a, 01bh", vietnamese="Nguồn dữ liệu", needed=True),
        Field("standard", TEXT, "Standard of its elements and day of discharge: 4210, 130, 4750, 3176; NULL: not told", vietnamese="Chuẩn dữ liệu"),
    ),
    rules=(
        Rule("claim.claim_key.twice", ERROR, "claim_key IN (SELECT claim_key FROM facts.claim GROUP BY claim_key HAVING count(*) > 1)",
             "two rows are about the same claim", DEFECT, "claim_key"),
        Rule("claim.key.missing", ERROR,
             "claim_key IS NULL OR person_key IS NULL OR facility_code IS NULL OR month IS NULL OR service_month IS NULL OR care_type IS NULL",
             "a claim has no key, person, facility, month or care type", DEFECT, "claim_key"),
        Rule("claim.person_found_by.unknown", ERROR,
             "coalesce(person_found_by NOT IN ('card', 'card_digits', 'citizen_id', 'among_claims', 'alone'), true)",
             "nothing says what led to the person", DEFECT, "person_found_by"),
        Rule("claim.money.missing", ERROR,
             "total_cost IS NULL OR covered_cost IS NULL OR fund_paid IS NULL OR copayment IS NULL OR self_paid IS NULL OR other_sources IS NULL",
             "an amount is missing", DEFECT, "total_cost"),
        Rule("claim.source_form.unknown", ERROR, "coalesce(source_form NOT IN ('xml', '79a', '80a', '01bh'), true)",
             "a claim of no known source", DEFECT, "source_form"),
        Rule("claim.age_years.out_of_range", WARNING, "coalesce(age_years NOT BETWEEN 0 AND 120, false)",
             "the patient is older than 120 years", "Check NGAY_SINH of the claims.", "age_years"),
    ),
)  # fmt: skip

CLAIM_COST = Table(
    schema="facts", name="claim_cost", key=("claim_key", "cost_group"), vietnamese="Chi phí KCB theo nhóm của hồ sơ",
    grain="One row per current claim and cost group of its lines (XML2, XML3).",
    source=_SOURCE,
    fields=(
        _CLAIM_KEY,
        Field("cost_group", TEXT, "Cost group (MA_NHOM) of the lines; NULL: lines without one", vietnamese="Mã nhóm chi phí"),
        Field("lines", INTEGER, "Lines of XML2 and XML3", vietnamese="Số dòng chi phí", unit="lines", needed=True),
        Field("total_cost", MONEY, "Amounts of the lines (THANH_TIEN_BV; QĐ 4210: THANH_TIEN)", vietnamese="Thành tiền BV", unit="đồng", needed=True),
        Field("covered_cost", MONEY, "Amounts of the lines in scope (THANH_TIEN_BH; QĐ 4210: THANH_TIEN)", vietnamese="Thành tiền BH",
              unit="đồng", needed=True),
        Field("fund_paid", MONEY, "Paid by the fund for the lines (T_BHTT)", vietnamese="Quỹ BHYT thanh toán", unit="đồng", needed=True),
        MONTH_OF_CLAIM,
    ),
    rules=(
        Rule("claim_cost.key.twice", ERROR,
             "(claim_key, cost_group) IN (SELECT (claim_key, cost_group) FROM facts.claim_cost GROUP BY claim_key, cost_group HAVING count(*) > 1)",
             "two rows are about the same claim and cost group", DEFECT, "cost_group"),
        Rule("claim_cost.claim_key.unknown", ERROR, "coalesce(claim_key NOT IN (SELECT claim_key FROM facts.claim), true)",
             "lines of a claim that is not in facts.claim", DEFECT, "claim_key"),
        Rule("claim_cost.lines.out_of_range", ERROR, "coalesce(lines < 1, true)", "a row has no line", DEFECT, "lines"),
    ),
)  # fmt: skip

CLAIM_LIKELY_PERSON = Table(
    schema="facts", name="claim_likely_person", key=("claim_key",), vietnamese="Người bệnh có khả năng của hồ sơ không khớp thẻ",
    grain="One row per current claim in no register for which scoring finds a person. Where to look: no mart counts by it.",
    source=_SOURCE,
    fields=(
        _CLAIM_KEY,
        Field("person_key", TEXT, "The likely person: as facts.claim.person_key of that person's own claims", needed=True),
        MONTH_OF_CLAIM,
        FACILITY_CODE,
        Field("probability", RATE, "That the claim is this person's, beside all others compared and nobody", needed=True),
        Field("weight_bits", RATE, "Weight of the best card: log2 of the odds of a match", unit="bits", needed=True),
        Field("reason", TEXT, "Level of agreement of each field; what is missing is left out", vietnamese="Lý do", needed=True),
    ),
    rules=(
        Rule("claim_likely_person.claim_key.twice", ERROR,
             "claim_key IN (SELECT claim_key FROM facts.claim_likely_person GROUP BY claim_key HAVING count(*) > 1)",
             "two persons are said to be the likely one of a claim", DEFECT, "claim_key"),
        Rule("claim_likely_person.claim_key.known", ERROR,
             "coalesce(claim_key NOT IN (SELECT claim_key FROM facts.claim WHERE person_found_by IN ('among_claims', 'alone')), true)",
             "a claim whose person is known has a likely one too", DEFECT, "claim_key"),
        Rule("claim_likely_person.probability.out_of_range", ERROR, "coalesce(probability NOT BETWEEN 0.99 AND 1, true)",
             "a person is named who is not likely", DEFECT, "probability"),
    ),
)  # fmt: skip

FACTS: tuple[Table, ...] = (CLAIM, CLAIM_COST, CLAIM_LIKELY_PERSON)
