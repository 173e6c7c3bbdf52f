"""planning/targets: coverage targets."""

from expectations.declare import CODE, PERCENT, PROVINCE, TEXT, YEAR, Field, Rule, Table
from expectations.rules import ERROR, PLACES, TECHNICAL, WARNING, cell_rules, place_rules, row_rules

DELIVERED = (
    Field("year", YEAR, "Year of the target", "NAM", "Năm", required=True, needed=True),
    Field("province", PROVINCE, "Province, code of the file's period, else of 31 December of the year; 00 the nation", "MATINH", "Mã tỉnh",
          ("MA_TINH", "Tỉnh", "Tỉnh/thành phố", "Mã tỉnh/thành phố", "Tỉnh/TP", "Mã tỉnh/TP", "Tỉnh thành", "Mã tỉnh thành"), required=True, needed=True),
    Field("target_group", CODE, "Payer group 1-6, plan group K1-K6, or ALL; empty is ALL", "NHOM", "Nhóm", ("Nhóm đối tượng",),
          choices=("1", "2", "3", "4", "5", "6", "K1", "K2", "K3", "K4", "K5", "K6", "ALL")),
    Field("target_pct", PERCENT, "Target", "CHI_TIEU", "Chỉ tiêu", ("Chỉ tiêu (%)", "Chỉ tiêu %", "Chỉ tiêu bao phủ", "Tỷ lệ bao phủ", "Chỉ tiêu bao phủ BHYT", "Tỷ lệ bao phủ BHYT"), unit="percent", required=True, needed=True),
    Field("instrument", TEXT, "Legal instrument that sets it", "VAN_BAN", "Văn bản", ("Văn bản giao", "Số văn bản", "Văn bản giao chỉ tiêu", "Căn cứ", "Căn cứ pháp lý"),
          required=True, needed=True),
)  # fmt: skip

_NAME = "targets"

TARGETS = Table(
    name=_NAME,
    vietnamese="Chỉ tiêu bao phủ BHYT",
    grain="One row per year, province and group in one list.",
    folder="planning/targets",
    places=("year",),
    fields=(*TECHNICAL, *DELIVERED, *PLACES),
    key=("delivery_id", "row_number"),
    source="546/QĐ-TTg and the provinces' own decisions",
    rules=(
        *row_rules(_NAME),
        *cell_rules(_NAME, DELIVERED),
        *place_rules(_NAME, DELIVERED[1], None),
        Rule("targets.target_pct.out_of_range", ERROR, "coalesce(target_pct < 0 OR target_pct > 100, false)",
             "CHI_TIEU is not between 0 and 100 percent", "Check the target.", "CHI_TIEU"),
        Rule("targets.target_pct.fraction", ERROR, "coalesce(target_pct > 0 AND target_pct <= 1, false)",
             "CHI_TIEU is 1 percent or less: a cell that a workbook shows as a percentage holds a fraction", "Write 95.5 for 95.5 percent.", "CHI_TIEU"),
        Rule("targets.cell.twice", WARNING,
             "(delivery_id, year, province, target_group) IN (SELECT (delivery_id, year, province, target_group)"
             " FROM staged.targets GROUP BY ALL HAVING count(*) > 1)",
             "the same year, province and group stands more than once; the last row counts", "Remove the double rows.", "CHI_TIEU"),
    ),
)  # fmt: skip
