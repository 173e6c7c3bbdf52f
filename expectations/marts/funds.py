"""Marts of funds: budgets and what was paid from them."""

from expectations.declare import MONEY, QUARTER, RATE, TEXT, Field, Rule, Table
from expectations.marts.coverage import DEFECT, key_rules
from expectations.rules import ERROR, WARNING

FUND_QUARTER = Table(
    schema="marts", name="fund_quarter", key=("quarter", "province_code", "facility_code"), vietnamese="Tình hình sử dụng dự toán chi KCB BHYT",
    grain="One row per quarter and facility with claims or a budget, and per quarter and province with a budget of its own.",
    source="planning/budgets, hospitals/claims",
    fields=(
        Field("quarter", QUARTER, "Quarter of settlement, as 2025-Q3", vietnamese="Quý", needed=True),
        Field("province_code", TEXT, "Province (34); NULL: the facility's is not known", vietnamese="Mã tỉnh"),
        Field("facility_code", TEXT, "Facility; NULL: the row is the whole province's", vietnamese="Mã cơ sở KCB"),
        Field("budget", MONEY, "Budget of the whole year (DU_TOAN); NULL: none", vietnamese="Dự toán cả năm", unit="đồng"),
        Field("fund_paid", MONEY, "Paid by the fund in the quarter (T_BHTT)", vietnamese="Quỹ BHYT thanh toán trong quý", unit="đồng", needed=True),
        Field("budget_used_pct", RATE, "Paid by the fund from January to the end of the quarter / budget x 100; NULL without a budget",
              vietnamese="Tỷ lệ sử dụng dự toán", unit="percent"),
    ),
    rules=(
        *key_rules("fund_quarter", ("quarter", "province_code", "facility_code"), nullable=("province_code", "facility_code")),
        Rule("fund_quarter.holder.missing", ERROR, "province_code IS NULL AND facility_code IS NULL",
             "a row is about no facility and no province", DEFECT, "facility_code"),
        Rule("fund_quarter.quarter.form", ERROR, "coalesce(NOT regexp_full_match(quarter, '[0-9]{4}-Q[1-4]'), true)",
             "the quarter is not written as 2025-Q3", DEFECT, "quarter"),
        Rule("fund_quarter.budget_used_pct.missing", ERROR,
             "coalesce(budget <> 0, false) AND budget_used_pct IS NULL OR coalesce(budget, 0) = 0 AND budget_used_pct IS NOT NULL",
             "a budget without its use, or a use without its budget", DEFECT, "budget_used_pct"),
        Rule("fund_quarter.fund_paid.differs", ERROR,
             "quarter IN (SELECT quarter FROM (SELECT quarter, fund_paid FROM marts.fund_quarter WHERE facility_code IS NOT NULL UNION ALL"
             " SELECT year(month) || '-Q' || quarter(month), -fund_paid FROM marts.facility_month) AS both_marts"
             " GROUP BY quarter HAVING sum(fund_paid) <> 0)",
             "the fund of the quarter's facilities is not that of facility_month", DEFECT, "fund_paid"),
        Rule("fund_quarter.budget_used_pct.out_of_range", WARNING, "coalesce(budget_used_pct NOT BETWEEN 0 AND 120, false)",
             "more than 120 % of the budget is used, or less than nothing",
             "Check the budget's unit (đồng, not thousands or millions), then the claims.", "budget_used_pct"),
    ),
)  # fmt: skip

FUND_MARTS: tuple[Table, ...] = (FUND_QUARTER,)
