"""A model from registers whose persons nobody has told: expectation–maximisation over counts of patterns.

What unrelated people have in common by chance is measured on all pairs, never on those that blocking picked out: exactly where values can
be counted, else on pairs drawn within strata whose share of all pairs is known. It then stays fixed. So does the class of one household,
which is tied to chance where it must not be learnt (given names and numbers). What is learnt is how one person's cards differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.persons.at_hand import PRIOR_PAIRS, moves, share_of
from transforms.persons.compare import FIELDS, LEVELS, RARE_LEVELS, Chances, compare
from transforms.persons.score import score
from transforms.persons.standardise import Records, standardise
from transforms.persons.weigh import COHORT, Model, chances, joint_bits, pinned

Floats = npt.NDArray[np.float64]
Levels = dict[str, dict[str, dict[str, float]]]

DRAWN = 400_000  # pairs of each stratum
ROUNDS = 60
ENOUGH = 1_000  # pairs of one household to measure that class by


def train(cards: pl.DataFrame | pl.LazyFrame, start: Model | None = None, version: str = "trained") -> Model:
    """A model of these registers, beginning with `start` (the pinned one unless given), whose class of one household it keeps.

    The same cards give the same model. Raises ValueError where there are too few pairs to learn from.
    """
    records = standardise(cards)
    model = replace(start or pinned(), population=float(records.cards.height))
    rare = chances(records, model)
    levels = measured(model.levels, "unrelated", unrelated(records, rare))
    model = replace(model, levels=measured(levels, "household", household(records, rare)))
    model = fitted(score(records, rare, model, np.inf).patterns, model)
    # Who keeps his number often has it from where he came from; what tells is how those move who have another.
    moved = moves(records, model.levels["place"])
    place = {level: {**of, "match": moved.get(level, of["match"])} for level, of in model.levels["place"].items()}
    return replace(model, levels={**model.levels, "place": place}, version=version)


def fitted(patterns: pl.DataFrame, model: Model, prior_pairs: float = PRIOR_PAIRS) -> Model:
    """`model` with `match` and `further_cards` as they follow from how often each pattern occurs (`score.Scored.patterns`)."""
    pairs = patterns["pairs"].to_numpy().astype(np.float64)
    start = model.levels
    for _ in range(ROUNDS):
        log = joint_bits(patterns, model)
        top = np.maximum.reduce(list(log.values()))
        odds = {name: np.exp2(bits - top) for name, bits in log.items()}
        match = pairs * odds["match"] / sum(odds.values())
        matched = float(match.sum())
        if matched < 1:
            raise ValueError(f"only {pairs.sum():.0f} pairs to compare, and hardly any of one person: too few to learn from")
        levels = {
            field: {
                level: {
                    **of,
                    "match": (float(match[patterns[field].to_numpy() == place].sum()) + prior_pairs * start[field][level]["match"]),
                }
                for place, (level, of) in enumerate(model.levels[field].items(), 1)
            }
            for field in FIELDS
        }
        for of_field in levels.values():
            total = sum(of["match"] for of in of_field.values())
            for of in of_field.values():
                of["match"] /= total
        _like_at_home(levels["place"])
        further = 2 * matched / model.population
        settled = abs(further - model.further_cards) < 1e-6 * further
        model = replace(model, levels=levels, further_cards=further)
        if settled:
            break
    return model


def _like_at_home(place: dict[str, dict[str, float]]) -> None:
    """How much is known of the home of two members of a household is what is known of one person's two cards: registers are as they are."""
    known = ("household", "address", "commune")
    share = sum(place[level]["household"] for level in known) / sum(place[level]["match"] for level in known)
    for level in known:
        place[level]["household"] = place[level]["match"] * share


def measured(levels: Mapping[str, Any], kind: str, found: Mapping[str, Mapping[str, float]]) -> Levels:
    """The levels with what was `found` for a class (`unrelated`, `household`) in the place of what was there."""
    return {
        field: {
            level: {name: found.get(field, {}).get(level, chance) if name.startswith(kind) else chance for name, chance in of.items()}
            for level, of in levels[field].items()
        }
        for field in FIELDS
    }


