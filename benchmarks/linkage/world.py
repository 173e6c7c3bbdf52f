"""A nation's cards whose persons are known.

    python -m benchmarks.linkage.world 1_000_000 FOLDER [--dense] [--errors test] [--seed 1] [--rate 2]

writes `cards.parquet` (the columns that `transforms.persons.link` takes) and `truth.parquet` (`card_number`, `person`). One row per card:
nine tenths are first cards, a tenth are second and further ones. Of the pairs of one person's cards about a third share the citizen id,
a third the social insurance number, two fifths neither. Same arguments, same bytes.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks.linkage import names, spoil
from benchmarks.linkage.errors import MODELS, Errors
from benchmarks.linkage.people import CHILD, Communes, People, communes, people

Array = npt.NDArray[Any]

SECOND_CARDS = 0.1
OBJECTS = ("DN", "GD", "HT", "BT", "HN", "HS", "TE", "CN", "HC", "CB", "SV", "DT")
_OBJECT_LEVEL = ("4", "4", "3", "2", "2", "4", "1", "3", "4", "2", "4", "2")
_PLACEHOLDERS = np.array([0, 111111111111, 123456789012, 999999999999, 12345678912])
_STREETS = "Trần Phú|Lê Lợi|Nguyễn Huệ|Hùng Vương|Quang Trung|Hai Bà Trưng|Lý Thường Kiệt|Phan Chu Trinh|Điện Biên Phủ|30/4"
_ADDRESS = ("Thôn {}", "Ấp {}", "Tổ dân phố {}", "Khu phố {}", "Xóm {}", "Bản {}", "Đội {}")


@dataclass(frozen=True)
class World:
    """`cards`: one row per card in the columns of `provinces/cards`; `truth`: `card_number`, `person`, in the same order."""

    cards: pl.DataFrame
    truth: pl.DataFrame


def world(cards: int, seed: int = 1, errors: Errors | str = "train", dense: bool = False) -> World:
    """`cards` cards (a few less, where two would bear one number)."""
    wrong = MODELS[errors] if isinstance(errors, str) else errors
    rng = np.random.default_rng([seed, 20])
    places = communes(rng)
    count = round(cards * (1 - SECOND_CARDS))
    living = people(rng, count, places, dense)
    return _cards(rng, living, places, cards, wrong)


def _some(rng: np.random.Generator, size: int, chance: float | Array) -> Array:
    return rng.random(size, np.float32) < chance


def _cards(rng: np.random.Generator, p: People, places: Communes, cards: int, e: Errors) -> World:
    count = len(p)
    further = rng.integers(0, count, cards - count)
    if e.once_more:
        more = _some(rng, len(further), e.once_more)
        further[more] = rng.choice(further[~more], int(more.sum()))
    if e.no_fourth_word:
        p = replace(p, second=np.where(_some(rng, count, e.no_fourth_word), np.int16(names.NO_WORD), p.second))
    who = np.r_[np.arange(count), further]
    order = np.argsort(who, kind="stable")
    nth = np.empty(cards, np.int8)
    start = np.flatnonzero(np.r_[True, np.diff(who[order]) > 0])
    nth[order] = np.arange(cards) - np.repeat(start, np.diff(np.r_[start, cards]))
    shuffled = rng.permutation(cards)
    who, nth = who[shuffled].astype(np.int32), nth[shuffled]
    again = nth > 0

    commune, elsewhere = _residence(rng, p, places, who, again, e)
    columns = {
        **_numbers(rng, p, places, who, nth, commune, e),
        "citizen_id": _citizen_ids(rng, p, who, again, e),
        "full_name": _full_names(rng, p, places, who, commune, e),
        **_births(rng, p, who, e),
        "sex": _sexes(rng, p, who, e),
        **_places(rng, p, places, who, commune, again & ~elsewhere, e),
        **_validity(rng, again),
    }
    frame = pl.DataFrame(columns).with_columns(
        valid_from=pl.max_horizontal("valid_from", "birth_date"),
        period=pl.lit(date(2025, 12, 1)),
        received_rank=pl.lit(1, pl.Int64),
        person=pl.Series(who),
    )
    frame = frame.filter(pl.col("card_number").is_first_distinct())
    return World(frame.drop("person"), frame.select("card_number", "person"))


def _residence(rng: np.random.Generator, p: People, places: Communes, who: Array, again: Array, e: Errors) -> tuple[Array, Array]:
    """The commune of each card, and whether it is another one than the person's first."""
    n = len(who)
    home = p.commune[who]
    u = rng.random(n, np.float32)
    far = again & (u < e.other_province)
    near = again & ~far & (u < e.other_province + e.other_commune)
    away = rng.choice(len(places.share), n, p=places.share).astype(np.int16)
    # Communes lie in the order of their codes: a few places on is mostly the same district or the next.
    neighbour = np.clip(home + rng.integers(1, 12, n), 0, len(places.share) - 1).astype(np.int16)
    more = rng.spawn(1)[0]
    neighbour = np.where(_some(more, n, e.other_district), _of_the_province(more, places, home), neighbour)
    neighbour = np.where(places.province[neighbour] == places.province[home], neighbour, home)
    commune = np.where(far, away, np.where(near, neighbour, home))
    return commune, commune != home


