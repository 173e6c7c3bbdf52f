"""provinces/facilities: a province's contracted facilities."""

from expectations.declare import CODE, COMMUNE, DATE, FACILITY, PROVINCE, TEXT, Field, Rule, Table
from expectations.rules import PLACES, TECHNICAL, WARNING, cell_rules, place_rules, row_rules

DELIVERED = (
    Field("facility_code", FACILITY, "Facility code, 5 characters, letters possible", "MA_CSKCB", "Mã cơ sở KCB",
          ("Mã CSKCB", "Mã bệnh viện", "MA_BV", "MA_CS_KCB", "Mã cơ sở khám chữa bệnh", "Mã BV", "Mã cơ sở", "Mã KCB", "Mã cơ sở khám bệnh, chữa bệnh"), required=True, needed=True),
    Field("facility_name", TEXT, "Name of the facility", "TEN_CSKCB", "Tên cơ sở KCB",
          ("Tên CSKCB", "TEN_BV", "Tên bệnh viện", "Tên cơ sở", "Tên cơ sở khám chữa bệnh", "Tên cơ sở khám bệnh, chữa bệnh"), required=True, needed=True),
    Field("province", PROVINCE, "Province, code of the file's period", "MATINH", "Mã tỉnh", ("MA_TINH", "Tỉnh", "Tỉnh/thành phố", "Mã tỉnh/thành phố", "Tỉnh/TP", "Mã tỉnh/TP", "Tỉnh thành", "Mã tỉnh thành"), required=True, needed=True),
    Field("commune", COMMUNE, "Commune, code of the file's period", "MAXA", "Mã xã", ("MA_XA", "Xã", "Mã xã/phường", "Mã phường/xã", "Xã/phường", "Phường/xã")),
    Field("facility_level", CODE, "Level until 2024: 1 central, 2 province, 3 district, 4 commune", "TUYEN", "Tuyến",
          ("Tuyến CMKT", "Tuyến chuyên môn", "Tuyến chuyên môn kỹ thuật"), choices=("1", "2", "3", "4")),
    Field("technical_level", CODE, "Level since 2025: BAN_DAU, CO_BAN, CHUYEN_SAU (Decree 188/2025 Art. 19)", "CAP_CMKT",
          "Cấp chuyên môn kỹ thuật", ("Cấp CMKT", "Cấp chuyên môn"), choices=("BAN_DAU", "CO_BAN", "CHUYEN_SAU")),
    Field("hospital_class", CODE, "Hospital class", "HANG", "Hạng", ("Hạng bệnh viện", "Hạng BV")),
    Field("ownership", CODE, "Ownership: CONG public, TU private", "LOAI_HINH", "Loại hình", ("Loại hình cơ sở", "Công/tư", "Hình thức sở hữu"),
          choices=("CONG", "TU")),
    Field("facility_type", CODE, "Type: BV hospital, PK clinic, TYT commune station", "KIEU", "Kiểu", ("Kiểu cơ sở", "Loại cơ sở"),
          choices=("BV", "PK", "TYT")),
    Field("contract_from", DATE, "First day of the contract", "TU_NGAY", "Từ ngày", ("Hợp đồng từ ngày", "Ngày bắt đầu", "Ngày hiệu lực")),
    Field("contract_to", DATE, "Last day of the contract; empty: open", "DEN_NGAY", "Đến ngày", ("Hợp đồng đến ngày", "Ngày kết thúc")),
    Field("replaced_code", FACILITY, "Code that this one replaces", "MA_CU", "Mã cũ", ("Mã CSKCB cũ", "Mã cơ sở cũ", "Mã cơ sở KCB cũ")),
)  # fmt: skip

_NAME = "facilities"

FACILITIES = Table(
    name=_NAME,
    vietnamese="Danh sách cơ sở khám chữa bệnh BHYT",
    grain="One row per facility in one province's list of one month.",
    folder="provinces/facilities",
    fields=(*TECHNICAL, *DELIVERED, *PLACES),
    key=("delivery_id", "row_number"),
    source="Decree 188/2025 Art. 19; catalogue 01/DM of TT 12/2026/TT-BTC",
    rules=(
        *row_rules(_NAME),
        *cell_rules(_NAME, DELIVERED),
        *place_rules(_NAME, DELIVERED[2], DELIVERED[3]),
        Rule("facilities.facility_code.structure", WARNING,
             "coalesce(NOT regexp_full_match(facility_code, '[0-9]{2}[0-9A-Z][0-9]{2}'), false)",
             "MA_CSKCB is not two digits of the province and three characters", "Check the code.", "MA_CSKCB"),
        Rule("facilities.contract_to.before_contract_from", WARNING, "coalesce(contract_to < contract_from, false)",
             "DEN_NGAY lies before TU_NGAY", "Correct the contract's period.", "DEN_NGAY"),
        Rule("facilities.facility_code.twice", WARNING,
             "facility_code IS NOT NULL AND (delivery_id, facility_code) IN (SELECT (delivery_id, facility_code)"
             " FROM staged.facilities WHERE facility_code IS NOT NULL GROUP BY ALL HAVING count(*) > 1)",
             "the facility stands more than once in the file; its last row counts", "Remove the double rows.", "MA_CSKCB"),
    ),
)  # fmt: skip
