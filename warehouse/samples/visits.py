"""Visits to hospitals and stations: who, where, when, with which card; and the ones that ought to raise a signal."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from warehouse.samples import names
from warehouse.samples.facilities import Facilities
from warehouse.samples.people import day_number, serial_number
from warehouse.samples.places import REFORM, Places
from warehouse.samples.window import ALWAYS, Window

STANDARD_130_FROM = day_number(date(2024, 7, 1))
INPATIENT = {"03", "04", "09"}
_ICD = (
    "I10",
    "J00",
    "E11",
    "J20.9",
    "K29",
    "M54.5",
    "A09",
    "J18.9",
    "N39.0",
    "H10",
    "I25",
    "K02",
    "R51",
    "B34.9",
    "O80",
    "S52.5",
    "C50.9",
    "N18",
    "Z34",
    "L20",
)
_CARE = {
    "BV": ("01", "01", "01", "05", "08", "02", "03", "03", "04", "09"),
    "PK": ("01", "01", "02", "08"),
    "TYT": ("01", "01", "01", "06", "07"),
}


def visits(
    spans: pl.DataFrame, places: Places, facilities: Facilities, window: Window, persons: int, seed: int, per_person_year: float = 2.0
) -> pl.DataFrame:
    """One row per episode of care.

    Columns: those of `spans` that the claim repeats, and `claim, patient` (the person; negative: in no register), `day` and `out_day`
    (days since 1970), `minute`, `facility_code, type, care_code, icd, referring, settled` (first of the month), `standard, second_span,
    header_off` (cents by which the header's total is wrong), `signal` (what it was made to show, NULL: nothing).
    """
    rng = np.random.default_rng([seed, 7])
    wanted = max(60, int(persons * per_person_year / 12 * len(window.months)))
    chosen = pl.concat(
        [_ordinary(rng, spans, window, wanted), _of_2024(rng, spans, window, max(40, wanted // 30))]
        + [f(rng, spans, window, max(3, wanted // 500)) for f in (_expired, _after_death, _frequent)],
        how="diagonal_relaxed",
    )
    chosen = _where(rng, chosen, places, facilities)
    chosen = _stay(rng, chosen)
    chosen = _apart(chosen, facilities)
    chosen = pl.concat([chosen, *_collisions(rng, chosen, facilities, max(3, wanted // 500))])
    chosen = chosen.filter(
        (pl.col("out_day") <= window.days[1]) & ((pl.col("out_day") >= window.days[0]) | (pl.col("out_day") < STANDARD_130_FROM))
    )
    chosen = chosen.filter((pl.col("signal") != "2024") | (pl.col("out_day") <= day_number(date(2024, 6, 28))) | pl.col("signal").is_null())
    chosen = chosen.sort("facility_code", "day", "span", "care_code").with_row_index("claim").with_columns(pl.col("claim").cast(pl.Int64))
    chosen = _strangers(rng, chosen, seed)
    return _details(rng, chosen, spans, window)


def _until(window_end: int) -> pl.Expr:
    """Last day on which the span is valid and its holder alive, at most `window_end`."""
    return pl.min_horizontal(
        pl.col("valid_to").fill_null(ALWAYS),
        pl.col("withdrawn_on").fill_null(ALWAYS) - 1,
        pl.col("died_on").fill_null(ALWAYS) - 1,
        pl.lit(window_end),
    )


def _drawn(rng: np.random.Generator, spans: pl.DataFrame, begin: int, end: int, wanted: int) -> pl.DataFrame:
    open_spans = spans.with_columns(a=pl.max_horizontal("valid_from", pl.lit(begin)), b=_until(end)).filter(pl.col("b") >= pl.col("a"))
    if open_spans.is_empty():
        return open_spans.with_columns(day=pl.lit(0, pl.Int64))
    age = (end - open_spans["birth"].to_numpy()) / 365.25
    weight = (open_spans["b"] - open_spans["a"] + 1).to_numpy() * np.where(age < 6, 2.0, np.where(age > 60, 2.6, 1.0))
    picked = open_spans[np.sort(rng.choice(open_spans.height, wanted, p=weight / weight.sum()))]
    a, b = picked["a"].to_numpy(), picked["b"].to_numpy()
    return picked.with_columns(day=pl.Series(a + (rng.random(wanted) * (b - a + 1)).astype(np.int64)))


def _ordinary(rng: np.random.Generator, spans: pl.DataFrame, window: Window, wanted: int) -> pl.DataFrame:
    return _drawn(rng, spans, *window.days, wanted).with_columns(signal=pl.lit(None, pl.String))


def _of_2024(rng: np.random.Generator, spans: pl.DataFrame, window: Window, wanted: int) -> pl.DataFrame:
    """Care of May and June 2024, the last months of QĐ 4210, on cards that were valid then; settled in June 2024."""
    begin, end = day_number(date(2024, 5, 2)), day_number(date(2024, 6, 20))
    return _drawn(rng, spans.filter(pl.col("valid_from") <= begin), begin, end, wanted).with_columns(signal=pl.lit("2024"))


def _expired(rng: np.random.Generator, spans: pl.DataFrame, window: Window, wanted: int) -> pl.DataFrame:
    """Visits some days after a card's end, by people who had no other."""
    first, last = window.days
    ended = spans.with_columns(latest=pl.col("valid_to").fill_null(ALWAYS).max().over("person"), cards=pl.len().over("person")).filter(
        (pl.col("latest") == pl.col("valid_to"))
        & (pl.col("cards") == 1)
        & pl.col("valid_to").is_between(first, last - 12)
        & pl.col("reason").is_null()
    )
    picked = ended[np.sort(rng.choice(ended.height, min(wanted, ended.height), replace=False))] if ended.height else ended
    return picked.with_columns(day=pl.col("valid_to") + 3 + pl.col("person") % 7, signal=pl.lit("outside_card_validity")).drop(
        "latest", "cards"
    )


def _after_death(rng: np.random.Generator, spans: pl.DataFrame, window: Window, wanted: int) -> pl.DataFrame:
    dead = spans.filter((pl.col("reason") == "CHET") & pl.col("withdrawn_on").is_between(window.days[0] - 15, window.days[1] - 7))
    picked = dead[np.sort(rng.choice(dead.height, min(wanted, dead.height), replace=False))] if dead.height else dead
    day = pl.max_horizontal(pl.col("withdrawn_on") + 3 + pl.col("person") % 4, pl.lit(window.days[0]))
    return picked.with_columns(day=day, signal=pl.lit("after_death"))


def _frequent(rng: np.random.Generator, spans: pl.DataFrame, window: Window, wanted: int) -> pl.DataFrame:
    """A few people who come nine times in the first month."""
    first, last = window.days
    steady = spans.filter((pl.col("valid_from") < first) & (_until(last) == last) & pl.col("facility").is_not_null())
    who = steady[np.sort(rng.choice(steady.height, min(max(1, wanted // 3), steady.height), replace=False))] if steady.height else steady
    days = pl.DataFrame({"offset": np.arange(9) * 3}, schema={"offset": pl.Int64})
    return who.join(days, how="cross").with_columns(day=pl.lit(first) + pl.col("offset"), signal=pl.lit("frequent_visits")).drop("offset")


def _where(rng: np.random.Generator, chosen: pl.DataFrame, places: Places, facilities: Facilities) -> pl.DataFrame:
    """The facility: mostly where one is registered, else the province's hospital, now and then another province's (referred), rarely an
    unlisted one."""
    n = chosen.height
    u = rng.random(n)
    u[(chosen["signal"] == "frequent_visits").fill_null(False).to_numpy()] = 0.0
    by_province = {
        p: g["facility"].to_numpy()
        for (p,), g in facilities.all.filter(pl.col("type") == "BV").group_by("old_province", maintain_order=True)
    }
    hospitals = facilities.all.filter(pl.col("kind").is_in(["central", "province"]))["facility"].to_numpy()
    own = chosen["facility"].fill_null(-1).to_numpy()
    province = chosen["old_province"].to_numpy()
    at_home = np.array(
        [
            int(by_province[p][int(v * len(by_province[p]))]) if p in by_province else int(hospitals[0])
            for p, v in zip(province, rng.random(n), strict=True)
        ]
    )
    away = hospitals[rng.integers(0, len(hospitals), n)]
    facility = np.where((u < 0.66) & (own >= 0), own, np.where(u < 0.93, at_home, away))
    referred = (facility != own) & (own >= 0) & (rng.random(n) < 0.6)
    listed = facilities.all.select("facility", "code", "recoded", "type")
    chosen = chosen.with_columns(
        at=pl.Series(facility), referred=referred, unlisted=pl.Series(u > 0.995), which=pl.Series(rng.integers(0, 2, n))
    )
    chosen = chosen.join(
        listed.rename({"facility": "at", "code": "at_code", "recoded": "at_recoded"}), on="at", how="left", maintain_order="left"
    )
    chosen = chosen.join(
        listed.select("facility", own_code="code", own_recoded="recoded"), on="facility", how="left", maintain_order="left"
    )
    new = pl.col("day") >= day_number(REFORM)
    registered = (
        pl.when(pl.col("cause") == "child")
        .then(pl.concat_str("old_province", pl.lit("000")))
        .when(new & pl.col("own_recoded").is_not_null())
    )
    return chosen.with_columns(
        facility_code=pl.when("unlisted").then(pl.col("which").replace_strict(dict(enumerate(facilities.unlisted))))
        .when(new & pl.col("at_recoded").is_not_null())
        .then("at_recoded")
        .otherwise("at_code"),
        type=pl.when("unlisted").then(pl.lit("BV")).otherwise("type"),
        registered=registered.then("own_recoded").otherwise("own_code"),
        referring=pl.when("referred").then("own_code"),
    ).drop("at", "at_code", "at_recoded", "own_code", "own_recoded", "unlisted", "which", "referred")  # fmt: skip


def _stay(rng: np.random.Generator, chosen: pl.DataFrame) -> pl.DataFrame:
    n = chosen.height
    kinds = chosen["type"].to_numpy()
    u = rng.random(n)
    care = np.array([_CARE[k][int(v * len(_CARE[k]))] for k, v in zip(kinds, u, strict=True)])
    length = np.select(
        [np.isin(care, ["03"]), np.isin(care, ["04", "06"]), np.isin(care, ["02"])],
        [rng.integers(2, 12, n), rng.integers(1, 3, n), rng.integers(0, 5, n)],
        0,
    )
    return chosen.with_columns(
        care_code=pl.Series(care.tolist()), out_day=pl.col("day") + pl.Series(length), minute=pl.Series(rng.integers(6 * 60, 17 * 60, n))
    )


def _apart(chosen: pl.DataFrame, facilities: Facilities) -> pl.DataFrame:
    """Without the stays of one person that overlap or touch by chance: what raises a signal is made on purpose."""
    stays = chosen.filter(pl.col("care_code").is_in(list(INPATIENT))).sort("person", "day", "out_day", "span", "facility_code")
    touching = (pl.col("person") == pl.col("person").shift(1)) & (pl.col("day") <= pl.col("out_day").shift(1).cum_max().over("person") + 1)
    bad = stays.filter(touching.fill_null(False)).select("span", "day", "facility_code")
    return chosen.join(bad, on=["span", "day", "facility_code"], how="anti", maintain_order="left")


def _collisions(rng: np.random.Generator, chosen: pl.DataFrame, facilities: Facilities, wanted: int) -> list[pl.DataFrame]:
    """A second inpatient stay inside a long one, and a second outpatient visit elsewhere on the same day."""
    plain = chosen.filter(pl.col("signal").is_null())
    hospitals = facilities.all.filter(pl.col("kind") == "province")["code"].to_list()
    long = (
        plain.filter((pl.col("care_code") == "03") & (pl.col("out_day") - pl.col("day") >= 6))
        .unique("person", keep="first", maintain_order=True)
        .head(wanted)
    )
    second = long.with_columns(
        day=pl.col("day") + 1,
        out_day=pl.col("out_day") - 1,
        facility_code=pl.when(pl.col("facility_code") == hospitals[0])
        .then(pl.lit(hospitals[1 % len(hospitals)]))
        .otherwise(pl.lit(hospitals[0])),
        type=pl.lit("BV"),
        signal=pl.lit("overlapping_inpatient"),
    )
    short = plain.filter(pl.col("care_code") == "01").unique("person", keep="first", maintain_order=True).tail(wanted)
    twice = short.with_columns(
        facility_code=pl.when(pl.col("facility_code") == hospitals[0])
        .then(pl.lit(hospitals[1 % len(hospitals)]))
        .otherwise(pl.lit(hospitals[0])),
        type=pl.lit("BV"),
        minute=(pl.col("minute") + 95) % 1000 + 360,
        signal=pl.lit("same_day_several_facilities"),
    )
    return [second, twice]


def _strangers(rng: np.random.Generator, chosen: pl.DataFrame, seed: int) -> pl.DataFrame:
    """One claim in two hundred is of somebody in no register, or (half as many) of a known person on a card in no register."""
    n = chosen.height
    u = rng.random(n)
    plain = (chosen["signal"].is_null() & (chosen["day"] >= STANDARD_130_FROM)).to_numpy()
    stranger = (u < 0.005) & plain
    known = (u > 0.9975) & plain & chosen["citizen_id"].is_not_null().to_numpy() & (chosen["role"] <= 1).to_numpy()
    pool = max(2, n // 300)  # strangers come back, on the same card
    who = rng.integers(1, pool, n)
    female = np.arange(pool) % 2 == 0
    name = names.surnames(rng, pool) + " " + names.middle_names(rng, female, female) + " " + names.given_names(rng, female)
    serial = serial_number(pl.col("who") * 3 + 2, seed)
    foreign = pl.col("stranger") | pl.col("known")
    return (
        chosen.with_columns(who=pl.Series(who), stranger=stranger, known=known, name=pl.Series(name[who].tolist(), dtype=pl.String))
        .with_columns(who=pl.when("known").then(1_000_000 + pl.col("claim")).otherwise("who"))
        .with_columns(
            patient=pl.when("stranger").then(-pl.col("who")).otherwise("person"),
            full=pl.when(foreign).then(pl.concat_str(pl.lit("GD439"), serial, pl.lit("00"))).otherwise("full"),
            number=pl.when(foreign).then(pl.concat_str(serial, pl.lit("00"))).otherwise("number"),
            citizen_id=pl.when("stranger").then(pl.concat_str(pl.lit("039190"), serial.str.slice(2))).otherwise("citizen_id"),
            full_name=pl.when("stranger").then("name").otherwise("full_name"),
            sex=pl.when("stranger").then(pl.when(pl.col("who") % 2 == 0).then(pl.lit("2")).otherwise(pl.lit("1"))).otherwise("sex"),
            birth=pl.when("stranger").then(7_300 + pl.col("who") % 365).otherwise("birth"),
            year_only=pl.when("stranger").then(False).otherwise("year_only"),
            signal=pl.when(foreign).then(pl.lit("unknown_card")).otherwise("signal"),
        )
        .drop("who", "stranger", "known", "name")
    )


def _details(rng: np.random.Generator, chosen: pl.DataFrame, spans: pl.DataFrame, window: Window) -> pl.DataFrame:
    n = chosen.height
    out_month = pl.from_epoch("out_day", time_unit="d").dt.truncate("1mo")
    late = (
        pl.Series(rng.random(n) < 0.04)
        & pl.col("signal").is_null()
        & (out_month < window.months[-1])
        & (pl.col("day") >= STANDARD_130_FROM)
    )
    old = pl.col("out_day") < STANDARD_130_FROM
    others = spans.filter(pl.len().over("person") > 1).select("person", second_span="span", other_full="full", other_from="valid_from",
    other_to="valid_to",
                                                               other_withdrawn="withdrawn_on", other_code="old_province")  # fmt: skip
    pairs = (
        chosen.filter(pl.col("signal").is_null())
        .select("claim", "person", "day", "full")
        .join(others, on="person")
        .filter(
            (pl.col("other_full") != pl.col("full"))
            & (pl.col("other_from") <= pl.col("day"))
            & (pl.col("other_to").fill_null(ALWAYS) >= pl.col("day"))
            & (pl.col("other_withdrawn").fill_null(ALWAYS) > pl.col("day"))
        )
        .sort("claim", "second_span")
        .unique("claim", keep="first", maintain_order=True)
        .filter(pl.col("claim") % 5 < 2)
        .select("claim", "second_span", "other_full", "other_from", "other_to")
    )
    icd = np.array(_ICD, dtype=object)[np.minimum(rng.geometric(0.14, n) - 1, len(_ICD) - 1)]
    wrong = (rng.random(n) < 0.003) & chosen["signal"].is_null().to_numpy()
    wrong[:1] |= chosen["signal"].is_null().to_numpy()[:1]
    return chosen.join(pairs, on="claim", how="left", maintain_order="left").with_columns(
        settled=pl.when(old & (pl.col("signal") == "2024").fill_null(False))
        .then(pl.date(2024, 6, 1))
        .when(late)
        .then(out_month.dt.offset_by("1mo"))
        .otherwise(out_month),
        standard=pl.when(old).then(pl.lit("4210")).otherwise(pl.lit("130")),
        icd=pl.Series(icd.tolist(), dtype=pl.String),
        header_off=pl.when(pl.Series(wrong)).then(123_450).otherwise(0),
    )


def kept_minutes(day: pl.Expr, minute: pl.Expr) -> pl.Expr:
    """Days since 1970 and minutes of the day as yyyymmddHHMM."""
    return pl.concat_str(
        pl.from_epoch(day, time_unit="d").dt.strftime("%Y%m%d"),
        (minute // 60).cast(pl.String).str.zfill(2),
        (minute % 60).cast(pl.String).str.zfill(2),
    )
