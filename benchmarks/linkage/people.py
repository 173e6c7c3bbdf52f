"""Households and the people in them, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks.linkage import names
from warehouse.samples.places import REFERENCE

Array = npt.NDArray[Any]

FATHER, MOTHER, GRANDFATHER, GRANDMOTHER, CHILD = range(5)
TODAY = np.datetime64("2025-12-01")
# `dense`: all births in four years, a quarter of the people each, the older generations first. With 5 million cards each birth date
# then has about as many people as in the whole nation.
DENSE_YEARS = (1980, 1981, 1982, 1983)


@dataclass(frozen=True)
class Communes:
    """Communes before 2025-07-01 and the ones of today that they went into; `share` of the people."""

    code: Array
    old_province: Array
    today: Array
    province: Array
    share: Array
    name: pl.Series


@dataclass(frozen=True)
class People:
    """One element per person, household after household."""

    household: Array
    role: Array
    female: Array
    generation: Array  # year of birth before `dense`
    year: Array
    month: Array
    day: Array
    surname: Array
    middle: Array
    second: Array
    given: Array
    commune: Array  # place in Communes
    citizen: Array  # CCCD as a number
    old_citizen: Array  # CMND
    parent: Array  # a parent's place in these arrays; oneself where there is none

    def __len__(self) -> int:
        return len(self.household)


def communes(rng: np.random.Generator) -> Communes:
    """The real communes, with their province's share of the people; how it spreads over the communes is made up."""
    units = pl.read_csv(REFERENCE / "commune_units.csv", infer_schema=False).filter(pl.col("valid_to") == "2025-06-30").sort("code")
    people = pl.read_csv(REFERENCE / "province_population.csv", schema_overrides={"province_unit": pl.String})
    latest = people.filter(pl.col("year") == 2022).group_by("province_unit").agg(pl.col("population").max())
    share = units.join(latest, on="province_unit", how="left", maintain_order="left")["population"].fill_null(1_200_000).to_numpy()
    size = rng.lognormal(0, 0.6, units.height)
    _, place = np.unique(units["province_unit"].to_numpy(), return_inverse=True)
    weight = share * size / np.bincount(place, size)[place]
    number = units.select(pl.col("code", "province_unit", "commune_code", "province_code").cast(pl.Int32))
    return Communes(
        code=number["code"].to_numpy(), old_province=number["province_unit"].to_numpy(), today=number["commune_code"].to_numpy(),
        province=number["province_code"].to_numpy(), share=weight / weight.sum(), name=units["name"],
    )  # fmt: skip


def people(rng: np.random.Generator, count: int, places: Communes, dense: bool) -> People:
    """`count` people; the last household may be cut."""
    household, role = _members(rng, count)
    homes = int(household[-1]) + 1
    first = np.r_[True, household[1:] != household[:-1]]
    sibling = np.r_[False, ~first[1:] & (role[1:] == CHILD) & (role[:-1] == CHILD)]
    female = np.where(role == CHILD, rng.random(count, np.float32) < 0.49, (role == MOTHER) | (role == GRANDMOTHER))
    twin = sibling & (rng.random(count, np.float32) < 0.02)
    twin[1:] &= ~twin[:-1]
    generation, year, month, day = _births(rng, household, role, homes, sibling, twin, dense)
    surname, middle, second, given = _names(rng, household, role, female, generation > 1990, homes, sibling)
    commune = rng.choice(len(places.share), homes, p=places.share)[household].astype(np.int16)
    citizen = _citizen_ids(rng, places, commune, female, year, twin)
    start = np.maximum.accumulate(np.where(first, np.arange(count), 0))
    return People(
        household=household, role=role, female=female, generation=generation, year=year, month=month, day=day,
        surname=surname, middle=middle, second=second, given=given, commune=commune, citizen=citizen,
        old_citizen=100_000_000 + (np.arange(count, dtype=np.int64) * 48_271_903 + 11) % 899_999_981,
        parent=np.where((role == CHILD) & (role[start] != CHILD), start, np.arange(count)),
    )  # fmt: skip


def _members(rng: np.random.Generator, count: int) -> tuple[Array, Array]:
    homes = int(count / 3.0) + 10
    couple = rng.random(homes)
    children = rng.choice(6, homes, p=[0.24, 0.28, 0.32, 0.11, 0.04, 0.01])
    slots = np.zeros((homes, 9), bool)
    slots[:, FATHER] = couple < 0.86
    slots[:, MOTHER] = (couple < 0.78) | (couple > 0.86)
    slots[:, GRANDFATHER] = rng.random(homes) < 0.16
    slots[:, GRANDMOTHER] = rng.random(homes) < 0.22
    slots[:, CHILD:] = np.arange(5) < children[:, None]
    household, slot = np.nonzero(slots)
    if len(household) < count:  # households came out smaller than usual
        raise ValueError(f"only {len(household)} people came out of {homes} households; draw with another seed")
    return household[:count].astype(np.int32), np.minimum(slot[:count], CHILD).astype(np.int8)


