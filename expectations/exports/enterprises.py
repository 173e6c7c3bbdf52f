"""planning/enterprises: business registrations."""

from expectations.declare import BOOLEAN, CODE, COMMUNE, DATE, INTEGER, PROVINCE, TAX_CODE, TEXT, Field, Rule, Table
from expectations.rules import PLACES, TECHNICAL, WARNING, cell_rules, place_rules, row_rules

DELIVERED = (
    Field("tax_code", TAX_CODE, "Enterprise number, which is the tax code", "MSDN", "Mã số doanh nghiệp",
          ("MA_SO_DN", "Mã số DN", "MST", "Mã số thuế", "Mã doanh nghiệp"), required=True, needed=True),
    Field("name", TEXT, "Name of the enterprise", "TEN_DN", "Tên doanh nghiệp", ("TEN", "Tên DN", "Tên công ty"), required=True, needed=True),
    Field("legal_form", CODE, "Legal form", "LOAI_HINH", "Loại hình", ("Loại hình DN", "Loại hình doanh nghiệp")),
    Field("registered_on", DATE, "Day of registration", "NGAY_DKKD", "Ngày đăng ký kinh doanh", ("Ngày ĐKKD", "Ngày thành lập", "Ngày cấp", "Ngày đăng ký", "Ngày cấp ĐKKD", "Ngày đăng ký thành lập"),
          required=True, needed=True),
    Field("province", PROVINCE, "Province", "MATINH", "Mã tỉnh", ("MA_TINH", "Tỉnh", "Tỉnh/thành phố", "Mã tỉnh/thành phố", "Tỉnh/TP", "Mã tỉnh/TP", "Tỉnh thành", "Mã tỉnh thành"), required=True, needed=True),
    Field("commune", COMMUNE, "Commune", "MAXA", "Mã xã", ("MA_XA", "Xã", "Mã xã/phường", "Mã phường/xã", "Xã/phường", "Phường/xã")),
    Field("employees_declared", INTEGER, "People employed, as declared", "SO_LAO_DONG", "Số lao động", ("Số LĐ", "Tổng số lao động", "Số người lao động"), unit="persons"),
    Field("status", CODE, "Status in the register of enterprises", "TRANG_THAI", "Trạng thái", ("Tình trạng", "Trạng thái hoạt động", "Tình trạng hoạt động")),
    Field("dissolved_on", DATE, "Day of dissolution", "NGAY_GIAI_THE", "Ngày giải thể", ("Ngày chấm dứt", "Ngày chấm dứt hoạt động")),
)  # fmt: skip

_NAME = "enterprises"

ENTERPRISES = Table(
    name=_NAME,
    vietnamese="Doanh nghiệp đăng ký kinh doanh",
    grain="One row per enterprise in one list of a planning department.",
    folder="planning/enterprises",
    fields=(*TECHNICAL, *DELIVERED, Field("tax_code_valid", BOOLEAN, "The enterprise number passes its check digit"), *PLACES),
    key=("delivery_id", "row_number"),
    source="Decision 5063/QĐ-UBND (HCMC) III; business registration",
    rules=(
        *row_rules(_NAME),
        *cell_rules(_NAME, DELIVERED),
        *place_rules(_NAME, DELIVERED[4], DELIVERED[5]),
        Rule("enterprises.tax_code.check_digit", WARNING, "coalesce(NOT tax_code_valid, false)",
             "MSDN fails its check digit", "Check the enterprise number.", "MSDN"),
        Rule("enterprises.dissolved_on.before_registered_on", WARNING, "coalesce(dissolved_on < registered_on, false)",
             "NGAY_GIAI_THE lies before NGAY_DKKD", "Check both days.", "NGAY_GIAI_THE"),
        Rule("enterprises.tax_code.twice", WARNING,
             "tax_code IS NOT NULL AND (delivery_id, tax_code) IN (SELECT (delivery_id, tax_code)"
             " FROM staged.enterprises WHERE tax_code IS NOT NULL GROUP BY ALL HAVING count(*) > 1)",
             "the enterprise stands more than once in the file; its last row counts", "Remove the double rows.", "MSDN"),
    ),
)  # fmt: skip
