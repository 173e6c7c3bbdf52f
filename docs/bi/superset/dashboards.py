"""The three dashboards of the coverage warehouse: what they ask and what they show. `python docs/bi/superset/make_assets.py` writes them as files.

Every dataset reads the published BI file only and has `province_name` where the dashboard filters by it.
"""

from __future__ import annotations

from charts import PERCENT, Chart, Dashboard, Dataset, bars, flows, lines, months, number, table

GROUPS = "(SELECT DISTINCT payer_group, payer_group || ' ' || payer_group_name AS group_name FROM dims.object_code)"
CARE = "CASE care_type WHEN 'inpatient' THEN 'Nội trú' ELSE 'Ngoại trú' END AS care"
STATES = {"loaded": "Đã nạp", "held": "Tạm giữ", "refused": "Từ chối", "repeated": "Trùng lặp", "superseded": "Đã thay thế"}
REASONS = {
    "two_groups": "Hai nhóm đối tượng",
    "two_provinces": "Hai tỉnh",
    "old_and_new_number": "Số cũ và số mới",
    "reissued": "Cấp lại",
    "other": "Khác",
}
SIGNALS = {
    "outside_card_validity": "Ngoài hạn thẻ",
    "after_death": "Sau ngày mất",
    "overlapping_inpatient": "Nội trú trùng ngày",
    "same_day_several_facilities": "Nhiều cơ sở một ngày",
    "frequent_visits": "Khám nhiều lần",
    "several_cards": "Nhiều thẻ",
    "amount_mismatch": "Lệch số tiền",
    "unknown_card": "Thẻ không có trong sổ",
}
PROVINCES = """(
    SELECT DISTINCT province_code, province_name FROM dims.province WHERE valid_to IS NULL AND code = province_code
)"""


def by_province(name: str, relation: str, time: str | None, columns: str = "t.*", where: str = "", groups: bool = False) -> Dataset:
    """A mart with the name of today's province beside its code, and with that of the payer group (`groups`)."""
    sql = f"SELECT {columns}, p.province_name{', g.group_name' if groups else ''}\nFROM {relation} AS t\n"
    sql += f"LEFT JOIN {PROVINCES} AS p ON p.province_code = t.province_code"
    if groups:
        sql += f"\nLEFT JOIN {GROUPS} AS g ON g.payer_group = t.payer_group"
    return Dataset(name, f"{sql}\n{where}".rstrip(), time)


def named(column: str, names: dict[str, str]) -> str:
    """A code by the name that readers see."""
    whens = " ".join(f"WHEN '{code}' THEN '{name}'" for code, name in names.items())
    return f"CASE {column} {whens} ELSE {column} END"


def latest(relation: str, time: str = "month") -> str:
    return f"WHERE t.{time} = (SELECT max({time}) FROM {relation})"


PROVINCE_MONTH = "marts.coverage_province_month"