def _births(
    rng: np.random.Generator, household: Array, role: Array, homes: int, sibling: Array, twin: Array, dense: bool
) -> tuple[Array, Array, Array, Array]:
    n = len(household)
    mother = rng.triangular(21, 33, 66, homes).astype(np.float32)[household]
    before = np.arange(n) - np.maximum.accumulate(np.where(sibling, 0, np.arange(n)))  # elder brothers and sisters
    u = rng.random(n, np.float32)
    age = np.select(
        [role == MOTHER, role == FATHER, role == GRANDMOTHER, role == GRANDFATHER],
        [mother, mother + rng.normal(3, 2.5, n).astype(np.float32), mother + 21 + 9 * u, mother + 23 + 11 * u],
        mother - 22 - 5 * u - before * (1.5 + 3 * rng.random(n, np.float32)),
    )
    age = np.where((role == CHILD) & (age < 0.1), 0.1 + 5 * u, np.minimum(age, 101))
    born = TODAY - (age * 365.25).astype("timedelta64[D]")
    born[twin] = born[np.flatnonzero(twin) - 1]
    months = born.astype("datetime64[M]")
    generation = born.astype("datetime64[Y]").astype(np.int32) + 1970
    month = (months.astype(np.int32) % 12 + 1).astype(np.int8)
    day = ((born - months).astype(np.int32) + 1).astype(np.int8)
    if not dense:
        return generation, generation, month, day
    rank = np.argsort(np.argsort(born, kind="stable"), kind="stable")
    year = np.array(DENSE_YEARS, np.int32)[rank * len(DENSE_YEARS) // n]
    year[twin] = year[np.flatnonzero(twin) - 1]
    return generation, year, month, np.where((month == 2) & (day == 29), 28, day).astype(np.int8)


def _names(
    rng: np.random.Generator, household: Array, role: Array, female: Array, young: Array, homes: int, sibling: Array
) -> tuple[Array, Array, Array, Array]:
    n = len(household)
    surname = names.surnames(rng, homes)[household]
    own = (role == MOTHER) | (role == GRANDMOTHER)  # women keep theirs
    surname[own] = names.surnames(rng, int(own.sum()))
    middle, second = names.middle_names(rng, female, young)
    given = names.given_names(rng, female, young)
    # Brothers, and sisters, often share the middle name; a third child takes what the second took.
    alike = sibling & np.r_[False, female[1:] == female[:-1]]
    shares = alike & (rng.random(n, np.float32) < 0.5)
    leader = np.maximum.accumulate(np.where(shares, 0, np.arange(n)))
    middle, second = middle[leader], second[leader]
    twice = np.flatnonzero(alike & np.r_[False, given[1:] == given[:-1]])
    given[twice] = names.given_names(rng, female[twice], ~young[twice])
    # No two people of one household bear one name.
    more = rng.spawn(1)[0]
    while len(twice := _borne_before(household, surname, middle, second, given)):
        given[twice] = names.given_names(more, female[twice], young[twice])
    return surname, middle, second, given


def _borne_before(*columns: Array) -> Array:
    """The rows that are equal to an earlier one."""
    rows = pl.DataFrame(columns, schema=[f"c{i}" for i in range(len(columns))])
    return np.flatnonzero(~rows.select(pl.struct(pl.all()).is_first_distinct()).to_series().to_numpy())


def _citizen_ids(rng: np.random.Generator, places: Communes, commune: Array, female: Array, year: Array, twin: Array) -> Array:
    """0 and the province of birth registration, century and sex, year, six digits. A twin has the number after its sibling's."""
    n = len(commune)
    moved = rng.random(n, np.float32) < 0.12
    province = np.where(moved, rng.permutation(places.old_province)[commune], places.old_province[commune])
    head = (province.astype(np.int64) * 10 + 2 * ((year - 1900) // 100) + female) * 100 + year % 100
    order = np.argsort(head, kind="stable")
    ordered = head[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(n) - np.repeat(starts, np.diff(np.r_[starts, n]))
    # A bijection below 499,979; even, so that odd numbers are left to twins. Each group begins elsewhere.
    serial = ((rank + 1) * 175_447 + head * 7_919) % 499_979 * 2
    citizen: Array = head * 1_000_000 + serial
    elder = np.flatnonzero(twin) - 1
    citizen[twin] = citizen[elder] + 1 + 100_000_000 * (female[twin].astype(np.int64) - female[elder].astype(np.int64))
    return citizen
