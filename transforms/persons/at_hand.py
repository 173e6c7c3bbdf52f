"""The model for the registers at hand: how crowded dates and places are, how people move, among how many a coincidence may happen."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.persons.compare import FIELDS, LEVELS, NEAR, home_levels, one_digit_apart
from transforms.persons.numbers import GIVEN_OUT_IN
from transforms.persons.standardise import Records
from transforms.persons.weigh import COHORT, Floats, Model, counts_of

Array = npt.NDArray[Any]

# Fewer cards than the smallest province has may be picked by hand: until coincidences among them have been counted, as many are expected as
# among so many people.
PROVINCE, EXCERPT_OF = 500_000, 10_000_000
PRIOR_COINCIDENCES = 0.1  # that expectation counts as much as so many coincidences
RARE = 3  # people, at most, of a name that is rare in a register
PRIOR_CARDS = 100_000.0  # as many cards as the chances of the model are worth beside those of the registers at hand
PRIOR_PAIRS = 100.0  # pairs of one person's cards, as many as what a model says before they are counted is worth
SAMPLED = 1_000_000  # cards, about, of which coincidences and moves are counted


def at_hand(records: Records, model: Model) -> Model:
    """`model` for these registers: the people among whom a coincidence may happen, and how likely one is in dates and places.

    What one person's cards look like is the model's, but for how people move (`moves`); how crowded a birth date or a commune is follows
    from counting cards, of very many some as they lie (sorted by name). The chances of the model count as `PRIOR_CARDS` cards more, so a
    small register is judged by them.
    """
    latest = records.latest("birth", "year", "vague", "citizen", "insured", "commune", "province", "old_province")
    latest = latest.gather_every(_step(latest.height))
    cards = records.cards.height
    own = cards / (cards + PRIOR_CARDS)
    levels = {field: {level: dict(of) for level, of in model.levels[field].items()} for field in FIELDS}
    with ThreadPoolExecutor(2) as pool:
        found = {"birth": pool.submit(_birth_chances, latest), "place": pool.submit(_place_chances, latest, levels["place"])}
        moved = moves(records, levels["place"])
    for field, of_field in found.items():
        for level, chance in of_field.result().items():
            levels[field][level]["unrelated"] = own * chance + (1 - own) * levels[field][level]["unrelated"]
    for level, chance in moved.items():
        levels["place"][level]["match"] = chance
    return replace(model, population=_population(records, model.levels["citizen"]), levels=levels)


def _step(cards: int) -> int:
    """Every how many cards are counted. Odd, as some offices count in even numbers, and who has two cards has them side by side."""
    return cards // SAMPLED * 2 + 1


def _population(records: Records, citizen: Mapping[str, Mapping[str, float]]) -> float:
    """Among how many people coincidences happen as often as they do in these registers: as many as there are cards, more where people
    of one rare name and one birth date are met more often than names and dates by themselves let expect.

    It is by rare names that cards without a number in common become one person's. That two cards are two people's is known by their
    verified CCCDs (more than one digit apart), but for those of one person that the levels of `citizen` let expect among so many pairs of
    his. What is met corrects what a small register is taken for, as counts do a gamma prior.
    """
    cards = max(records.cards.height, 1)
    excerpt_of = EXCERPT_OF * (1 - cards / PROVINCE)
    if excerpt_of <= cards:
        return float(cards)
    known = records.rows.filter(pl.col("latest") & pl.col("verified") & ~pl.col("vague"))
    name = records.names["plain_id"].gather(known["name"]).cast(pl.Int64)
    held = known.select("citizen", "birth", cohort=pl.col("year") // COHORT, name=name).drop_nulls()
    people = held.group_by(pl.all()).agg(of_one=_pairs())
    rare = people.filter(pl.len().over("name") <= RARE)
    alike = rare.join(rare.select("name", "birth", other="citizen"), on=["name", "birth"]).filter(pl.col("citizen") < pl.col("other"))
    met = alike.filter(~one_digit_apart(pl.col("citizen"), pl.col("other"))).height
    mixed_up = int(rare["of_one"].sum()) * citizen["other_verified"]["match"] / citizen["same_verified"]["match"]
    namesakes = rare.group_by("cohort", "name").agg(pairs=_pairs()).group_by("cohort").agg(pl.col("pairs").sum()).sort("cohort")
    expected = sum(pairs * share_of(people.filter(pl.col("cohort") == cohort)["birth"]) for cohort, pairs in namesakes.iter_rows())
    crowded = (max(met - mixed_up, 0.0) + PRIOR_COINCIDENCES * excerpt_of / cards) / (expected + PRIOR_COINCIDENCES)
    return float(round(np.clip(cards * crowded, cards, excerpt_of)))


def _pairs() -> pl.Expr:
    """Of a group, how many pairs its rows make."""
    return pl.len().cast(pl.Int64) * (pl.len().cast(pl.Int64) - 1) // 2


def _birth_chances(latest: pl.DataFrame) -> dict[str, float]:
    """How likely two random people of known birth year agree in the levels of `birth` that can be counted."""
    precise = latest.filter(~pl.col("vague")).select("birth", "year")
    known = max(latest["year"].drop_nulls().len(), 1)
    share = (precise.height / known) ** 2
    same, year, precise_year = share_of(precise["birth"]) * share, share_of(latest["year"]), share_of(precise["year"]) * share
    # A day of up to 12 and another month: 11 × 12 of 365 dates have a counterpart.
    swapped, digit = same * 0.36, precise_year * 0.06 + same * 10
    return {
        "same": same,
        "swapped": swapped,
        "one_digit": digit,
        "year": max(year - precise_year, 0.0),
        "same_year": max(precise_year * 0.94 - same - swapped, 0.0),
        "other": max(1 - year - same * 10, 0.1),
    }


def moves(records: Records, place: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Level → chance, among one person's cards, of the levels of `place` that are not of one commune.

    By pairs of cards that one number and one name prove. Of those of one province: how many are near. Of those of two: how many have a
    social insurance number that was given out in the other's province, as pairs tell that have two such numbers and one verified CCCD;
    and a CCCD, on one card alone, as those with one social insurance number tell. `place` says what is expected before, and how many stay
    in the province at all.
    """
    by_citizen = home_levels(records, _proven(records, "citizen"))
    by_insured = home_levels(records, _proven(records, "insured"))
    renumbered = by_citizen.filter(pl.col("insured") == LEVELS["insured"].index("other") + 1)
    spread: dict[str, float] = {}
    for levels, proven in ((("near", "old_province", "province"), by_citizen), (("moved", "born_there", "other"), renumbered)):
        spread |= _spread(levels, proven, {level: place[level]["match"] for level in levels})
    return spread | _spread(("born_there", "other"), by_insured, {level: spread[level] for level in ("born_there", "other")})


