"""Households and the people in them."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.samples import names
from warehouse.samples.places import Places, province_weights

FATHER, MOTHER, GRANDFATHER, GRANDMOTHER, CHILD = range(5)
_EPOCH = date(1970, 1, 1)


def day_number(day: date) -> int:
    return (day - _EPOCH).days


def people(places: Places, persons: int, first: date, last: date, seed: int) -> pl.DataFrame:
    """Exactly `persons` people, one row each, who all live on `first` or are born before `last`.

    Columns: `person, household, role, sex (1, 2), birth (days since 1970), full_name, spot, citizen_id, number (10 digits),
    old_province, twin, homonym`.
    """
    rng = np.random.default_rng([seed, 2])
    household, role = _members(rng, persons)
    n_households = int(household[-1]) + 1
    spot_of_household = _spots(rng, places, n_households)
    birth, twin = _births(rng, household, role, n_households, day_number(first), day_number(last))
    female = np.where(role == CHILD, rng.random(persons) < 0.49, (role == MOTHER) | (role == GRANDMOTHER))
    full_name = _names(rng, household, role, female, birth, n_households)
    sex = np.where(female, "2", "1")
    old_province = places.spots["old_province"].to_numpy()[spot_of_household[household]]
    frame = pl.DataFrame(
        {
            "person": np.arange(persons),
            "household": household,
            "role": role,
            "sex": sex.tolist(),
            "birth": birth,
            "twin": twin,
            "full_name": full_name.tolist(),
            "spot": spot_of_household[household],
            "old_province": old_province.tolist(),
        }
    )
    return _homonyms(rng, frame).with_columns(
        citizen_id=_citizen_ids(frame),
        number=_numbers(frame, seed),
    )


def _members(rng: np.random.Generator, persons: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    n = persons  # more households than needed; the frame is cut at `persons`
    couple = rng.random(n)
    has = {
        FATHER: couple < 0.82,
        MOTHER: (couple < 0.74) | (couple > 0.82),
        GRANDFATHER: rng.random(n) < 0.16,
        GRANDMOTHER: rng.random(n) < 0.22,
    }
    children = rng.choice(6, n, p=[0.24, 0.28, 0.32, 0.11, 0.04, 0.01])
    households = [np.flatnonzero(here) for here in has.values()] + [np.repeat(np.arange(n), children)]
    roles = [np.full(len(h), r) for h, r in zip(households, [*has, CHILD], strict=True)]
    household, role = np.concatenate(households), np.concatenate(roles)
    order = np.lexsort((role, household))[:persons]
    return household[order].astype(np.int64), role[order].astype(np.int64)


def _spots(rng: np.random.Generator, places: Places, n_households: int) -> NDArray[np.int64]:
    weights = np.zeros(places.spots.height)
    share = dict(zip(places.provinces, province_weights(places.provinces), strict=True))
    old = places.spots["old_province"].to_numpy()
    size = places.spots["weight"].to_numpy()
    for province in set(old.tolist()):
        here = old == province
        weights[here] = share.get(province, 0.0015) * size[here] / size[here].sum()
    return rng.choice(len(weights), n_households, p=weights / weights.sum()).astype(np.int64)


def _births(
    rng: np.random.Generator, household: NDArray[np.int64], role: NDArray[np.int64], n_households: int, first: int, last: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    n = len(household)
    mother_age = rng.triangular(21, 33, 64, n_households)[household]
    starts = np.flatnonzero(np.r_[True, household[1:] != household[:-1]])
    order_in_household = np.arange(n) - np.repeat(starts, np.diff(np.r_[starts, n]))
    children_before = order_in_household - np.repeat(np.add.reduceat((role != CHILD).astype(np.int64), starts), np.diff(np.r_[starts, n]))
    age = np.select(
        [role == MOTHER, role == FATHER, role == GRANDMOTHER, role == GRANDFATHER],
        [mother_age, mother_age + rng.normal(3, 2.5, n), mother_age + rng.uniform(21, 30, n), mother_age + rng.uniform(23, 34, n)],
        mother_age - 22 - rng.uniform(0, 5, n) - children_before * rng.uniform(1.5, 4.5, n),
    )
    late = (role == CHILD) & (age < 0)
    age = np.where(late, rng.uniform(-0.2, 5, n), np.clip(age, None, 101))
    birth = (first - age * 365.25).astype(np.int64)
    birth = np.minimum(birth, last - 25)
    # One sibling in fifty is the twin of the one before.
    twin = np.r_[False, (role[1:] == CHILD) & (role[:-1] == CHILD) & (household[1:] == household[:-1])] & (rng.random(n) < 0.02)
    twin[1:] &= ~twin[:-1]
    birth[twin] = birth[np.flatnonzero(twin) - 1]
    return birth, twin


def _names(
    rng: np.random.Generator,
    household: NDArray[np.int64],
    role: NDArray[np.int64],
    female: NDArray[np.bool_],
    birth: NDArray[np.int64],
    n_households: int,
) -> NDArray[np.object_]:
    n = len(household)
    young = birth > day_number(date(1990, 1, 1))
    surname = names.surnames(rng, n_households)[household]
    own = (role == MOTHER) | (role == GRANDMOTHER)  # women keep theirs
    surname[own] = names.surnames(rng, int(own.sum()))
    middle = names.middle_names(rng, female, young)
    given = names.given_names(rng, female)
    # Siblings of one sex often share the middle name.
    follows = np.r_[False, (role[1:] == CHILD) & (role[:-1] == CHILD) & (household[1:] == household[:-1]) & (female[1:] == female[:-1])]
    shares = np.flatnonzero(follows & (rng.random(n) < 0.6))
    for i in shares.tolist():  # in order, so that a third child takes what the second took
        middle[i] = middle[i - 1]
    same = np.flatnonzero(follows & (given[np.maximum(np.arange(n) - 1, 0)] == given))
    given[same] = np.where(female[same], "Bích", "Lực")  # no two neighbours of one household bear one name
    return np.asarray(surname + " " + middle + " " + given, dtype=object)


def _homonyms(rng: np.random.Generator, frame: pl.DataFrame) -> pl.DataFrame:
    """Some people get the very name, birth date and sex of somebody in another household: they must never be merged."""
    n = frame.height
    wanted = max(2, n // 1000)
    grown = frame.filter((pl.col("birth") < 14000) & ~pl.col("twin"))["person"].to_numpy()
    picked = rng.choice(grown, 2 * wanted, replace=False)
    model, copy = picked[:wanted], picked[wanted:]
    spot = frame["spot"].to_numpy()
    apart = spot[model] != spot[copy]
    model, copy = model[apart], copy[apart]
    columns = {}
    for name in ("full_name", "birth", "sex"):
        values = frame[name].to_numpy().copy()
        values[copy] = values[model]
        columns[name] = values.tolist()
    return frame.with_columns(
        **{k: pl.Series(v) for k, v in columns.items()}, homonym=pl.Series(np.isin(np.arange(n), np.concatenate([model, copy])))
    )


def _citizen_ids(frame: pl.DataFrame) -> pl.Expr:
    """12 digits: 0 and the province, century and sex, year of birth, six digits. A twin has the number after its sibling's."""
    born = pl.from_epoch(pl.col("birth"), time_unit="d")
    century = (2 * ((born.dt.year() - 1900) // 100) + (pl.col("sex") == "2").cast(pl.Int32)).cast(pl.String)
    group = ["old_province", born.dt.year(), "sex"]
    rank = pl.int_range(pl.len()).over(group)
    start = born.dt.year() * 7_919 + pl.col("old_province").cast(pl.Int64) * 15_485 + pl.col("sex").cast(pl.Int64) * 4_201
    six = ((rank + 1) * 175_447 + start) % 499_979 * 2  # a bijection below 499,979; even, so that odd ones are left to twins
    # (each group starts elsewhere, or every first-born would end in the same six digits)
    serial = pl.when(pl.col("twin")).then(six.shift(1).fill_null(0) + 1).otherwise(six)
    return pl.concat_str(
        pl.lit("0"), "old_province", century, (born.dt.year() % 100).cast(pl.String).str.zfill(2), serial.cast(pl.String).str.zfill(6)
    )


def _numbers(frame: pl.DataFrame, seed: int) -> pl.Expr:
    """10-digit social insurance numbers: two of the province, eight that no other person has."""
    return pl.concat_str("old_province", serial_number(pl.col("person") * 3, seed))


def serial_number(index: pl.Expr, seed: int) -> pl.Expr:
    """Eight digits, different for every index below 99,999,989 (a prime, so the multiplication is a bijection)."""
    return ((index + 1 + seed % 1000).cast(pl.UInt64) * 48_271_903 % 99_999_989).cast(pl.String).str.zfill(8)