def unrelated(records: Records, rare: Chances) -> dict[str, dict[str, float]]:
    """The chance of each level between two people who have nothing to do with each other; for names, per chance of that very name.

    Numbers are not measured: who shares one is hardly ever unrelated.
    """
    rows = _latest(records)
    cohort = (pl.col("year") // COHORT).cast(pl.Int64)
    parts = {part: records.names[f"{part}_id"].cast(pl.Int64) for part in ("given", "plain", "ordered", "joined")}
    parts["before"] = records.names.select(
        pl.when(pl.col("surname_id").is_not_null()).then(pl.struct("surname_id", "middle_id").hash() % 2**32).cast(pl.Int64)
    ).to_series()
    named = rows.select(
        "row", "commune", cohort=cohort, **{part: pl.lit(of.gather(rows["name"])) * 1_000 + cohort for part, of in parts.items()}
    )
    anyone = _drawn(records, rare, rows["row"].to_numpy(), np.zeros(rows.height, np.int64))
    namesakes = _stratum(records, rare, named.drop_nulls("given"), "given")
    but_for_given = _stratum(records, rare, named.drop_nulls("before"), "before")
    neighbours = _stratum(records, rare, named.drop_nulls("commune"), "commune")
    # Names are compared among people born about the same time, as their chances are (`weigh.chances`).
    alike = {part: share_of(named[part]) / max(share_of(named.filter(pl.col(part).is_not_null())["cohort"]), 1e-9) for part in parts}
    together = share_of(named["commune"])
    found = {"birth": _shares(anyone, "birth"), "sex": _shares(namesakes, "sex"), "place": _shares(anyone, "place")}
    dates = records.rows.filter(pl.col("latest") & ~pl.col("vague"))["birth"]
    found["birth"]["same"] = share_of(dates) * (dates.drop_nulls().len() / max(rows["year"].drop_nulls().len(), 1)) ** 2
    found["birth"] |= {"swapped": found["birth"]["same"] * 0.4}
    home = _shares(neighbours, "place")
    apart = neighbours.filter(pl.col("apart"))
    by_chance = _shares(apart, "place")["address"] * float(neighbours["addressed"].mean() or 0.0)  # type: ignore[arg-type]
    elsewhere = home["commune"] + home["commune_other_home"]
    for level in ("commune", "commune_other_home"):
        found["place"][level] = together * home[level] / max(elsewhere, 1e-9) * (1 - by_chance)
    found["place"]["address"] = together * by_chance
    del found["place"]["household"]
    names, close, near = (_shares(drawn, "name") for drawn in (anyone, namesakes, but_for_given))
    found["name"] = {level: names[level] for level in ("given_name_close", "same_surname", "other")}
    found["name"]["same_given_name"] = alike["given"] * close["same_given_name"]
    named_rows = records.rows["latest"] & records.rows["name"].is_not_null()
    for level, kind in RARE_LEVELS.items():
        bits = rare.rows["ends" if kind == "ends" else "whole"].filter(named_rows)
        typical = float(np.exp2(-bits.to_numpy() / 2).mean()) if named_rows.any() else 1.0
        met = alike["given"] * close[level]
        if level == "given_name_slip":
            met = alike["before"] * near[level]
        elif level == "rearranged":
            met = max(alike["ordered"] + alike["joined"] - 2 * alike["plain"], 0.0)
        found["name"][level] = met / max(typical, 1e-12)
    # Of two people one bears the shorter name, either of them.
    found["name"]["part"] = 2.0
    return found


def household(records: Records, rare: Chances) -> dict[str, dict[str, float]]:
    """The chance of each level between two members of one household, as far as pairs with one household number tell.

    Pairs with one given name are left out: they may be one person. The levels that only those have, and all numbers, stay as they are.
    """
    members = _stratum(records, rare, _latest(records).drop_nulls("household"), "household")
    same_given = [place for place, level in enumerate(LEVELS["name"], 1) if level in (*RARE_LEVELS, "same_given_name")]
    others = members.filter(~pl.col("name").is_in(same_given))
    if others.height < ENOUGH:
        return {}
    # Twins are rare, but their names are alike: the model says how often dates are the same.
    birth = {level: share for level, share in _shares(others, "birth").items() if level != "same"}
    return {"birth": birth, "sex": _shares(others, "sex")} | {
        "name": {level: share for level, share in _shares(others, "name").items() if level in ("same_surname", "other")}
    }


def _latest(records: Records) -> pl.DataFrame:
    return records.rows.with_row_index("row").filter("latest")


def _shares(drawn: pl.DataFrame, field: str) -> dict[str, float]:
    """How often each level was drawn among the known ones, weighed; half a pair of each is added."""
    counts = dict(drawn.filter(pl.col(field) > 0).group_by(field).agg(pl.col("weight").sum()).iter_rows())
    total = sum(counts.values()) + len(LEVELS[field]) / 2
    return {level: (counts.get(place, 0.0) + 0.5) / total for place, level in enumerate(LEVELS[field], 1)}


def _stratum(records: Records, rare: Chances, rows: pl.DataFrame, column: str) -> pl.DataFrame:
    ordered = rows.sort(column, "row")
    return _drawn(records, rare, ordered["row"].to_numpy(), ordered[column].to_numpy())


def _drawn(records: Records, rare: Chances, rows: npt.NDArray[Any], group: npt.NDArray[Any]) -> pl.DataFrame:
    """Levels of about `DRAWN` pairs of `rows` within their `group` (sorted by it): as many per group as it has pairs."""
    starts = np.flatnonzero(np.append(True, group[1:] != group[:-1])) if len(group) else np.zeros(0, np.int64)
    sizes = np.diff(np.append(starts, len(group))).astype(np.float64)
    # Pairs drawn from the whole stratum, at equal steps of their numbering; no chance is involved.
    ends = np.cumsum(sizes * (sizes - 1) / 2)
    total = float(ends[-1]) if len(ends) else 0.0
    at = np.unique(np.floor((np.arange(min(DRAWN, int(total))) + 0.5) * total / max(min(DRAWN, int(total)), 1)))
    of = np.searchsorted(ends, at, side="right")
    inside = (at - np.append(0.0, ends)[of]).astype(np.int64)
    # The pair of this number: row j of the group with one of the j rows before it.
    second = ((1 + np.sqrt(1 + 8.0 * inside)) / 2).astype(np.int64)
    second -= second * (second - 1) // 2 > inside
    second += (second + 1) * second // 2 <= inside
    first = inside - second * (second - 1) // 2
    one, two = rows[starts[of] + first], rows[starts[of] + second]
    pairs = pl.DataFrame({"left": np.minimum(one, two), "right": np.maximum(one, two)}, schema={"left": pl.Int32, "right": pl.Int32})
    compared = compare(records, pairs, rare)
    known = {c: records.rows[c].is_not_null() for c in ("household", "address")}
    both = {c: known[c].gather(pairs["left"]) & known[c].gather(pairs["right"]) for c in known}
    return (
        compared.pairs.with_columns(apart=both["household"] & both["address"], addressed=both["address"], weight=pl.lit(1.0))
        .join(compared.patterns.drop("pairs"), on="pattern", how="left", maintain_order="left")
        .with_columns(pl.col("apart") & (pl.col("place") > 1))
    )
