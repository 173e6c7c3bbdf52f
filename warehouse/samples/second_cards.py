"""Second cards, moves and withdrawals: the causes of duplicates of domain/policy.md §7."""

from __future__ import annotations

import numpy as np
import polars as pl

from warehouse.samples import names
from warehouse.samples.people import serial_number
from warehouse.samples.places import Places
from warehouse.samples.window import ALWAYS, Window

_SHARE = {"two_groups": 0.005, "two_provinces": 0.004, "child": 0.03, "old_and_new_number": 0.004, "reissued": 0.003, "typo": 0.004}


def _alive_throughout(rows: pl.DataFrame, window: Window) -> pl.DataFrame:
    """One span of each person that holds through all the months, so that what is added to it really is a second valid card."""
    first, last = window.days
    return (
        rows.filter((pl.col("valid_from") < first - 30) & (pl.col("valid_to").fill_null(ALWAYS) > last) & pl.col("cause").is_null())
        .unique("person", keep="first", maintain_order=True)
        .sort("person")
    )


def _new_places(rng: np.random.Generator, frame: pl.DataFrame, places: Places, facilities: pl.DataFrame) -> pl.DataFrame:
    """Each row in another province, with a facility of that province."""
    spots = places.spots.filter(pl.col("old_province").is_in(places.provinces) & (pl.col("default_commune") == pl.col("commune")))
    drawn = spots[rng.integers(0, spots.height, frame.height)].select(spot_new="spot", province_new="old_province")
    first_facility = (
        facilities.filter(pl.col("kind") == "district").group_by("old_province", maintain_order=True).agg(pl.col("facility").first())
    )
    moved = pl.concat([frame, drawn], how="horizontal").filter(pl.col("province_new") != pl.col("old_province"))
    moved = moved.with_columns(spot=pl.col("spot_new"), old_province=pl.col("province_new")).drop("spot_new", "province_new", "facility")
    return moved.join(first_facility, on="old_province", how="left", maintain_order="left")


def moves(rng: np.random.Generator, rows: pl.DataFrame, places: Places, facilities: pl.DataFrame, window: Window) -> pl.DataFrame:
    """`rows`, where one person in eighty moves within the months: withdrawn (CHUYEN) at the old place, the same card at the new one."""
    first, last = window.days
    if len(places.provinces) < 2:
        return rows.with_columns(moved=pl.lit(False))
    candidates = _alive_throughout(rows, window)
    leaving = candidates.filter(pl.Series(rng.random(candidates.height) < 0.0125))
    leaving = leaving.with_columns(moved_on=pl.Series(rng.integers(first + 5, last - 3, leaving.height)))
    there = _new_places(rng, leaving, places, facilities)
    there = there.with_columns(valid_from="moved_on", known_from="moved_on")
    key = ["person", "object", "valid_from"]
    left = leaving.join(there.select("person"), on="person", how="semi").select(*key, left_on=pl.col("moved_on") - 1)
    rows = rows.join(left, on=key, how="left", maintain_order="left").with_columns(
        withdrawn_on=pl.coalesce("withdrawn_on", "left_on"),
        reason=pl.when(pl.col("left_on").is_not_null()).then(pl.lit("CHUYEN")).otherwise("reason"),
    )
    moved_people = there["person"]
    return pl.concat([rows.drop("left_on"), there.drop("moved_on").select(rows.drop("left_on").columns)]).with_columns(
        moved=pl.col("person").is_in(moved_people.implode())
    )