DATASETS = (
    Dataset("nation_month", "SELECT * FROM marts.coverage_nation_month", "month"),
    Dataset(
        "nation_latest",
        "SELECT * FROM marts.coverage_nation_month WHERE month = (SELECT max(month) FROM marts.coverage_nation_month)",
        "month",
    ),
    Dataset("province_month", f"SELECT * FROM {PROVINCE_MONTH}", "month"),
    Dataset("province_latest", f"SELECT * FROM {PROVINCE_MONTH} AS t {latest(PROVINCE_MONTH)}", "month"),
    by_province("group_month", "marts.coverage_group_month", "month", groups=True),
    by_province(
        "group_latest",
        "marts.coverage_group_month",
        "month",
        where=latest("marts.coverage_group_month"),
        groups=True,
    ),
    by_province("commune_latest", "marts.coverage_commune_month", "month", where=latest("marts.coverage_commune_month")),
    by_province(
        "age_sex_latest",
        "marts.coverage_age_sex_month",
        "month",
        "t.*, CASE t.sex WHEN '1' THEN 'Nam' WHEN '2' THEN 'Nữ' ELSE 'Chưa xác định' END AS sex_name",
        latest("marts.coverage_age_sex_month"),
    ),
    by_province("lapse_month", "marts.lapse_month", "month", groups=True),
    Dataset(
        "national_series",
        "SELECT make_date(year, 12, 1) AS month, value, basis, source FROM marts.national_series WHERE measure = 'coverage_pct'",
        "month",
    ),
    by_province("facility_month", "marts.facility_month", "month", f"t.*, {CARE}"),
    Dataset(
        "cost_group_month",
        f"SELECT c.*, p.province_name, {CARE} FROM marts.facility_cost_group_month AS c\n"
        "LEFT JOIN (SELECT DISTINCT facility_code, province_code FROM marts.facility_month) AS f ON f.facility_code = c.facility_code\n"
        f"LEFT JOIN {PROVINCES} AS p ON p.province_code = f.province_code",
        "month",
    ),
    Dataset(
        "diagnosis_month",
        f"SELECT d.*, i.chapter_name_vi AS chapter, p.province_name, {CARE} FROM marts.diagnosis_month AS d\n"
        "LEFT JOIN (SELECT DISTINCT icd_chapter, chapter_name_vi FROM dims.icd) AS i ON i.icd_chapter = d.icd_chapter\n"
        f"LEFT JOIN {PROVINCES} AS p ON p.province_code = d.province_code",
        "month",
    ),
    Dataset(
        "referral_month",
        "SELECT r.*, h.province_name, h.province_name || ' (đăng ký)' AS home, c.province_name || ' (khám)' AS care_place\n"
        f"FROM marts.referral_month AS r\nLEFT JOIN {PROVINCES} AS h ON h.province_code = r.home_province_code\n"
        f"LEFT JOIN {PROVINCES} AS c ON c.province_code = r.care_province_code",
        "month",
    ),
    by_province("province_claims", "marts.province_claims_month", "month"),
    by_province("fund_quarter", "marts.fund_quarter", None, where="WHERE t.facility_code IS NULL"),
    Dataset(
        "deliveries",
        f"SELECT d.* EXCLUDE (province_code), p.province_name, {named('d.status', STATES)} AS state\nFROM quality.deliveries AS d\n"
        # A register's code is that of its period: seven codes changed owner on 2025-07-01.
        "LEFT JOIN dims.province AS u ON u.code = d.province_code\n"
        "    AND coalesce(d.period, DATE '9999-12-31') BETWEEN coalesce(u.valid_from, DATE '1900-01-01') AND coalesce(u.valid_to, DATE '9999-12-31')\n"
        f"LEFT JOIN {PROVINCES} AS p ON p.province_code = u.province_code",
        "received_at",
    ),
    Dataset("rules", "SELECT rule, severity, sum(checked) AS checked, sum(failed) AS failed FROM quality.results GROUP BY rule, severity"),
    by_province("duplicates", "marts.duplicate_cards_month", "month", f"t.*, {named('t.reason', REASONS)} AS reason_name"),
    by_province("duplicates_latest", "marts.duplicate_cards_month", "month", where=latest("marts.duplicate_cards_month")),
    Dataset(
        "signals",
        f"SELECT s.*, {named('s.signal', SIGNALS)} AS signal_name, f.facility_name, p.province_name FROM marts.claim_signals_month AS s\n"
        "LEFT JOIN (SELECT DISTINCT ON (facility_code) facility_code, facility_name, province_code FROM dims.facility\n"
        "    ORDER BY facility_code, valid_from DESC) AS f ON f.facility_code = s.facility_code\n"
        f"LEFT JOIN {PROVINCES} AS p ON p.province_code = f.province_code",
        "month",
    ),
    by_province("employers_missing", "marts.employers_missing_quarter", None),
    Dataset("snapshot", "SELECT * FROM meta.snapshot"),
)