def _spread(levels: tuple[str, ...], proven: pl.DataFrame, expected: dict[str, float]) -> dict[str, float]:
    """`expected` (level → chance) after the first level was met so often among `proven`; the others keep their proportions."""
    met = {level: proven.filter(pl.col("place") == LEVELS["place"].index(level) + 1).height for level in levels}
    total = sum(expected.values())
    before = expected[levels[0]] / total
    share = (met[levels[0]] + PRIOR_PAIRS * before) / (sum(met.values()) + PRIOR_PAIRS)
    return {level: total * share if level == levels[0] else chance * (1 - share) / (1 - before) for level, chance in expected.items()}


def _proven(records: Records, number: str) -> pl.DataFrame:
    """`left`, `right` (rows of `records.rows`): cards of one number and one name, each with the next; a CCCD counts where it is verified.
    Of many cards, those of about `SAMPLED`."""
    rows = records.rows.select("name", "verified", "latest", number=number, row=pl.int_range(pl.len(), dtype=pl.Int32)).filter("latest")
    known = rows.filter("verified") if number == "citizen" else rows
    known = known.filter(pl.col("number") % _step(records.cards.height) == 0).drop_nulls("name").sort("number", "name", "row")
    again = (pl.col("number") == pl.col("number").shift()) & (pl.col("name") == pl.col("name").shift())
    return known.select(left=pl.col("row").shift(), right="row", again=again).filter("again").select("left", "right")