def _of_the_province(rng: np.random.Generator, places: Communes, home: Array) -> Array:
    """For each home a commune of the same province, all alike likely."""
    order = np.argsort(places.province, kind="stable")
    first, size = (np.searchsorted(places.province[order], places.province, side) for side in ("left", "right"))
    chosen: Array = order[first[home] + (rng.random(len(home), np.float32) * (size - first)[home]).astype(np.int64)]
    return chosen.astype(np.int16)


def _numbers(
    rng: np.random.Generator, p: People, places: Communes, who: Array, nth: Array, commune: Array, e: Errors
) -> dict[str, pl.Series]:
    """`card_number`, `social_insurance_number`, `object_code`."""
    n = len(who)
    new = (nth > 0) & _some(rng, n, e.renumbered)
    # A number begins with the province that gave it out: that of birth, or for some of the new ones that of the card.
    issued = p.citizen[who] // 1_000_000_000
    more = rng.spawn(1)[0]
    there = new & _some(more, n, 1 - e.issued_at_home)
    if e.issued_anywhere:
        anywhere = _some(more, len(p), e.issued_anywhere)[who]
        issued = np.where(anywhere, who.astype(np.int64) * 7 % 97 + 1, issued)
        there &= ~anywhere
    home = np.where(there, places.old_province[commune], issued).astype(np.int64) * 100_000_000
    # Eight digits, different for every person and new number: 99,999,989 is a prime.
    first = issued * 100_000_000 + (who.astype(np.int64) * 3 + 1) * 48_271_903 % 99_999_989
    number = np.where(new, home + (who.astype(np.int64) * 3 + 1 + np.minimum(nth, 2)) * 48_271_903 % 99_999_989, first)
    child = (p.role[who] == CHILD) & (p.generation[who] >= 2020)
    usual = np.where(child, 6, (who.astype(np.int64) * 2_654_435_761 >> 7) % len(OBJECTS))
    # Another card of one person is of another group, or the very same number could come out.
    of = (usual + nth) % len(OBJECTS)
    listed = np.where(new & _some(rng, n, e.lists_old_number), first, number)
    typo = _some(rng, n, e.number_typo)
    listed = np.where(typo, _one_digit_off(rng, listed, 10), listed)
    text, listed_text = _padded(number, 10), _padded(listed, 10)
    group = pl.Series(OBJECTS).gather(of)
    prefix = pl.DataFrame({"g": group, "l": pl.Series(_OBJECT_LEVEL).gather(of), "p": _padded(places.old_province[commune], 2)})
    short = (nth == 0) & _some(rng, n, 0.2)
    # A number that two cards share would make them one card, were either written with ten digits.
    shared = np.zeros(len(p), bool)
    shared[who[(nth > 0) & ~new]] = True
    short &= ~shared[who]
    return {
        "card_number": prefix.select(
            pl.when(pl.lit(pl.Series(short))).then(text).otherwise(pl.concat_str("g", "l", "p", text))
        ).to_series(),
        "social_insurance_number": _known(listed_text, _some(rng, n, e.number_listed)),
        "object_code": group,
    }