COVERAGE = Dashboard(
    "Bao phủ BHYT · Coverage",
    "coverage",
    (
        (
            number("Người tham gia", "nation_latest", "sum(insured_persons)", "persons insured, end of the latest month"),
            number("Tỷ lệ bao phủ, %", "nation_latest", "max(coverage_pct)", "coverage, % of the population", PERCENT),
            number("Chênh so với chỉ tiêu", "nation_latest", "max(gap_points)", "gap to target, percentage points", "+,.2f"),
            number("Còn thiếu để đạt chỉ tiêu", "nation_latest", "sum(persons_to_target)", "persons to reach the target"),
        ),
        (
            lines(
                "Bao phủ và chỉ tiêu theo tháng (coverage and target)",
                "nation_month",
                "month",
                {"Bao phủ, %": "max(coverage_pct)", "Chỉ tiêu, %": "max(target_pct)"},
                form=PERCENT,
            ),
            lines("Số đã công bố từ 1993, % (published)", "national_series", "month", {"Đã công bố, %": "max(value)"}, (), PERCENT),
        ),
        (
            bars(
                "Bao phủ và chỉ tiêu của 34 tỉnh (provinces against targets)",
                "province_latest",
                "province_name",
                {"Bao phủ, %": "max(coverage_pct)", "Chỉ tiêu, %": "max(target_pct)"},
                form=PERCENT,
                height=110,
            ),
            bars(
                "Chênh so với chỉ tiêu, điểm % (gap)",
                "province_latest",
                "province_name",
                {"Chênh, điểm %": "max(gap_points)"},
                form="+,.2f",
                height=110,
            ),
        ),
        (
            months(
                "Người tham gia theo nhóm đối tượng (groups)", "group_month", "month", {"Người": "sum(insured_persons)"}, ("group_name",)
            ),
            bars(
                "Theo tuổi và giới (age and sex)",
                "age_sex_latest",
                "age_band",
                {"Người": "sum(insured_persons)"},
                ("sex_name",),
                flat=False,
                stack=True,
            ),
        ),
        (
            lines(
                "Xu hướng từng tỉnh, % (trend by province)",
                "province_month",
                "month",
                {"Bao phủ, %": "max(coverage_pct)"},
                ("province_name",),
                PERCENT,
            ),
            months(
                "Thẻ hết hạn: còn và mất bảo hiểm (lapses)",
                "lapse_month",
                "month",
                {"Mất bảo hiểm, người": "sum(lapsed_persons)", "Gia hạn, người": "sum(renewed_persons)"},
            ),
        ),
        (
            table(
                "Các xã (communes)",
                "commune_latest",
                ("province_name", "commune_name", "insured_persons", "population", "coverage_pct"),
                order=("coverage_pct", True),
                formats={"insured_persons": ",d", "population": ",d", "coverage_pct": PERCENT},
                limit=5_000,
            ),
        ),
    ),
)

CLAIMS = Dashboard(
    "Khám chữa bệnh BHYT · Claims",
    "claims",
    (
        (
            number("Lượt khám chữa bệnh", "facility_month", "sum(visits)", "visits"),
            number("Quỹ BHYT chi, đ", "facility_month", "sum(fund_paid)", "paid by the fund, đồng"),
            number("Chi bình quân một lượt, đ", "facility_month", "sum(total_cost) / sum(visits)", "total cost per visit, đồng"),
            number(
                "Ngày điều trị bình quân",
                "facility_month",
                "sum(treatment_days) FILTER (WHERE care_type = 'inpatient') / sum(visits) FILTER (WHERE care_type = 'inpatient')",
                "average length of an inpatient stay, days",
                ",.1f",
            ),
        ),
        (
            months("Lượt theo tháng (visits by care type)", "facility_month", "month", {"Lượt": "sum(visits)"}, ("care",)),
            months("Quỹ chi theo tháng, đ (fund paid)", "facility_month", "month", {"Quỹ chi, đ": "sum(fund_paid)"}, ("care",)),
        ),
        (
            bars(
                "20 cơ sở chi nhiều nhất, đ (facilities by spending)",
                "facility_month",
                "facility_name",
                {"Quỹ chi, đ": "sum(fund_paid)"},
                limit=20,
                height=70,
            ),
            bars(
                "Chi phí theo nhóm, đ (cost groups)",
                "cost_group_month",
                "cost_group_name",
                {"Tổng chi, đ": "sum(total_cost)"},
                limit=20,
                height=70,
            ),
        ),
        (
            bars("Chương bệnh ICD-10 (diagnoses)", "diagnosis_month", "chapter", {"Lượt": "sum(visits)"}, limit=22, height=70),
            flows("Đi khám tỉnh khác (referral flows)", "referral_month", "home", "care_place", "Lượt", "sum(visits)"),
        ),
        (
            bars(
                "Dự toán và quỹ chi, đ (budget and fund)",
                "fund_quarter",
                "quarter",
                {"Quỹ chi, đ": "sum(fund_paid)", "Dự toán năm, đ": "sum(budget)"},
                flat=False,
            ),
            lines(
                "Lượt trên một người tham gia (visits per insured)",
                "province_claims",
                "month",
                {"Lượt/người": "avg(visits_per_insured)"},
                ("province_name",),
                ",.3f",
            ),
        ),
        (
            table(
                "Cơ sở khám chữa bệnh (facilities)",
                "facility_month",
                (
                    "month",
                    "province_name",
                    "facility_code",
                    "facility_name",
                    "care",
                    "visits",
                    "patients",
                    "fund_paid",
                    "avg_cost_per_visit",
                    "avg_length_of_stay",
                ),
                order=("fund_paid", False),
                formats={"visits": ",d", "patients": ",d", "fund_paid": ",.0f", "avg_cost_per_visit": ",.0f", "avg_length_of_stay": ",.1f"},
            ),
        ),
    ),
)

