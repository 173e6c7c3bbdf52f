"""Codes of provinces and communes to places of today.

On 2025-07-01 Vietnam went from 63 provinces and 10,035 communes to 34 and 3,321 (Decision 19/2025/QĐ-TTg). Almost every new code
is an old one that now names another unit, so a code means nothing without its date: seven province codes changed owner.
A province code that is old and new names, before, a unit that went into the province of the same code; so the province of
today never depends on the date, but the old province and the commune do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

REFORM = date(2025, 7, 1)
NATION = "00"  # the province code of the whole country, in targets

_PLACE_SCHEMA = {
    "province_code": pl.String(),
    "old_province_code": pl.String(),
    "commune_code": pl.String(),
    "commune_approximate": pl.Boolean(),
    "place_notes": pl.List(pl.String()),
}


@dataclass(frozen=True)
class Places:
    """The units of both periods, as docs/architecture.md ("Places") gives them.

    `provinces`: `code, name, valid_from, valid_to, province_code`; `communes`: `code, name, province_unit, valid_from, valid_to,
    commune_code, province_code, is_split`. One row per unit and stretch of time; `valid_to` null is open.
    """

    provinces: pl.DataFrame
    communes: pl.DataFrame


def _old(units: pl.DataFrame) -> pl.DataFrame:
    return units.filter(pl.col("valid_to") < REFORM)


def _new(units: pl.DataFrame) -> pl.DataFrame:
    return units.filter(pl.col("valid_to").is_null() | (pl.col("valid_to") >= REFORM))


def resolve(rows: pl.DataFrame, province: str, commune: str | None, on: pl.Expr, places: Places) -> pl.DataFrame:
    """`rows` and, same rows in the same order, the fields of `expectations.rules.PLACES`.

    `province` and `commune` name columns of canonical codes; `on` is the date whose codes count (Date; null: codes of today, else
    old ones, without a note on the period). Notes, in this order:
    `unknown_province`, `unknown_commune` (a code of no period), `old_code_late`, `new_code_early` (a code of the other period,
    recognised), `commune_elsewhere` (the commune lies in another province; the province counts and the commune is null).
    Where the province code can only be an old one the row is written in old codes, and its commune is read as one.
    """
    asked = rows.select(
        code=pl.col(province).cast(pl.String),
        commune=pl.lit(None, pl.String) if commune is None else pl.col(commune).cast(pl.String),
        before=(on < REFORM).cast(pl.Boolean),
    )
    # Places repeat: each pair of codes and period is looked up once.
    answers = _look_up(asked.unique(), places)
    found = asked.join(answers, on=["code", "commune", "before"], how="left", nulls_equal=True, maintain_order="left")
    return rows.hstack(found.select(_PLACE_SCHEMA.keys()))


def _look_up(asked: pl.DataFrame, places: Places) -> pl.DataFrame:
    """`code, commune, before` (distinct) and the fields of PLACES."""
    old_provinces = _old(places.provinces).select("code", old_home="province_code").unique()
    new_provinces = _new(places.provinces).select("code", new_home="province_code").unique()
    old_communes = _old(places.communes).select(commune="code", old_target="commune_code", old_province="province_code", split="is_split")
    new_communes = _new(places.communes).select(commune="code", new_target="commune_code", new_province="province_code").unique()
    known = (
        asked.join(old_provinces, on="code", how="left")
        .join(new_provinces, on="code", how="left")
        .join(old_communes, on="commune", how="left", validate="m:1")
        .join(new_communes, on="commune", how="left", validate="m:1")
    )
    before, after = pl.col("before").fill_null(False), (~pl.col("before")).fill_null(False)
    only_old_province = pl.col("old_home").is_not_null() & pl.col("new_home").is_null()
    is_old_province = pl.col("old_home").is_not_null() & (before | only_old_province)
    only_old_commune = pl.col("old_target").is_not_null() & pl.col("new_target").is_null()
    as_old_commune = pl.col("old_target").is_not_null() & (before | only_old_province | only_old_commune)
    nation = pl.col("code") == NATION
    read = known.with_columns(
        province_code=pl.when(nation).then(pl.lit(NATION)).otherwise(pl.coalesce("new_home", "old_home")),
        old_province_code=pl.when(is_old_province).then("code"),
        target=pl.when(as_old_commune).then("old_target").otherwise("new_target"),
        home=pl.when(as_old_commune).then("old_province").otherwise("new_province"),
        approximate=pl.when(as_old_commune).then("split").otherwise(pl.lit(False)),
        late=after & (only_old_province | as_old_commune),
        early=before & pl.col("new_target").is_not_null() & pl.col("old_target").is_null(),
    ).with_columns(elsewhere=(pl.col("home") != pl.col("province_code")).fill_null(False))
    notes = {
        "unknown_province": pl.col("code").is_not_null() & pl.col("province_code").is_null(),
        "unknown_commune": pl.col("commune").is_not_null() & pl.col("target").is_null(),
        "old_code_late": pl.col("late"),
        "new_code_early": pl.col("early"),
        "commune_elsewhere": pl.col("elsewhere"),
    }
    stands = pl.col("target").is_not_null() & ~pl.col("elsewhere")
    return read.select(
        "code",
        "commune",
        "before",
        "province_code",
        "old_province_code",
        commune_code=pl.when(stands).then("target"),
        commune_approximate=pl.when(stands).then("approximate"),
        place_notes=pl.concat_list(pl.when(flag).then(pl.lit(note)) for note, flag in notes.items()).list.drop_nulls(),
    ).cast(_PLACE_SCHEMA)  # type: ignore[arg-type]