def _citizen_ids(rng: np.random.Generator, p: People, who: Array, again: Array, e: Errors) -> pl.Series:
    n = len(who)
    citizen = p.citizen[who]
    of_parent = (p.role[who] == CHILD) & _some(rng, n, e.id_of_parent)
    citizen = np.where(of_parent, p.citizen[p.parent[who]], citizen)
    slipped = _some(rng, n, e.id_of_colleague)
    citizen = np.where(slipped, np.roll(citizen, 1), citizen)
    citizen = np.where(_some(rng, n, e.id_typo), _one_digit_off(rng, citizen, 12), citizen)
    citizen = np.where(_some(rng, n, e.id_transposed), _transposed(rng, citizen, 12), citizen)
    citizen = np.where(_some(rng, n, e.id_placeholder), _PLACEHOLDERS[rng.integers(0, len(_PLACEHOLDERS), n)], citizen)
    present = np.where(again, e.id_on_second, e.id_on_first) * np.where(p.generation[who] >= 2020, e.id_on_small_child, 1.0)
    old = (p.generation[who] < 2000) & _some(rng, n, e.old_cmnd)
    known = _some(rng, n, present)
    text = pl.select(pl.when(pl.Series(old)).then(_padded(p.old_citizen[who], 9)).otherwise(_padded(citizen, 12))).to_series()
    return _known(text, known)


def _one_digit_off(rng: np.random.Generator, number: Array, digits: int) -> Array:
    place = 10 ** rng.integers(0, digits - 1, len(number))
    digit = number // place % 10
    off: Array = number + ((digit + rng.integers(1, 10, len(number))) % 10 - digit) * place
    return off


def _transposed(rng: np.random.Generator, number: Array, digits: int) -> Array:
    place = 10 ** rng.integers(0, digits - 2, len(number))
    low, high = number // place % 10, number // (place * 10) % 10
    off: Array = number + (high - low) * place + (low - high) * place * 10
    return off


def _full_names(rng: np.random.Generator, p: People, places: Communes, who: Array, commune: Array, e: Errors) -> pl.Series:
    n = len(who)
    # A register has one way of writing: that of its office, three in each old province.
    office = places.old_province[commune].astype(np.int32) * 3 + rng.integers(0, 3, n, dtype=np.int32)
    share = np.array(names.FORM_SHARE)
    way = np.repeat(np.arange(names.FORMS), share)[rng.permutation(300) % 100]
    form = way[office].astype(np.int8)
    form = np.where(_some(rng, n, e.bare) & ~names.is_bare(form), names.bared(form), form)
    middle, second = p.middle[who], p.second[who]
    dropped = _some(rng, n, e.part_dropped)
    no_second = second == names.NO_WORD
    middle = np.where(dropped & (no_second | np.isin(middle, names.USUAL)), np.int16(names.NO_WORD), middle)
    second = np.where(dropped & (middle != names.NO_WORD), np.int16(names.NO_WORD), second)
    text = names.written(names.spellings(), form, p.surname[who], middle, second, p.given[who])
    return spoil.spoilt(rng, text, spoil.kinds(rng, n, e))


def _births(rng: np.random.Generator, p: People, who: Array, e: Errors) -> dict[str, pl.Series]:
    """`birth_date`, `birth_precision`."""
    n = len(who)
    year, month, day = p.year[who], p.month[who], p.day[who]
    old = p.generation[who] < 1965
    swap = _some(rng, n, e.swapped) & (day <= 12)
    month, day = np.where(swap, day, month), np.where(swap, month, day)
    slip = rng.integers(0, 4, n, dtype=np.int8)
    wrong_day = np.select([slip == 0, slip == 1, slip == 2], [day + 10, day - 1, day + 1], day - 10)
    day = np.where(_some(rng, n, e.day_slip) & (wrong_day >= 1), wrong_day, day)
    wrong_month = np.where(slip < 2, month + 1, month - 1)
    month = np.where(_some(rng, n, e.month_slip) & (wrong_month >= 1) & (wrong_month <= 12), wrong_month, month)
    year = np.where(_some(rng, n, e.year_slip), year + np.array([-10, -1, 1, 10])[slip], year)
    year = np.where(_some(rng, n, e.age_of_conception), year - 1, year)
    day = np.where(_some(rng, n, e.day_early) & (day > 1), day - 1, day)
    year_only = _some(rng, n, np.where(old, e.year_only_old, e.year_only))
    new_year = year_only | _some(rng, n, np.where(old, e.new_year_old, e.new_year))
    month, day = np.where(new_year, 1, month), np.where(new_year, 1, day)
    last = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])[month - 1] + ((month == 2) & (year % 4 == 0))
    months = (np.minimum(year, 2025) - 1970) * 12 + month - 1
    born = months.astype("datetime64[M]").astype("datetime64[D]") + (np.minimum(day, last) - 1).astype("timedelta64[D]")
    return {"birth_date": pl.Series(born), "birth_precision": pl.Series(["day", "year"]).gather(year_only.astype(np.int32))}


