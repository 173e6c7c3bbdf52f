"""Cards and their periods of validity: who is insured as what, from when to when, and all the ways in which one person gets two cards."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.samples.people import day_number
from warehouse.samples.places import Places
from warehouse.samples.second_cards import moves, second_cards, withdrawals
from warehouse.samples.window import ALWAYS, Window

_LEVEL = {"TE": "1", "CC": "1", "HN": "2", "BT": "2", "DT": "2", "CB": "2", "LH": "2", "HT": "3", "CN": "3"}  # every other object: 4, 80 %
_YEARLY = ("HS", "SV", "HN", "CN", "BT", "DT", "GB")


def spans(
    people: pl.DataFrame, places: Places, facilities: pl.DataFrame, employers: pl.DataFrame, window: Window, seed: int
) -> pl.DataFrame:
    """One row per card, place of registration and period of validity.

    Columns: `person, object, number, prefix_province, social_insurance_number, citizen_id, full_name, birth, year_only, sex, spot,
    employer, facility, household, valid_from, valid_to, known_from, withdrawn_on, reason, cause, full, full_only`. Days are counted
    since 1970; an open end is NULL. `cause` says why a second card exists (NULL: it is none).
    """
    rng = np.random.default_rng([seed, 5])
    insured = _objects(rng, people, employers, window)
    rows = _periods(rng, insured, window)
    rows = rows.with_columns(
        prefix_province=pl.col("old_province"),
        social_insurance_number=pl.col("number"),
        household_code=pl.concat_str("old_province", pl.col("household").cast(pl.String).str.zfill(8)),
        facility=pl.lit(None, pl.Int64),
        withdrawn_on=pl.lit(None, pl.Int64),
        reason=pl.lit(None, pl.String),
        cause=pl.lit(None, pl.String),
        year_only=(pl.col("birth") < day_number(date(1965, 1, 1))) & (pl.col("person") * 7 % 50 < 6),
    )
    rows = _registered_facility(rng, rows, facilities)
    rows = _identity_gaps(rng, rows, people)
    moved = moves(rng, rows, places, facilities, window)
    rows = pl.concat([moved, second_cards(rng, rows, places, facilities, window, seed)], how="diagonal_relaxed")
    rows = withdrawals(rng, rows, people, window)
    level = pl.col("object").replace_strict(_LEVEL, default="4")
    level = pl.when(pl.col("cause") == "reissued").then(pl.lit("2")).otherwise(level)
    return (
        rows.with_columns(full=pl.concat_str("object", level, "prefix_province", "number"), level=level)
        .with_columns(full_only=pl.col("full").n_unique().over("number") > 1)
        .sort("person", "full", "valid_from", "spot")
        .with_row_index("span")
        .with_columns(pl.col("span").cast(pl.Int64))
    )


def _objects(rng: np.random.Generator, people: pl.DataFrame, employers: pl.DataFrame, window: Window) -> pl.DataFrame:
    """The people who are or become insured, with `object` and `employer`."""
    n = people.height
    first, last = window.days
    age = (first - people["birth"].to_numpy()) / 365.25
    poor = rng.random(int(people["household"].max() or 0) + 1)[people["household"].to_numpy()]  # type: ignore[arg-type]
    u = rng.random(n)

    def one_of(choices: dict[str, float]) -> NDArray[np.object_]:
        edges = np.cumsum(list(choices.values()))
        return np.array([*choices, ""], dtype=object)[np.searchsorted(edges, u, side="right")]

    work = {
        "DN": 0.42,
        "HC": 0.06,
        "CH": 0.05,
        "HX": 0.02,
        "XK": 0.005,
        "KT": 0.005,
        "TN": 0.02,
        "GD": 0.26,
        "GB": 0.03,
        "ZQ": 0.0008,
        "DT": 0.02,
    }
    code = np.select(
        [age < 5.9, age < 18, age < 22, age < 60, age < 80],
        [
            one_of({"TE": 0.985}),
            one_of({"HS": 0.95, "DT": 0.02}),
            one_of({"SV": 0.4, "DN": 0.26, "GD": 0.18}),
            one_of(work),
            one_of({"HT": 0.42, "BT": 0.08, "GD": 0.3, "CB": 0.04, "CC": 0.01, "CT": 0.03, "TQ": 0.02, "TV": 0.01}),
        ],
        one_of({"HT": 0.3, "BT": 0.42, "CC": 0.02, "CT": 0.2}),
    )
    employed = np.isin(code, ["DN", "HC", "CH", "HX"])
    code = np.where(~employed & (age >= 6) & (poor < 0.05), "HN", np.where(~employed & (age >= 6) & (poor > 0.94), "CN", code))
    code = np.where((code == "") & (rng.random(n) < 0.15), "GD", code)  # some of the uninsured join within the months
    joins = (code == "GD") & (rng.random(n) < 0.05)
    employer = _employers_of(rng, people, employers, employed)
    return people.with_columns(
        object=pl.Series(code.tolist(), dtype=pl.String),
        joins=joins,
        employer=pl.Series(employer).replace(-1, None),
    ).filter((pl.col("object") != "") & (pl.col("birth") < last - 20))


def _employers_of(
    rng: np.random.Generator, people: pl.DataFrame, employers: pl.DataFrame, employed: NDArray[np.bool_]
) -> NDArray[np.int64]:
    chosen = np.full(people.height, -1, dtype=np.int64)
    province = people["old_province"].to_numpy()
    for old in employers["old_province"].unique().sort():
        here = employers.filter((pl.col("old_province") == old) & pl.col("insures"))["employer"].to_numpy()
        who = np.flatnonzero(employed & (province == old))
        if len(here):
            weight = 1 / (np.arange(len(here)) + 2.0)
            chosen[who] = rng.choice(here, len(who), p=weight / weight.sum())
    return chosen


def _periods(rng: np.random.Generator, insured: pl.DataFrame, window: Window) -> pl.DataFrame:
    """Validity periods by the habit of each object: yearly, twelve months from any month, until the sixth birthday, or without end."""
    first, last = window.days
    years = range(window.first.year, window.last.year + 1)
    parts: list[pl.DataFrame] = []
    birth = pl.col("birth")

    def part(frame: pl.DataFrame, start: pl.Expr | int, end: pl.Expr | int | None, known: pl.Expr | int) -> None:
        def day(value: pl.Expr | int | None) -> pl.Expr:
            return (value if isinstance(value, pl.Expr) else pl.lit(value)).cast(pl.Int64)

        parts.append(frame.with_columns(valid_from=day(start), valid_to=day(end), known_from=day(known)))

    for year in years:
        opened, closed = day_number(date(year, 1, 1)), day_number(date(year, 12, 31))
        part(insured.filter(pl.col("object").is_in(_YEARLY)), opened, closed, opened - 20 if year > years[0] else 0)

    children = insured.filter(pl.col("object") == "TE")
    sixth = birth + 2191
    part(children, birth, sixth - 1, birth + 12)
    grown = children.filter(sixth <= last)
    grown = grown.filter(pl.Series(rng.random(grown.height) < 0.8)).with_columns(object=pl.lit("HS"))
    part(grown, sixth, day_number(date(window.last.year, 12, 31)), sixth - 10)  # the pupil's card keeps the child's number

    households = insured.filter(pl.col("object") == "GD")
    month_starts = np.array([day_number(d) for d in _month_starts(window.first - timedelta(335), window.first)])
    late_starts = np.array([day_number(d) for d in _month_starts(window.first, window.last)])
    n = households.height
    start = np.where(households["joins"].to_numpy(), rng.choice(late_starts, n), rng.choice(month_starts, n))
    part(households, pl.lit(pl.Series(start)), _year_on(start), pl.lit(pl.Series(start)))
    ends = _year_on_days(start)
    renews = (ends < last) & (rng.random(n) < 0.82)
    gap = rng.choice([0, 0, 0, 0, 0, 9, 31], n)
    again = ends + 1 + gap
    renewed = households.with_columns(again=pl.Series(again)).filter(pl.Series(renews & (again <= last)))
    part(renewed.drop("again"), pl.lit(renewed["again"]), _year_on(renewed["again"].to_numpy()), pl.lit(renewed["again"]) - 12)

    others = insured.filter(~pl.col("object").is_in([*_YEARLY, "TE", "GD"]))
    n = others.height
    began = np.array([day_number(date(y, m, 1)) for y in range(window.first.year - 8, window.first.year) for m in range(1, 13)])
    start = np.maximum(rng.choice(began, n), others["birth"].to_numpy() + 6600)
    starts_now = rng.random(n) < 0.02
    start = np.where(starts_now, rng.choice(late_starts, n), np.minimum(start, first - 40))
    end = np.where(rng.random(n) < 0.5, day_number(date(window.last.year, 12, 31)), ALWAYS)
    part(others, pl.lit(pl.Series(start)), pl.lit(pl.Series(end)).replace(ALWAYS, None), pl.lit(pl.Series(np.where(starts_now, start, 0))))
    return pl.concat(parts).drop("joins")


def _month_starts(first: date, last: date) -> list[date]:
    return pl.date_range(first.replace(day=1), last, "1mo", eager=True).to_list()


def _year_on_days(start: NDArray[np.int64]) -> NDArray[np.int64]:
    """Last day of twelve months from the first of a month (or any day)."""
    return np.asarray(pl.Series(start).cast(pl.Int32).cast(pl.Date).dt.offset_by("1y").cast(pl.Int32).cast(pl.Int64).to_numpy() - 1)


def _year_on(start: NDArray[np.int64]) -> pl.Expr:
    return pl.lit(pl.Series(_year_on_days(start)))


def _registered_facility(rng: np.random.Generator, rows: pl.DataFrame, facilities: pl.DataFrame) -> pl.DataFrame:
    """Where people are registered for first care: mostly the nearest station or the district's hospital, one for each person and
    province."""
    chosen = np.full(rows.height, -1, dtype=np.int64)
    province = rows["prefix_province"].to_numpy()
    draw = np.random.default_rng(rng.integers(1 << 30)).random(int(rows["person"].max() or 0) + 1)[rows["person"].to_numpy()]  # type: ignore[arg-type]
    share = {"station": 5.0, "district": 4.0, "province": 2.0, "clinic": 0.7, "private": 0.8, "central": 0.3}
    for old in np.unique(province):
        here = facilities.filter(pl.col("old_province") == old)
        if here.height:
            size = here.select("kind", w=pl.col("kind").replace_strict(share, return_dtype=pl.Float64) / pl.len().over("kind"))[
                "w"
            ].to_numpy()
            who = province == old
            chosen[who] = here["facility"].to_numpy()[np.searchsorted(np.cumsum(size / size.sum())[:-1], draw[who])]
    return rows.with_columns(facility=pl.Series(chosen).replace(-1, None))


def _identity_gaps(rng: np.random.Generator, rows: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """What registers lack: citizen ids of a tenth of the people (most small children), old nine-digit ones, now and then a parent's on a
    child."""
    heads = people.filter(pl.col("role") <= 1).group_by("household", maintain_order=True).agg(pl.col("citizen_id").first().alias("head_id"))
    newest = day_number(date(2020, 1, 1))
    delivered = (
        people.select("person", "household", "role", "birth", "citizen_id")
        .join(heads, on="household", how="left", maintain_order="left")
        .with_columns(u=pl.Series(rng.random(people.height)))
        .select(
            "person",
            delivered_id=pl.when((pl.col("birth") > newest) & (pl.col("u") < 0.4) | (pl.col("u") < 0.06))
            .then(None)
            .when((pl.col("u") > 0.985) & (pl.col("birth") < 11_000))
            .then(pl.concat_str(pl.lit("1"), (pl.col("person") * 7_368_787 % 99_999_989).cast(pl.String).str.zfill(8)))
            .when((pl.col("u") > 0.9985) & (pl.col("role") == 4) & (pl.col("birth") > 14_000))
            .then("head_id")
            .otherwise("citizen_id"),
        )
    )
    return rows.join(delivered, on="person", how="left", maintain_order="left").with_columns(citizen_id="delivered_id").drop("delivered_id")
