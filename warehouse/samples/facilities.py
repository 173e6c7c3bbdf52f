"""Hospitals, clinics and commune stations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from warehouse.samples.places import Places

# (kind, level, technical level, class, ownership, name)
_KINDS = {
    "central": ("BV", "1", "CHUYEN_SAU", "DB", "CONG", "Bệnh viện Đa khoa Trung ương"),
    "province": ("BV", "2", "CHUYEN_SAU", "1", "CONG", "Bệnh viện Đa khoa tỉnh"),
    "district": ("BV", "3", "CO_BAN", "2", "CONG", "Trung tâm Y tế"),
    "private": ("BV", "2", "CO_BAN", "2", "TU", "Bệnh viện Tư nhân Hoàn Hảo"),
    "clinic": ("PK", "3", "BAN_DAU", "", "TU", "Phòng khám Đa khoa"),
    "station": ("TYT", "4", "BAN_DAU", "", "CONG", "Trạm Y tế"),
}


@dataclass(frozen=True)
class Facilities:
    """`all`: one row per facility: `facility, code, name, kind, spot, old_province, province, level, technical, hospital_class,
    ownership, type, recoded` (the code that replaces `code` from the reform on, null for most). `unlisted`: codes of facilities that
    stand in no list."""

    all: pl.DataFrame
    unlisted: tuple[str, ...] = ("38050", "40C12")


def facilities(places: Places, persons: int, seed: int) -> Facilities:
    rng = np.random.default_rng([seed, 4])
    spots = places.spots.filter(pl.col("default_commune") == pl.col("commune"))
    rows = []
    for i, province in enumerate(places.provinces):
        here = spots.filter(pl.col("old_province") == province)["spot"].to_list()
        stations = min(len(here), max(2, persons // len(places.provinces) // 500))
        districts = max(1, persons // len(places.provinces) // 4000)
        kinds = ["province", *["district"] * min(districts, 20), "private", "clinic", *["station"] * min(stations, 70)]
        if i % 5 == 0:
            kinds.insert(0, "central")
        for j, kind in enumerate(kinds, 1):  # code 000 means "no facility yet" on a temporary child card
            # Hà Nội's stations carry a letter (formats.md §6), and so do some clinics elsewhere.
            letter = "A" if kind == "station" and province == "01" else "C" if kind == "clinic" else str(j // 100)
            code = f"{province}{letter}{j % 100:02d}"
            spot = here[(j - 1) % len(here)] if kind == "station" else int(rng.choice(here))
            rows.append(
                (
                    code,
                    f"{_KINDS[kind][5]} {'số ' + str(j) if kind in ('district', 'station', 'clinic') else province}",
                    kind,
                    spot,
                    province,
                )
            )
    frame = pl.DataFrame(rows, schema=["code", "name", "kind", "spot", "old_province"], orient="row")
    attributes = pl.DataFrame(
        [(k, *v[:5]) for k, v in _KINDS.items()],
        schema=["kind", "type", "level", "technical", "hospital_class", "ownership"],
        orient="row",
    )
    frame = (
        frame.join(attributes, on="kind", how="left", maintain_order="left")
        .with_row_index("facility")
        .with_columns(
            pl.col("facility").cast(pl.Int64),
            province=pl.col("old_province").replace_strict(places.today),
            # Some stations get a new code with the reform; the list of July names the old one in MA_CU.
            recoded=pl.when((pl.col("kind") == "station") & (pl.int_range(pl.len()).over("old_province", "kind") % 4 == 1)).then(
                pl.concat_str("old_province", pl.lit("T"), pl.col("code").str.slice(3))
            ),
        )
    )
    return Facilities(frame)
