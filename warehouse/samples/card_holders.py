"""People who are nothing but a number: whoever asks for person 4,711 gets the same one, without a world being simulated.

The nights of the benchmarks need millions of them, in cards and in claims alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.samples import names
from warehouse.samples.people import day_number

Numbers = NDArray[np.int64]
_POOL = 40_000  # full names; real ones repeat as often
_OBJECTS = ("GD4", "DN4", "TE1", "HS4", "HT3", "CN3", "HC4", "BT2", "HN2", "CB2")
_OBJECT_SHARES = (0.33, 0.2, 0.14, 0.13, 0.05, 0.05, 0.04, 0.03, 0.02, 0.01)


@dataclass(frozen=True)
class Region:
    """A province of the 34: its communes, its facilities, and the numbers of the people who live there, `start` to `end` - 1."""

    code: str
    communes: tuple[str, ...]
    facilities: tuple[str, ...]
    start: int
    end: int


class CardHolders:
    """People numbered from 0, spread over the regions."""

    def __init__(self, regions: tuple[Region, ...], seed: int) -> None:
        self.regions = regions
        self._seed = np.uint64(seed)
        rng = np.random.default_rng([seed, 21])
        female = np.arange(_POOL) % 2 == 1  # person 2n is a man, 2n + 1 a woman
        young = rng.random(_POOL) < 0.4
        words = (names.surnames(rng, _POOL), names.middle_names(rng, female, young), names.given_names(rng, female))
        self._names = pl.Series([" ".join(w) for w in zip(*words, strict=True)], dtype=pl.String)

    def rows(self, person: Numbers) -> pl.DataFrame:
        """One row per number, in their order.

        Columns: `person`, `full_name`, `sex`, `birth` (days since 1970), `citizen_id`, `number` (social insurance number), `card` (15
        characters), `province`, `commune`, `registered` (facility), `valid_from` (days since 1970).
        """
        starts = np.array([r.start for r in self.regions])
        region = np.searchsorted(starts, person, side="right") - 1
        home = pl.Series([r.code for r in self.regions]).gather(region)
        objects = pl.Series(_OBJECTS).gather(np.searchsorted(np.cumsum(_OBJECT_SHARES), self._share(person, 1) * 0.999))
        female = person % 2
        name = (self._drawn(person, 2, _POOL // 2) * 2 + female).astype(np.int64)
        birth = day_number(date(1935, 1, 1)) + self._drawn(person, 3, 89 * 365)
        year = 1970 + birth // 365.2425
        century = np.where(year >= 2000, 2 + female, female)
        number = home + pl.Series(person).cast(pl.String).str.zfill(8)
        return pl.DataFrame(
            {
                "person": person,
                "full_name": self._names.gather(name),
                "sex": pl.Series(["1", "2"]).gather(female),
                "birth": birth,
                "citizen_id": pl.Series("0" + home + pl.Series(century).cast(pl.String)) + pl.Series(person).cast(pl.String).str.zfill(8),
                "number": number,
                "card": objects + home + number,
                "province": home,
                "commune": self._of_region(region, person, 4, [r.communes for r in self.regions]),
                "registered": self._of_region(region, person, 5, [r.facilities for r in self.regions]),
                "valid_from": day_number(date(2025, 1, 1)) + self._drawn(person, 6, 150),
            }
        )

    def _of_region(self, region: Numbers, person: Numbers, column: int, choices: list[tuple[str, ...]]) -> pl.Series:
        counts = np.array([len(c) for c in choices])
        first = np.concatenate([[0], np.cumsum(counts)[:-1]])
        which = first[region] + (self._share(person, column) * counts[region]).astype(np.int64)
        return pl.Series([c for few in choices for c in few]).gather(which)

    def _drawn(self, person: Numbers, column: int, choices: int) -> Numbers:
        return (self._share(person, column) * choices).astype(np.int64)

    def _share(self, person: Numbers, column: int) -> NDArray[np.float64]:
        """A number from 0 to 1 that is always the same for a person and column (SplitMix64; Steele, Lea, Flood 2014)."""
        with np.errstate(over="ignore"):
            z = person.astype(np.uint64) * np.uint64(64) + np.uint64(column) + (self._seed << np.uint64(40))
            z = (z + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            return (z ^ (z >> np.uint64(31))).astype(np.float64) / 2.0**64
