"""planning/budgets: health-insurance treatment budgets (dự toán)."""

from expectations.declare import FACILITY, MONEY, PROVINCE, YEAR, Field, Rule, Severity, Table
from expectations.rules import ERROR, PLACES, TECHNICAL, WARNING, cell_rules, place_rules, row_rules

DELIVERED = (
    Field("year", YEAR, "Year of the budget", "NAM", "Năm", required=True, needed=True),
    Field("facility_code", FACILITY, "Facility; empty: the whole province", "MA_CSKCB", "Mã cơ sở KCB", ("Mã CSKCB", "Mã cơ sở", "Mã cơ sở khám chữa bệnh", "Mã bệnh viện", "Mã BV"),
          unreadable=Severity.ERROR),
    Field("province", PROVINCE, "Province, code of the file's period, else of 31 December of the year", "MATINH", "Mã tỉnh",
          ("MA_TINH", "Tỉnh", "Tỉnh/thành phố", "Mã tỉnh/thành phố", "Tỉnh/TP", "Mã tỉnh/TP", "Tỉnh thành", "Mã tỉnh thành")),
    Field("budget", MONEY, "Budget of the year", "DU_TOAN", "Dự toán", ("Dự toán (đồng)", "Dự toán chi", "Dự toán giao", "Dự toán được giao", "Dự toán chi KCB", "Dự toán chi KCB BHYT", "Dự toán KCB BHYT"), unit="đồng", required=True, needed=True),
)  # fmt: skip

_NAME = "budgets"

BUDGETS = Table(
    name=_NAME,
    vietnamese="Dự toán chi khám chữa bệnh BHYT",
    grain="One row per year and facility, or per year and province, in one list.",
    folder="planning/budgets",
    places=("year",),
    one_of=("facility_code", "province"),
    fields=(*TECHNICAL, *DELIVERED, *PLACES),
    key=("delivery_id", "row_number"),
    source="Prime Minister's yearly assignment of the treatment budget",
    rules=(
        *row_rules(_NAME),
        *cell_rules(_NAME, DELIVERED),
        *place_rules(_NAME, DELIVERED[2], None, province_severity=WARNING),
        Rule("budgets.holder.missing", ERROR, "facility_code IS NULL AND province_code IS NULL",
             "neither MA_CSKCB nor a known MATINH is given; the budget belongs to nobody", "Fill one of the two.", "MA_CSKCB"),
        Rule("budgets.budget.negative", WARNING, "coalesce(budget < 0, false)", "DU_TOAN is negative", "Check the budget.", "DU_TOAN"),
        Rule("budgets.holder.twice", WARNING,
             "(delivery_id, year, facility_code, province) IN (SELECT (delivery_id, year, facility_code, province)"
             " FROM staged.budgets GROUP BY ALL HAVING count(*) > 1)",
             "the same year and holder stands more than once; the last row counts", "Remove the double rows.", "DU_TOAN"),
    ),
)  # fmt: skip