QUALITY = Dashboard(
    "Chất lượng và liêm chính · Quality and integrity",
    "quality",
    (
        (
            number("Tệp đã nhận", "deliveries", "count(*)", "deliveries received"),
            number(
                "Bị từ chối hoặc tạm giữ",
                "deliveries",
                "count(*) FILTER (WHERE status IN ('refused', 'held'))",
                "deliveries refused or held",
            ),
            number("Dòng bị cách ly", "deliveries", "sum(records_quarantined)", "records quarantined"),
            number("Người có nhiều thẻ", "duplicates_latest", "sum(persons)", "persons with several cards, latest month"),
        ),
        (
            bars(
                "Tệp theo nguồn và trạng thái (deliveries)", "deliveries", "export", {"Tệp": "count(*)"}, ("state",), stack=True, height=60
            ),
            bars(
                "Quy tắc bị vi phạm nhiều nhất (rules)",
                "rules",
                "rule",
                {"Dòng": "sum(failed)"},
                ("severity",),
                limit=15,
                stack=True,
                height=60,
            ),
        ),
        (
            months("Người có nhiều thẻ, theo lý do (duplicates)", "duplicates", "month", {"Người": "sum(persons)"}, ("reason_name",)),
            months("Dấu hiệu cần xem (signals)", "signals", "month", {"Hồ sơ": "sum(claims)"}, ("signal_name",)),
        ),
        (
            bars(
                "Đơn vị đóng thiếu, theo tỉnh (employers missing)",
                "employers_missing",
                "province_name",
                {"Người thiếu": "sum(employees_missing)"},
                height=60,
            ),
            bars(
                "Dòng bị cách ly theo tỉnh (quarantined rows)",
                "deliveries",
                "province_name",
                {"Dòng": "sum(records_quarantined)"},
                height=60,
            ),
        ),
        (
            table(
                "Tệp bị từ chối, tạm giữ hoặc có dòng cách ly",
                "deliveries",
                (
                    "received_at",
                    "export",
                    "province_name",
                    "path",
                    "state",
                    "reason",
                    "records_read",
                    "records_loaded",
                    "records_quarantined",
                ),
                order=("records_quarantined", False),
            ),
        ),
        (
            table(
                "Đơn vị trả lương nhưng đóng thiếu (employers that insure fewer than they pay)",
                "employers_missing",
                ("quarter", "province_name", "tax_code", "name", "employees_paid", "employees_insured", "employees_missing"),
                order=("employees_missing", False),
            ),
        ),
    ),
)

DASHBOARDS = (COVERAGE, CLAIMS, QUALITY)
CHARTS: tuple[Chart, ...] = tuple(c for d in DASHBOARDS for c in d.charts)
