"""The card registers and facility lists of the provinces, month by month."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import polars as pl

from expectations.declare import Table
from warehouse.samples.damage import BadRows, Damage
from warehouse.samples.dialects import Dialect, dialect_of
from warehouse.samples.outbox import Outbox, register_path, sha256, table_bytes, zipped
from warehouse.samples.people import day_number
from warehouse.samples.places import Places
from warehouse.samples.window import ALWAYS, Window, after_reform, month_end

_OLD_TONES = {"òa": "oà", "óa": "oá", "ỏa": "oả", "ủy": "uỷ", "úy": "uý", "ùy": "uỳ", "Thủy": "Thuỷ"}


def schedule(places: Places, window: Window) -> list[tuple[date, str]]:
    """Which province delivers a register in which month. A few do not, so that every rule on missing registers has its case."""
    groups = places.groups()
    months = window.months
    due = []
    for i, month in enumerate(months):
        reporting = list(groups) if after_reform(month) else list(places.provinces)
        first_of_new = after_reform(month) and (i == 0 or not after_reform(months[i - 1]))
        for province in reporting:
            late_start = i == 0 and len(months) > 1 and province in ("10", "15", "74") and not first_of_new
            pause = i == 1 and len(months) > 2 and province == "22"
            # A merged province whose own first register is late: those of its old provinces serve until then.
            not_yet = first_of_new and 0 < i < len(months) - 1 and province == "80"
            if not (late_start or pause or not_yet):
                due.append((month, province))
    return due


def listings(
    spans: pl.DataFrame, places: Places, facilities: pl.DataFrame, employers: pl.DataFrame, window: Window
) -> Iterator[pl.DataFrame]:
    """One frame per register: its rows, typed, as delivered, with the truth beside them.

    Columns of the truth: `person, span, period, register, card, province, commune, payer`; of the row: the elements of the contract in
    lower case (days since 1970 for dates).
    """
    fixed = (
        spans.join(
            places.spots.select("spot", "old_commune", "default_commune", "commune", "province", residence="old_province"),
            on="spot",
            how="left",
        )
        .join(facilities.select("facility", "code", "recoded"), on="facility", how="left")
        .join(employers.select("employer", "tax_code"), on="employer", how="left")
        .sort("span")
    )
    today = {**places.today, **{p: p for p in places.today.values()}}
    new_codes = set(places.today.values())
    for month, province in schedule(places, window):
        new = after_reform(month)
        begin, end = day_number(month), day_number(month_end(month))
        old_provinces = [p for p in places.provinces if (today[p] == province if new else p == province)]
        rows = fixed.filter(
            pl.col("old_province").is_in(old_provinces)
            & (pl.col("known_from") <= end)
            & (pl.col("valid_to").fill_null(ALWAYS) >= begin - 62)
            & (pl.col("withdrawn_on").fill_null(ALWAYS) >= begin - 100)
        )
        shows_withdrawal = pl.col("withdrawn_on") <= end
        short = {
            "full": pl.lit(False),
            "short": ~pl.col("full_only"),
            # mixed: the form changes from month to month, so that one card stands in two registers in two forms
            "mixed": ~pl.col("full_only") & ((pl.col("person") + month.month) % 3 == 0),
        }[dialect_of(province).cards]
        # Two rows in a hundred still carry the old codes a while after the reform, where they can be told from new ones.
        late = (
            pl.lit(province == "31" and month > date(2025, 7, 1))
            & (pl.col("person") % 50 == 7)
            & ~pl.col("residence").is_in(list(new_codes))
            & (pl.col("old_commune") != pl.col("commune"))
            & ~pl.col("old_commune").is_in(places.commune_codes_of_today)
        )
        old_style = late if new else pl.lit(True)
        yield rows.with_columns(
            period=pl.lit(month),
            register=pl.lit(province),
            withdrawn_on=pl.when(shows_withdrawal).then("withdrawn_on"),
            reason=pl.when(shows_withdrawal).then("reason"),
            card=pl.when(short).then("number").otherwise("full"),
            is_short=short,
            residence_code=pl.when(old_style).then("residence").otherwise("province"),
            commune_code=pl.when(pl.col("person") % 97 == 5).then(None).when(old_style).then("old_commune").otherwise("commune"),
            commune=pl.when(pl.col("person") % 97 == 5).then(None).when(old_style).then("default_commune").otherwise("commune"),
            registered=pl.when(pl.col("cause") == "child")
            .then(pl.concat_str("old_province", pl.lit("000")))
            .when(pl.lit(new) & pl.col("recoded").is_not_null())
            .then("recoded")
            .otherwise("code"),
        )


def _day(column: str, style: str) -> pl.Expr:
    day = pl.from_epoch(pl.col(column), time_unit="d")
    if style == "true":
        return day
    if style == "serial":
        return pl.col(column) + 25569  # days between 1899-12-30 and 1970-01-01
    pattern = {
        "yyyymmdd": "%Y%m%d",
        "yyyymmddHHMM": "%Y%m%d0000",
        "dd/mm/yyyy": "%d/%m/%Y",
        "dd-mm-yyyy": "%d-%m-%Y",
        "yyyy-mm-dd": "%Y-%m-%d",
    }
    return day.dt.strftime(pattern[style])


def card_rows(listing: pl.DataFrame, dialect: Dialect) -> pl.DataFrame:
    """A listing as the province writes it: one column per element, text unless the format holds dates or numbers."""
    name = pl.col("full_name").str.replace_many(_OLD_TONES) if dialect.old_tones else pl.col("full_name")
    name = name.str.to_uppercase() if dialect.names == "upper" else name
    born = pl.from_epoch("birth", time_unit="d")
    birth_style = "dd/mm/yyyy" if dialect.format in ("xlsx", "parquet") else dialect.dates
    year = {"yyyymmdd": "%Y", "yyyymmddHHMM": "%Y00000000"}.get(birth_style, "%Y")
    birth = pl.when("year_only").then(born.dt.strftime(year)).otherwise(_day("birth", birth_style))
    sex = pl.col("sex").replace({"1": "Nam", "2": "Nữ"}) if dialect.sex == "words" else pl.col("sex")
    digits: pl.DataType = pl.Int64() if dialect.numeric_ids else pl.String()
    columns = {
        "MA_THE_BHYT": pl.col("card"),
        "MA_SO_BHXH": pl.col("social_insurance_number").cast(digits),
        "SO_CCCD": pl.col("citizen_id").cast(digits),
        "HO_TEN": name,
        "NGAY_SINH": birth,
        "GIOI_TINH": sex,
        "MA_DT": pl.when("is_short").then("object"),
        "MUC_HUONG": pl.col("level"),
        "MATINH_CU_TRU": pl.col("residence_code"),
        "MAXA_CU_TRU": pl.col("commune_code"),
        "DIA_CHI": pl.concat_str(
            pl.lit("Số "), (pl.col("household") % 300 + 1).cast(pl.String), pl.lit(", tổ dân phố "), pl.col("spot").cast(pl.String)
        ),
        "MA_DKBD": pl.col("registered"),
        "GT_THE_TU": _day("valid_from", dialect.dates),
        "GT_THE_DEN": _day("valid_to", dialect.dates),
        "MST_DON_VI": pl.col("tax_code").str.replace("-", "") if dialect.headers == "labels" else pl.col("tax_code"),
        "MA_HO_GD": pl.col("household_code"),
        "NGAY_GIAM": _day("withdrawn_on", dialect.dates),
        "LY_DO_GIAM": pl.col("reason"),
    }
    return listing.select(**{k: v for k, v in columns.items() if k not in dialect.leaves_out})


def write_register(
    outbox: Outbox,
    table: Table,
    stem: str,
    rows: pl.DataFrame,
    province: str,
    period: date,
    zips: dict[str, dict[str, bytes]],
    bad: BadRows | None = None,
) -> None:
    """Write one register in its province's dialect. A province that sends archives gets them from `write_zips`, at the end."""
    dialect = dialect_of(province)
    archive, member = f"{table.folder}/{stem}_{province}.zip", f"{stem}_{province}_{period:%Y-%m}.csv"
    path, told = register_path(table.folder, stem, dialect, province, period)
    path = f"{archive}!/{member}" if dialect.packed == "zip" else path
    damage = bad.take(rows, dialect, path) if bad else Damage()
    rows = pl.concat([rows, damage.rows]) if damage.rows is not None else rows
    data = table_bytes(rows, table, dialect, damaged=damage.lines)
    read = rows.height + len(damage.lines)
    outbox.note(path, table.name, read=read, quarantined=damage.count, province=province, period=f"{period:%Y-%m}")
    if dialect.packed == "zip":
        zips.setdefault(archive, {})[member] = data
        return
    if told is not None:
        outbox.sidecar(path, {**told, **({"rows": read, "sha256": sha256(data)} if dialect.declares else {})})
    outbox.put(path, data)