def second_cards(
    rng: np.random.Generator, rows: pl.DataFrame, places: Places, facilities: pl.DataFrame, window: Window, seed: int
) -> pl.DataFrame:
    """The second cards only, each a copy of a person's card with what its cause changes.

    Nearly all are decidable: they share a number, a citizen id, or name, birth date, sex and commune. Those that share only name, birth
    date and sex (a twelfth of those re-listed after moving) are the hard part.
    """
    base = _alive_throughout(rows, window)
    u = rng.random(base.height)
    child = (base["object"] == "TE").to_numpy()
    other_number = pl.concat_str("old_province", serial_number(pl.col("person") * 3 + 1, seed))
    made: list[pl.DataFrame] = []

    def of(cause: str, low: float, high: float, *, children: bool = False) -> pl.DataFrame:
        return base.filter(pl.Series((u >= low) & (u < high) & (child == children))).with_columns(cause=pl.lit(cause))

    edge = np.cumsum([0, *_SHARE.values()])
    two = of("two_groups", edge[0], edge[1])
    second = pl.when(pl.col("object") == "GD").then(pl.lit("CN")).when(pl.col("object") == "HT").then(pl.lit("TC")).otherwise(pl.lit("GD"))
    same_number = pl.Series(rng.random(two.height) < 0.6)
    two = two.with_columns(object=second, employer=pl.lit(None, pl.Int64), same=same_number)
    made.append(
        two.with_columns(number=pl.when("same").then("number").otherwise(other_number), social_insurance_number=pl.col("number")).drop(
            "same"
        )
    )

    listed_again = of("two_provinces", edge[1], edge[2])
    if len(places.provinces) > 1:
        v = pl.Series(rng.random(listed_again.height))
        listed_again = listed_again.with_columns(v=v)
        listed_again = _new_places(rng, listed_again, places, facilities)
        # 60 % the same number under the new province's prefix, 32 % a new number but the same citizen id, 8 % neither: the hard ones.
        renumbered = pl.col("v") >= 0.6
        listed_again = listed_again.with_columns(
            prefix_province="old_province",
            number=pl.when(renumbered).then(other_number).otherwise("number"),
            social_insurance_number=pl.when(renumbered).then(None).otherwise("number"),
            citizen_id=pl.when(pl.col("v") >= 0.92).then(None).otherwise("citizen_id"),
        ).drop("v")
        made.append(listed_again)

    # A temporary card for the newborn, made before the birth was registered: no citizen id, a number of its own.
    temporary = of("child", 0.0, _SHARE["child"], children=True)
    made.append(
        temporary.with_columns(number=other_number, social_insurance_number=pl.lit(None, pl.String), citizen_id=pl.lit(None, pl.String))
    )

    old_number = of("old_and_new_number", edge[3], edge[4])
    made.append(old_number.with_columns(number=other_number))  # its MA_SO_BHXH column still names the other number

    reissued = of("reissued", edge[4], edge[5])
    made.append(reissued.filter(~pl.col("object").is_in(["HN", "BT", "DT", "CB", "LH"])))

    typo = of("typo", edge[5], edge[6])
    kind = pl.Series(rng.integers(0, 4, typo.height))
    wrong_name = names.mistyped(rng, typo["full_name"].to_list())
    born = pl.from_epoch("birth", time_unit="d")
    swapped = pl.when(born.dt.day() <= 12).then(pl.date(born.dt.year(), born.dt.day(), born.dt.month())).otherwise(born.dt.offset_by("1y"))
    typo = typo.with_columns(kind=kind, wrong_name=pl.Series(wrong_name, dtype=pl.String)).with_columns(
        number=other_number,
        full_name=pl.when(pl.col("kind") <= 1).then("wrong_name").otherwise("full_name"),
        birth=pl.when((pl.col("kind") == 2) & ~pl.col("year_only")).then(swapped.cast(pl.Int32).cast(pl.Int64)).otherwise("birth"),
        sex=pl.when(pl.col("kind") == 3).then(pl.lit("3")).otherwise("sex"),
    )
    made.append(typo.drop("kind", "wrong_name"))

    added = pl.concat([m.select(rows.columns) for m in made])
    # Second cards began at some other time than the first, so that ties on the latest GT_THE_TU stay rare.
    shift = pl.Series(rng.integers(1, 25, added.height))
    return added.with_columns(
        valid_from=pl.when(pl.col("cause") == "child").then("valid_from").otherwise(pl.col("valid_from") + shift),
        employer=pl.when(pl.col("object").is_in(["DN", "HC", "CH", "HX"])).then("employer").otherwise(None),
        known_from=pl.lit(0, pl.Int64),
    )


def withdrawals(rng: np.random.Generator, rows: pl.DataFrame, people: pl.DataFrame, window: Window) -> pl.DataFrame:
    """Deaths (CHET, every card of the person), discovered duplicates (TRUNG) and other ends (KHAC: left work, gave the card back)."""
    first, last = window.days
    n_months = len(window.months)
    age = (last - people["birth"].to_numpy()) / 365.25
    risk = np.where(age > 75, 0.006, np.where(age > 55, 0.0012, 0.0002)) * n_months
    dies = rng.random(people.height) < risk
    died = pl.DataFrame({"person": people["person"], "died_on": rng.integers(first - 20, last - 8, people.height)}).filter(pl.Series(dies))
    rows = rows.join(died, on="person", how="left", maintain_order="left").with_columns(
        u=pl.Series(rng.random(rows.height)), day=pl.Series(rng.integers(first + 3, last - 2, rows.height))
    )
    rows = rows.filter(pl.col("died_on").is_null() | (pl.col("valid_from") <= pl.col("died_on")))
    lasting = pl.col("valid_to").fill_null(ALWAYS)
    chosen = (
        pl.when(
            pl.col("died_on").is_not_null()
            & (lasting >= pl.col("died_on"))
            & (pl.col("reason").is_null() | (pl.col("withdrawn_on") >= pl.col("died_on")))
        )
        .then(pl.lit("CHET"))
        .when(
            pl.col("reason").is_null()
            & pl.col("cause").is_not_null()
            & (pl.col("u") < 0.12)
            & (lasting > pl.col("day"))
            & (pl.col("valid_from") < pl.col("day"))
        )
        .then(pl.lit("TRUNG"))
        .when(
            pl.col("reason").is_null()
            & ~pl.col("moved").fill_null(False)
            & (pl.col("u") > 1 - 0.004 * n_months)
            & (lasting > pl.col("day"))
            & (pl.col("valid_from") < pl.col("day"))
        )
        .then(pl.lit("KHAC"))
        .otherwise("reason")
    )
    return (
        rows.with_columns(new_reason=chosen)
        .with_columns(
            withdrawn_on=pl.when(pl.col("new_reason") == "CHET")
            .then("died_on")
            .when(pl.col("new_reason").is_in(["TRUNG", "KHAC"]))
            .then("day")
            .otherwise("withdrawn_on"),
            reason="new_reason",
        )
        .drop("new_reason", "u", "day", "moved")
    )
