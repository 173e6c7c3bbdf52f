"""Where the simulated people live: real provinces and communes, with their codes before and after the reform of 2025-07-01."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

REFERENCE = Path(__file__).parent.parent / "reference"
REFORM = date(2025, 7, 1)

# Old provinces whose mergers cover every trap of the reform: codes that changed owner (24, 15, 80), three into one (79, 74, 77), two into
# one under either's code (31, 30; 48, 49), and units that stayed as they were (01, 22).
DEFAULT_PROVINCES = ("01", "10", "15", "22", "24", "27", "30", "31", "48", "49", "72", "74", "77", "79", "80")
# People of these provinces, which deliver no register, work in those that do.
ELSEWHERE = ("38", "40")
_MILLIONS = {"01": 8.4, "79": 9.4, "74": 2.8, "24": 1.9, "30": 1.9, "31": 2.1, "80": 1.7}  # GSO 2022, rounded; others about 1.2


@dataclass(frozen=True)
class Places:
    """`spots`, one row per old commune and commune of today that people live in: `spot, old_province, old_commune, default_commune,
    commune, province, weight`. `default_commune` is where the crosswalk puts the old commune, `commune` where the people really are."""

    provinces: tuple[str, ...]
    today: dict[str, str]
    spots: pl.DataFrame
    names: dict[str, str]  # province (34) -> name
    commune_codes_of_today: list[str]
    old_communes: pl.DataFrame  # `old_province, delivered, commune_today`: every old commune that counts in a commune where people live

    def groups(self) -> dict[str, list[str]]:
        """Province of today -> the simulated old provinces that went into it."""
        found: dict[str, list[str]] = {}
        for old in self.provinces:
            found.setdefault(self.today[old], []).append(old)
        return dict(sorted(found.items()))


def _reference(name: str) -> pl.DataFrame:
    return pl.read_csv(REFERENCE / f"{name}.csv", infer_schema=False)


def load(provinces: Sequence[str] | None, persons: int, seed: int) -> Places:
    """The places of a world of so many `persons`; unknown province codes raise ValueError."""
    chosen = tuple(sorted(set(provinces or DEFAULT_PROVINCES)))
    units = _reference("province_units")
    before = units.filter(pl.col("valid_to") == "2025-06-30")
    today = dict(zip(before["code"], before["province_code"], strict=True))
    unknown = [p for p in chosen if p not in today]
    if unknown:
        raise ValueError(f"no province before 2025-07-01 has the code {', '.join(unknown)}")
    now = units.filter(pl.col("valid_from") == "2025-07-01")

    communes = _reference("commune_units").filter(pl.col("valid_to") == "2025-06-30")
    crosswalk = _reference("commune_crosswalk")
    rng = np.random.default_rng([seed, 1])
    frames = []
    for old in (*chosen, *(p for p in ELSEWHERE if p not in chosen)):
        here = communes.filter((pl.col("province_unit") == old) & (pl.col("province_code") == today[old])).sort("code")
        wanted = 3 if old not in chosen else int(np.clip(persons / len(chosen) / 120, 4, 150))
        picked = np.sort(rng.choice(here.height, min(wanted, here.height), replace=False))
        frames.append(
            here[picked]
            .select("code", pl.col("commune_code").alias("default_commune"))
            .join(crosswalk.select(pl.col("old_code").alias("code"), pl.col("commune_code").alias("commune")), on="code")
            .sort("code", "commune")
            .select(
                pl.lit(old).alias("old_province"),
                pl.col("code").alias("old_commune"),
                "default_commune",
                "commune",
                pl.lit(today[old]).alias("province"),
                # Most people of a split commune live where the crosswalk says; the others are what makes it approximate.
                pl.when(pl.col("commune") == pl.col("default_commune")).then(1.0).otherwise(0.15).alias("weight"),
            )
        )
    spots = pl.concat(frames).with_row_index("spot").with_columns(pl.col("spot").cast(pl.Int64))
    communes_of_today = _reference("commune_units").filter(pl.col("valid_from") == "2025-07-01")["code"].unique().sort().to_list()
    parts = communes.filter(pl.col("commune_code").is_in(spots["default_commune"].unique().implode())).select(
        old_province="province_unit", delivered="code", commune_today="commune_code"
    )
    return Places(chosen, today, spots, dict(zip(now["code"], now["name"], strict=True)), communes_of_today, parts.sort("delivered"))


def province_weights(provinces: Sequence[str]) -> np.ndarray:
    """Share of the people in each province; the square root keeps small provinces visible in small worlds."""
    weights = np.sqrt([_MILLIONS.get(p, 1.2) for p in provinces])
    return np.asarray(weights / weights.sum())
