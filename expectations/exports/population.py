"""planning/population: population by place, sex and age."""

from expectations.declare import AGE_BAND, COMMUNE, INTEGER, PROVINCE, SEX, TEXT, YEAR, Field, Rule, Severity, Table
from expectations.rules import ERROR, PLACES, TECHNICAL, WARNING, cell_rules, place_rules, row_rules

AGE_BANDS = ("0-5", "6-17", "18-59", "60-69", "70-79", "80+")

DELIVERED = (
    Field("year", YEAR, "Year of the figure", "NAM", "Năm", required=True, needed=True),
    Field("province", PROVINCE, "Province, code of the file's period, else of 31 December of the year", "MATINH", "Mã tỉnh",
          ("MA_TINH", "Tỉnh", "Tỉnh/thành phố", "Mã tỉnh/thành phố", "Tỉnh/TP", "Mã tỉnh/TP", "Tỉnh thành", "Mã tỉnh thành"), required=True, needed=True),
    Field("commune", COMMUNE, "Commune; empty: the whole province", "MAXA", "Mã xã", ("MA_XA", "Xã", "Mã xã/phường", "Mã phường/xã", "Xã/phường", "Phường/xã")),
    Field("sex", SEX, "Sex; empty: both", "GIOI_TINH", "Giới tính", ("Giới", "Phái"), unreadable=Severity.ERROR),  # unread it would be a row of both
    Field("age_band", AGE_BAND, "Age band in full years; empty: all ages", "NHOM_TUOI", "Nhóm tuổi", ("Độ tuổi",), choices=AGE_BANDS,
          unreadable=Severity.ERROR),  # "Tổng" would be added to the bands that it is the sum of
    Field("population", INTEGER, "Population", "DAN_SO", "Dân số", ("Số dân", "Dân số trung bình"), unit="persons", required=True, needed=True),
    Field("publisher", TEXT, "Who published the figure", "NGUON", "Nguồn", ("Nguồn số liệu",)),
)  # fmt: skip

_NAME = "population"

POPULATION = Table(
    name=_NAME,
    vietnamese="Dân số",
    grain="One row per year, place, sex and age band in one list; empty means all.",
    folder="planning/population",
    places=("year",),
    fields=(*TECHNICAL, *DELIVERED, *PLACES),
    key=("delivery_id", "row_number"),
    source="National Statistics Office",
    rules=(
        *row_rules(_NAME),
        *cell_rules(_NAME, DELIVERED),
        *place_rules(_NAME, DELIVERED[1], DELIVERED[2]),
        Rule("population.population.negative", ERROR, "coalesce(population < 0, false)",
             "DAN_SO is negative", "Check the figure.", "DAN_SO"),
        Rule("population.population.out_of_range", WARNING, "coalesce(population > 20000000, false)",
             "DAN_SO is above 20 million", "Check the figure; it counts persons, not thousands.", "DAN_SO"),
        Rule("population.cell.twice", WARNING,
             "(delivery_id, year, province, commune, sex, age_band) IN (SELECT (delivery_id, year, province, commune, sex, age_band)"
             " FROM staged.population GROUP BY ALL HAVING count(*) > 1)",
             "the same year, place, sex and age band stands more than once; the last row counts", "Remove the double rows.", "DAN_SO"),
    ),
)  # fmt: skip