def write_zips(outbox: Outbox, zips: dict[str, dict[str, bytes]]) -> None:
    for archive, members in sorted(zips.items()):
        outbox.put(archive, zipped(members))


def facility_months(window: Window) -> list[date]:
    """Months in which the provinces send their lists of facilities: the first, and the first of the new provinces."""
    months = window.months
    return [m for i, m in enumerate(months) if i == 0 or (after_reform(m) and not after_reform(months[i - 1]))]


def facility_rows(facilities: pl.DataFrame, places: Places, province: str, month: date) -> pl.DataFrame:
    """A province's list of one month, elements as columns. From the reform on some stations appear under a new code, with the old one in
    MA_CU."""
    new = after_reform(month)
    here = facilities.filter((pl.col("province") if new else pl.col("old_province")) == province)
    here = here.join(places.spots.select("spot", "old_commune", "commune"), on="spot", how="left", maintain_order="left")
    recoded = pl.lit(new) & pl.col("recoded").is_not_null()
    dialect = dialect_of(province)
    return here.select(
        MA_CSKCB=pl.when(recoded).then("recoded").otherwise("code"),
        TEN_CSKCB="name",
        MATINH=pl.lit(province),
        MAXA=pl.col("commune") if new else pl.col("old_commune"),
        TUYEN="level",
        CAP_CMKT="technical",
        HANG=pl.col("hospital_class").replace("", None),
        LOAI_HINH="ownership",
        KIEU="type",
        TU_NGAY=_day_of(date(month.year, 1, 1), dialect),
        DEN_NGAY=_day_of(date(month.year, 12, 31), dialect),
        MA_CU=pl.when(recoded).then("code"),
    )


def _day_of(day: date, dialect: Dialect) -> pl.Expr:
    frame = pl.DataFrame({"day": [day_number(day)]}).select(_day("day", dialect.dates))
    return pl.lit(frame["day"][0])
