"""Lists of the planning departments and the tax authority: population, targets, budgets, employers, enterprises."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from expectations.declare import Table
from expectations.exports.budgets import BUDGETS
from expectations.exports.employers import EMPLOYERS
from expectations.exports.enterprises import ENTERPRISES
from expectations.exports.population import POPULATION
from expectations.exports.targets import TARGETS
from warehouse.samples.dialects import Dialect
from warehouse.samples.outbox import Outbox, table_bytes
from warehouse.samples.places import REFORM, Places
from warehouse.samples.window import Window, quarter_end

AGE_BANDS = {"0-5": (0, 5), "6-17": (6, 17), "18-59": (18, 59), "60-69": (60, 69), "70-79": (70, 79), "80+": (80, 200)}
# How the provinces of one merger deliver population: the total only, the total with its parts, or parts without a total.
_STYLES = ("total", "total+communes", "communes", "ages", "total+ages")


@dataclass(frozen=True)
class Lists:
    """What was delivered, typed, with today's places beside it.

    `population`: `year, province, commune, sex, age_band, population` (province of today; NULL means all), one row per delivered figure
    that counts; `totals`: `year, province, population`; `targets`: `year, province, target_group, target_pct`; `budgets`: `year,
    facility_code, province, budget`; `employers`: `quarter, tax_code, name, province, status, employees_paid`; `enterprises`: `tax_code,
    province, registered_on, dissolved_on`.
    """

    population: pl.DataFrame
    totals: pl.DataFrame
    targets: pl.DataFrame
    budgets: pl.DataFrame
    employers: pl.DataFrame
    enterprises: pl.DataFrame


def write_lists(
    outbox: Outbox,
    people: pl.DataFrame,
    places: Places,
    facilities: pl.DataFrame,
    employers: pl.DataFrame,
    staff: pl.DataFrame,
    window: Window,
    seed: int,
) -> Lists:
    """`staff`: `employer, insured` - people insured through each employer, roughly; what is paid is at least that."""
    rng = np.random.default_rng([seed, 6])
    population, totals = _population(outbox, people, places, window)
    return Lists(
        population,
        totals,
        _targets(outbox, places, window),
        _budgets(outbox, places, facilities, people.height, window),
        _employers(outbox, rng, places, employers, staff, window),
        _enterprises(outbox, rng, places, employers, window),
    )


def _put(outbox: Outbox, table: Table, path: str, rows: pl.DataFrame, dialect: Dialect) -> None:
    if rows.is_empty():
        return  # nobody sends a list of nothing
    outbox.put(path, table_bytes(rows, table, dialect))
    outbox.note(path, table.name, read=rows.height)


def _cells(people: pl.DataFrame, places: Places, year: int, style: str, province: str, old: bool) -> pl.DataFrame:
    """Rows of one province's population, elements as columns, `commune` of today beside them."""
    where = pl.col("residence" if old else "province") == province
    here = people.filter(where).with_columns(
        age=pl.lit(year) - pl.from_epoch("birth", time_unit="d").dt.year(), delivered=pl.col("old_commune" if old else "commune")
    )
    here = here.with_columns(commune_today=pl.col("default_commune" if old else "commune"))
    band = pl.lit("80+")
    for name, (low, high) in reversed(list(AGE_BANDS.items())):
        band = pl.when(pl.col("age").clip(0).is_between(low, high)).then(pl.lit(name)).otherwise(band)
    empty = pl.lit(None, pl.String)
    # The world shows everybody; the census knows a few more.
    count = (pl.len() + pl.len() // 40 + 1).cast(pl.Int64)
    parts = []
    if "communes" in style:
        settled = here.group_by("delivered", "commune_today").agg(DAN_SO=count)
        if old:  # the other old communes of the same communes of today: nobody of this world lives there, but the census counts them
            others = places.old_communes.filter(pl.col("old_province") == province).join(settled, on="delivered", how="anti")
            settled = pl.concat([settled, others.select("delivered", "commune_today", DAN_SO=pl.lit(3, pl.Int64))])
        parts.append(settled.with_columns(GIOI_TINH=empty, NHOM_TUOI=empty))
    if "ages" in style:
        every = pl.DataFrame({"GIOI_TINH": ["1", "2"]}).join(pl.DataFrame({"NHOM_TUOI": list(AGE_BANDS)}), how="cross")
        living = here.group_by(GIOI_TINH="sex", NHOM_TUOI=band).agg(DAN_SO=count)
        living = every.join(living, on=["GIOI_TINH", "NHOM_TUOI"], how="left").with_columns(pl.col("DAN_SO").fill_null(1))
        parts.append(living.with_columns(delivered=empty, commune_today=empty))
    columns = ["delivered", "commune_today", "GIOI_TINH", "NHOM_TUOI", "DAN_SO"]
    rows = [p.select(columns) for p in parts]
    if "total" in style:
        rows.append(
            here.select(DAN_SO=count).with_columns(delivered=empty, commune_today=empty, GIOI_TINH=empty, NHOM_TUOI=empty).select(columns)
        )
    return pl.concat(rows).sort(columns, nulls_last=False)


def _population(outbox: Outbox, people: pl.DataFrame, places: Places, window: Window) -> tuple[pl.DataFrame, pl.DataFrame]:
    at = people.join(
        places.spots.select("spot", "old_commune", "default_commune", "commune", "province", residence="old_province"),
        on="spot",
        how="left",
    )
    base = window.first.year - 1
    later = window.last.year
    known: list[pl.DataFrame] = []
    files: dict[str, list[pl.DataFrame]] = {}
    for i, (province, olds) in enumerate(places.groups().items()):
        style = _STYLES[i % len(_STYLES)]
        # The base year by the places of its last day; a later figure for every second province, by those of that year's.
        for year, codes in ((base, olds if date(base, 12, 31) < REFORM else [province]), (later, [province] if i % 2 == 0 else [])):
            old = date(year, 12, 31) < REFORM
            if year == later and old:
                codes = olds if i % 2 == 0 else []
            for code in codes:
                cells = _cells(at, places, year, style, code, old).with_columns(
                    year=pl.lit(year), code=pl.lit(code), province=pl.lit(province)
                )
                known.append(cells)
                files.setdefault(f"{year}_{i % 4}", []).append(cells)
    dialects = (
        Dialect(headers="labels", encoding="utf-8-sig"),
        Dialect(format="xlsx", ornaments=True),
        Dialect(delimiter=";", normal_form="NFD", headers="labels"),
        Dialect(format="parquet"),
    )
    for name, frames in files.items():
        rows = pl.concat(frames).select(
            NAM=pl.col("year").cast(pl.String),
            MATINH="code",
            MAXA="delivered",
            GIOI_TINH="GIOI_TINH",
            NHOM_TUOI="NHOM_TUOI",
            DAN_SO=pl.col("DAN_SO").cast(pl.String),
            NGUON=pl.lit("Niên giám thống kê"),
        )
        dialect = dialects[int(name[-1])]
        _put(outbox, POPULATION, f"planning/population/{name[:4]}/dan_so_{name}.{dialect.format}", rows, dialect)
    cells = pl.concat(known)
    cells = _corrected(outbox, cells)
    whole = pl.col("delivered").is_null() & pl.col("GIOI_TINH").is_null() & pl.col("NHOM_TUOI").is_null()
    per_code = cells.group_by("year", "code", "province").agg(
        population=pl.when(whole.any()).then(pl.col("DAN_SO").filter(whole).sum()).otherwise(pl.col("DAN_SO").sum())
    )
    totals = per_code.group_by("year", "province").agg(pl.col("population").sum()).sort("year", "province")
    population = (
        cells.group_by("year", "province", commune="commune_today", sex="GIOI_TINH", age_band="NHOM_TUOI")
        .agg(population=pl.col("DAN_SO").sum())
        .sort("year", "province", "commune", "sex", "age_band")
    )
    return population, totals


def _corrected(outbox: Outbox, cells: pl.DataFrame) -> pl.DataFrame:
    """The first province's total is delivered again, corrected: a later file says another figure for the same cell."""
    whole = pl.col("delivered").is_null() & pl.col("GIOI_TINH").is_null() & pl.col("NHOM_TUOI").is_null()
    first = cells.filter(whole).sort("year", "code").head(1)
    if first.is_empty():
        return cells
    fixed = first.with_columns(pl.col("DAN_SO") + 7)
    rows = fixed.select(
        NAM=pl.col("year").cast(pl.String), MATINH="code", MAXA="delivered", GIOI_TINH="GIOI_TINH", NHOM_TUOI="NHOM_TUOI",
        DAN_SO=pl.col("DAN_SO").cast(pl.String), NGUON=pl.lit("Đính chính"),
    )  # fmt: skip
    _put(outbox, POPULATION, "planning/population/dinh_chinh/dan_so.csv", rows, Dialect())
    key = ["year", "code", "delivered", "GIOI_TINH", "NHOM_TUOI"]
    return pl.concat([cells.join(first, on=key, how="anti", nulls_equal=True), fixed.select(cells.columns)])


def _targets(outbox: Outbox, places: Places, window: Window) -> pl.DataFrame:
    rows: list[tuple[int, str, str, float, str]] = []
    for year in window.years:
        rows.append((year, "00", "ALL", {2024: 94.1, 2025: 95.15}.get(year, 95.5), "546/QĐ-TTg"))
        for i, (province, olds) in enumerate(places.groups().items()):
            if date(year, 12, 31) < REFORM and len(olds) > 1:
                continue  # a merged province had no target of its own before it existed
            if i % 4 == 3:
                continue
            rows.append((year, province, "ALL" if i % 2 else "", 93.5 + i / 4, f"{100 + i}/QĐ-UBND"))
            if i % 4 == 1:
                rows += [(year, province, str(g), 90.0 + g, "12/NQ-HĐND") for g in (1, 3, 5)]
            elif i % 4 == 2:
                rows += [(year, province, f"K{g}", 80.5 + g, "5063/QĐ-UBND") for g in (1, 4, 6)]
    frame = pl.DataFrame(rows, schema=["year", "province", "target_group", "target_pct", "instrument"], orient="row")
    delivered = frame.select(
        NAM=pl.col("year").cast(pl.String),
        MATINH="province",
        NHOM=pl.col("target_group").replace("", None),
        CHI_TIEU=pl.col("target_pct").cast(pl.String),
        VAN_BAN="instrument",
    )
    _put(outbox, TARGETS, "planning/targets/chi_tieu.csv", delivered, Dialect(delimiter=";", encoding="utf-8-sig", headers="labels"))
    return frame.with_columns(pl.col("target_group").replace("", "ALL"))


def _budgets(outbox: Outbox, places: Places, facilities: pl.DataFrame, persons: int, window: Window) -> pl.DataFrame:
    parts = []
    hospitals = facilities.filter(pl.col("type") == "BV")
    for year in window.years:
        own = hospitals.select(
            pl.lit(year).alias("year"),
            facility_code=pl.col("code"),
            province=pl.col("province"),
            budget=(pl.col("facility") * 137 % 50 + 10) * persons * 1000,
        )
        by_province = pl.DataFrame(
            [
                (year, None, p, len(olds) * persons * 260_000)
                for p, olds in places.groups().items()
                if date(year, 12, 31) >= REFORM or len(olds) == 1
            ],
            schema={"year": pl.Int32, "facility_code": pl.String, "province": pl.String, "budget": pl.Int64},
            orient="row",
        )
        for name, rows, dialect in (
            (
                "co_so",
                own.select(pl.exclude("province")).with_columns(province=pl.lit(None, pl.String)),
                Dialect(format="xlsx", headers="labels", ornaments=True),
            ),
            ("tinh", by_province, Dialect(delimiter="\t")),
        ):
            delivered = rows.select(
                NAM=pl.col("year").cast(pl.String), MA_CSKCB="facility_code", MATINH="province", DU_TOAN=pl.col("budget").cast(pl.String)
            )
            leave_out = ["MATINH"] if name == "co_so" else ["MA_CSKCB"]
            path = f"planning/budgets/du_toan_{name}_{year}.{dialect.format}"
            _put(outbox, BUDGETS, path, delivered.drop(leave_out), dialect)
        parts += [own.with_columns(pl.col("year").cast(pl.Int32), pl.col("budget").cast(pl.Int64)), by_province]
    return pl.concat(parts)


def _employers(
    outbox: Outbox, rng: np.random.Generator, places: Places, employers: pl.DataFrame, staff: pl.DataFrame, window: Window
) -> pl.DataFrame:
    parts = []
    for name in window.quarters:
        end = quarter_end(name)
        new = end >= REFORM
        rows = (
            employers.filter(pl.col("registered_on") <= end)
            .join(staff, on="employer", how="left", maintain_order="left")
            .join(places.spots.select("spot", "old_commune", "commune", province="province"), on="spot", how="left", maintain_order="left")
        )
        extra = pl.Series(rng.integers(1, 12, rows.height))
        rows = rows.with_columns(
            quarter=pl.lit(name),
            paid=pl.when("insures").then(pl.col("insured").fill_null(0) + pl.col("off_books")).otherwise(extra),
            code=pl.col("province") if new else pl.col("old_province"),
            place=pl.col("commune") if new else pl.col("old_commune"),
        )
        for half, (part, dialect) in enumerate(
            zip(
                (rows.filter(pl.col("employer") % 2 == 0), rows.filter(pl.col("employer") % 2 == 1)),
                (Dialect(encoding="utf-8-sig", headers="labels"), Dialect(format="xlsx", headers="loose", ornaments=True)),
                strict=True,
            ),
            1,
        ):
            delivered = part.select(
                MST="tax_code", TEN="name", MATINH="code", MAXA="place", TRANG_THAI="status", KY="quarter",
                SO_LAO_DONG=pl.col("paid").cast(pl.String), TONG_THU_NHAP=(pl.col("paid") * 27_500_000).cast(pl.String),
            )  # fmt: skip
            _put(outbox, EMPLOYERS, f"tax/employers/{name}/nnt_{half}.{dialect.format}", delivered, dialect)
        parts.append(rows.select("quarter", "tax_code", "name", "province", "status", employees_paid="paid"))
    return pl.concat(parts)


def _enterprises(outbox: Outbox, rng: np.random.Generator, places: Places, employers: pl.DataFrame, window: Window) -> pl.DataFrame:
    """Whole lists of each province: one in the first month, one again in the last, with what was dissolved meanwhile."""
    firms = employers.filter(~pl.col("is_branch")).join(
        places.spots.select("spot", "old_commune", "commune", "province"), on="spot", how="left", maintain_order="left"
    )
    months = sorted({window.months[0], window.months[-1]})
    for month in months:
        new = month >= REFORM
        for i, (province, olds) in enumerate(places.groups().items()):
            for code in [province] if new else olds:
                rows = firms.filter((pl.col("province") if new else pl.col("old_province")) == code)
                dialect = (Dialect(format="xlsx", dates="true", headers="labels"), Dialect(delimiter=";", dates="dd/mm/yyyy"))[i % 2]
                true_dates = dialect.dates == "true"
                dissolved = (
                    pl.when(pl.col("dissolved_on") <= month).then(pl.col("dissolved_on")) if month != months[-1] else pl.col("dissolved_on")
                )
                delivered = rows.with_columns(dissolved_on=dissolved).select(
                    MSDN="tax_code", TEN_DN="name", LOAI_HINH="legal_form", NGAY_DKKD=_as_day("registered_on", true_dates),
                    MATINH=pl.col("province") if new else pl.col("old_province"), MAXA=pl.col("commune") if new else pl.col("old_commune"),
                    SO_LAO_DONG=pl.lit("10"),
                    TRANG_THAI=pl.when(pl.col("dissolved_on").is_null()).then(pl.lit("Đang hoạt động")).otherwise(pl.lit("Đã giải thể")),
                    NGAY_GIAI_THE=_as_day("dissolved_on", true_dates),
                )  # fmt: skip
                path = f"planning/enterprises/period={month:%Y-%m}/dn_{code}.{dialect.format}"
                _put(outbox, ENTERPRISES, path, delivered, dialect)
    return firms.select("tax_code", "province", "registered_on", "dissolved_on")


def _as_day(column: str, true_dates: bool) -> pl.Expr:
    return pl.col(column) if true_dates else pl.col(column).dt.strftime("%d/%m/%Y")