def _sexes(rng: np.random.Generator, p: People, who: Array, e: Errors) -> pl.Series:
    n = len(who)
    code = np.where(p.female[who] ^ _some(rng, n, e.sex_slip), 1, 0)
    return pl.Series(["1", "2", "3"]).gather(np.where(_some(rng, n, e.sex_undetermined), 2, code))


def _places(
    rng: np.random.Generator, p: People, places: Communes, who: Array, commune: Array, second_here: Array, e: Errors
) -> dict[str, pl.Series]:
    """Places, household and address: `second_here` are second cards of the person's own commune, which may differ in both."""
    n = len(who)
    elsewhere = commune != p.commune[who]
    # Households of other places, and those that an office counts anew, have numbers that no other has.
    anew = elsewhere | (second_here & _some(rng, n, e.household_new))
    home = p.household[who].astype(np.int64)
    house = places.old_province[commune].astype(np.int64) * 10**8 + np.where(anew, 50_000_000 + rng.integers(0, 40_000_000, n), home)
    moved = elsewhere | (second_here & _some(rng, n, e.address_new))
    at = np.where(moved, rng.integers(0, 1 << 40, n), home * 48_271_903 % (1 << 40))
    street, number = pl.Series(_STREETS.split("|")), (at >> 8) % 180 + 1
    hamlet = pl.Series([form.format(i) for form in _ADDRESS for i in range(1, 16)])
    lane = pl.DataFrame({"n": number, "s": street.gather((at >> 16) % street.len())}).select(pl.format("Số {} {}", "n", "s")).to_series()
    in_town = pl.Series(places.share[commune] > np.quantile(places.share, 0.8))
    area = places.name.gather(commune)
    full = pl.Series(_some(rng, n, 1 - e.address_short))
    text = (
        pl.DataFrame({"lane": lane, "hamlet": hamlet.gather((at >> 4) % hamlet.len()), "area": area})
        .with_columns(line=pl.when(in_town).then("lane").otherwise("hamlet"))
        .select(pl.when(full).then(pl.concat_str("line", pl.lit(", "), "area")).otherwise("line"))
        .to_series()
    )
    old_codes = pl.Series(_some(rng, n, e.old_codes))
    facility = places.province[commune].astype(np.int64) * 1000 + np.where((at >> 20) % 3 == 0, commune % 90, 100 + commune % 900)
    return {
        "province_code": _padded(places.province[commune], 2),
        "old_province_code": _known(_padded(places.old_province[commune], 2), old_codes.to_numpy()),
        "commune_code": _padded(places.today[commune], 5),
        "address": _known(text, _some(rng, n, e.address_listed)),
        "household": _known(_padded(house, 10), _some(rng, n, e.household_listed)),
        "registered_facility": _padded(facility, 5),
    }


def _validity(rng: np.random.Generator, again: Array) -> dict[str, pl.Series]:
    n = len(again)
    start = np.datetime64("2025-01-01") - np.where(again, 0, 31 * rng.integers(0, 60, n)) + rng.integers(0, 330, n)
    end = pl.Series(np.where(rng.random(n) < 0.6, np.datetime64("2025-12-31"), np.datetime64("NaT"))).cast(pl.Date)
    return {"valid_from": pl.Series(start.astype("datetime64[D]")), "valid_to": end}


def _padded(number: Array, digits: int) -> pl.Series:
    return pl.Series(number).cast(pl.String).str.zfill(digits)


def _known(values: pl.Series, known: Array) -> pl.Series:
    return pl.DataFrame({"v": values, "k": known}).select(pl.when("k").then("v")).to_series()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cards", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--errors", choices=sorted(MODELS), default="train")
    parser.add_argument("--rate", type=float, default=1.0, help="how many times the usual rate of errors")
    parser.add_argument("--dense", action="store_true", help="births in four years")
    asked = parser.parse_args()
    made = world(asked.cards, asked.seed, MODELS[asked.errors].times(asked.rate), asked.dense)
    asked.folder.mkdir(parents=True, exist_ok=True)
    made.cards.write_parquet(asked.folder / "cards.parquet")
    made.truth.write_parquet(asked.folder / "truth.parquet")


if __name__ == "__main__":
    main()
