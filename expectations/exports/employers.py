"""tax/employers: employers and the people they pay, by quarter."""

from expectations.declare import BOOLEAN, CODE_2, COMMUNE, INTEGER, MONEY, PROVINCE, QUARTER, TAX_CODE, TEXT, Field, Rule, Table
from expectations.rules import ERROR, PLACES, TECHNICAL, WARNING, cell_rules, place_rules, row_rules

DELIVERED = (
    Field("tax_code", TAX_CODE, "Tax code: 10 digits, 13 with the branch, 12 a person's (TT 86/2024/TT-BTC)", "MST", "Mã số thuế",
          ("MA_SO_THUE", "Mã số thuế (MST)"), required=True, needed=True),
    Field("name", TEXT, "Name of the employer", "TEN", "Tên", ("Tên đơn vị", "Tên người nộp thuế", "TEN_DN", "Tên doanh nghiệp", "TEN_NNT", "Tên NNT", "Tên công ty",
           "Tên tổ chức", "Tên đơn vị chi trả"),
          required=True, needed=True),
    Field("province", PROVINCE, "Province, code of the quarter", "MATINH", "Mã tỉnh", ("MA_TINH", "Tỉnh", "Tỉnh/thành phố", "Mã tỉnh/thành phố", "Tỉnh/TP", "Mã tỉnh/TP", "Tỉnh thành", "Mã tỉnh thành"), required=True, needed=True),
    Field("commune", COMMUNE, "Commune, code of the quarter", "MAXA", "Mã xã", ("MA_XA", "Xã", "Mã xã/phường", "Mã phường/xã", "Xã/phường", "Phường/xã")),
    Field("status", CODE_2, "Status: 00 active, 01 closed, 03 closed but owing, 05 suspended, 06 not at address (TT 90/2026)", "TRANG_THAI",
          "Trạng thái", ("Trạng thái MST", "Tình trạng", "Trạng thái hoạt động", "Tình trạng hoạt động"), choices=("00", "01", "02", "03", "05", "06", "07", "09", "10")),
    Field("quarter", QUARTER, "Quarter, as 2025-Q3", "KY", "Kỳ", ("Quý", "Kỳ kê khai", "Kỳ báo cáo", "Kỳ tính thuế"), required=True, needed=True),
    Field("employees_paid", INTEGER, "People paid", "SO_LAO_DONG", "Số lao động", ("Số người hưởng lương", "Số LĐ", "Tổng số lao động", "Số người lao động", "Tổng số LĐ"),
          unit="persons", required=True, needed=True),
    Field("total_income", MONEY, "Income paid in the quarter", "TONG_THU_NHAP", "Tổng thu nhập", ("Tổng TNCT", "Tổng thu nhập chịu thuế", "Tổng thu nhập chi trả", "Tổng quỹ lương"), unit="đồng"),
)  # fmt: skip

_NAME = "employers"

EMPLOYERS = Table(
    name=_NAME,
    vietnamese="Đơn vị chi trả thu nhập",
    grain="One row per employer and quarter in one list of the tax authority.",
    folder="tax/employers",
    places=("quarter",),
    fields=(*TECHNICAL, *DELIVERED, Field("tax_code_valid", BOOLEAN, "The tax code passes its check digit"), *PLACES),
    key=("delivery_id", "row_number"),
    source="Regulation 5423/QCPH-BHXH-TCT; TT 86/2024/TT-BTC",
    rules=(
        *row_rules(_NAME),
        *cell_rules(_NAME, DELIVERED),
        *place_rules(_NAME, DELIVERED[2], DELIVERED[3]),
        Rule("employers.tax_code.check_digit", WARNING, "coalesce(NOT tax_code_valid, false)",
             "MST fails its check digit", "Check the tax code.", "MST"),
        Rule("employers.employees_paid.negative", ERROR, "coalesce(employees_paid < 0, false)",
             "SO_LAO_DONG is negative", "Check the number of people paid.", "SO_LAO_DONG"),
        Rule("employers.tax_code.twice", WARNING,
             "tax_code IS NOT NULL AND (delivery_id, tax_code, quarter) IN (SELECT (delivery_id, tax_code, quarter)"
             " FROM staged.employers WHERE tax_code IS NOT NULL GROUP BY ALL HAVING count(*) > 1)",
             "the employer stands more than once for the quarter; its last row counts", "Remove the double rows.", "MST"),
    ),
)  # fmt: skip