def _place_chances(latest: pl.DataFrame, levels: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """How likely two random people agree in the levels of `place`; the levels within a commune keep their proportions."""
    within = ("household", "address", "commune", "commune_other_home")
    commune, province = share_of(latest["commune"]), share_of(latest["province"])
    both = latest.filter(pl.col("old_province").is_not_null())
    old = share_of(both.select(pl.col("province").cast(pl.Int32) * 100 + pl.col("old_province")).to_series())
    near, (given_there, born_there) = _near_chance(latest), _given_there_chances(latest)
    old = max(old - commune - near, 0.0) * (both.height / max(latest.height, 1)) ** 2
    total = sum(levels[level]["unrelated"] for level in within)
    return {level: commune * levels[level]["unrelated"] / total for level in within} | {
        "near": near,
        "old_province": old,
        "province": max(province - commune - near - old, 0.0),
        "moved": given_there,
        "born_there": born_there,
        "other": 1 - province - given_there - born_there,
    }


def _near_chance(latest: pl.DataFrame) -> float:
    """How likely two random people live in two communes of one province whose codes are at most `NEAR` apart."""
    place = pl.col("province").cast(pl.Int64) * 1_000_000 + pl.col("commune")
    people = counts_of(latest.select(place).to_series()).sort("value")
    code, met = people["value"].to_numpy(), people["met"].cast(pl.Float64).to_numpy()
    before = np.append(0.0, np.cumsum(met))
    neighbours = before[np.searchsorted(code, code + NEAR, side="right")] - before[1:]
    return float((met * neighbours).sum() * 2 / max(before[-1] * (before[-1] - 1), 1.0))


def _given_there_chances(latest: pl.DataFrame) -> tuple[float, float]:
    """How likely two random people live in two provinces, and the social insurance number of one was given out in the other's; and how
    likely, where it was not, the CCCD of one is from there and the other has none."""
    known = latest.drop_nulls("province")
    lives = known["province"].to_numpy().astype(np.int64)
    size = max(int(lives.max(initial=0)) + 1, len(GIVEN_OUT_IN))
    insured, citizen = (
        GIVEN_OUT_IN[(known[c].fill_null(0) // 10**unit).to_numpy()].astype(np.int64) for c, unit in (("insured", 8), ("citizen", 9))
    )
    people = np.maximum(np.bincount(lives, minlength=size)[:, None], 1)
    of_province = np.bincount(lives, minlength=size)[:, None] / max(len(lives), 1)

    def share(some: Array, given_out_in: Array) -> Floats:
        """Of the people of a province (row), `some` of them, by the province that gave their number out (column)."""
        return np.bincount((lives * size + given_out_in)[some], minlength=size * size).reshape(size, size) / people

    def of_two(either: Floats) -> float:
        np.fill_diagonal(either, 0.0)
        return float((of_province.T @ either @ of_province).item())

    there, native = share(insured > 0, insured), share((citizen > 0) & (citizen != insured), citizen)
    none = known["citizen"].is_null().to_numpy()
    # Who has no CCCD, and no number of the one's province either.
    without = np.bincount(lives, none, minlength=size)[:, None] / people - share(none & (insured > 0), insured)
    return of_two(1 - (1 - there) * (1 - there.T)), of_two(native * without.T + native.T * without)


def share_of(values: pl.Series) -> float:
    """How likely two random people share their value; the unknown ones left out."""
    counts = counts_of(values)["met"].cast(pl.Float64)
    total = float(counts.sum())
    return float((counts * (counts - 1)).sum()) / max(total * (total - 1), 1.0)
