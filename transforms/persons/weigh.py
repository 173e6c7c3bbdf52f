"""Levels of agreement → the probability that two records are one person (Fellegi–Sunter, as a mixture of three classes).

A pair is a match (one person), two unrelated people, or two people of one household; the third class keeps families, twins and
siblings apart, who agree on so much. Every weight is in bits: log2 of the odds of a match against the two others together.

The model is pinned (`model.json`): the same cards are the same persons on any machine and whatever else is in the data. Its chances of
coincidence are those of the whole nation, so a common name with the same birth date proves as little in a small register as in a large.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.persons.compare import FIELDS, LEVELS, RARITIES, Chances, one_digit_apart
from transforms.persons.spelling import standard_name
from transforms.persons.standardise import Records

Floats = npt.NDArray[np.float64]
# Fewer cards than the smallest province has may be picked by hand: until coincidences among them have been counted, as many are expected as
# among so many people.
PROVINCE, EXCERPT_OF = 500_000, 10_000_000
PRIOR_COINCIDENCES = 0.1  # that expectation counts as much as so many coincidences
RARE = 3  # people, at most, of a name that is rare in a register
PRIOR_CARDS = 100_000.0  # as many cards as the chances of the model are worth beside those of the registers at hand
EXPECTED = 2.0  # people of a name, as many as the chances of its words are worth
COHORT = 10  # years: names have fashions
AT_A_TIME, MOST_CELLS = 1 << 20, 16  # rows whose chances are worked out together; cells per row that may be counted in an array
CLASSES = ("match", "unrelated", "household")


@dataclass(frozen=True)
class Model:
    """What a level weighs.

    `levels[field][level][class]` is P(level | class); for names, `unrelated_per_name_chance` instead of `unrelated` multiplies the
    chance of that very name. `population`: people among whom a coincidence may happen; `further_cards`: expected cards of a person
    beyond the first; `household_members`: expected others in the household. At `merge_bits` cards are one person, from `review_bits`
    a person should look.
    """

    version: str
    population: float
    further_cards: float
    household_members: float
    merge_bits: float
    review_bits: float
    levels: Mapping[str, Mapping[str, Mapping[str, float]]]
    names: Mapping[str, Any]

    def text(self) -> str:
        """The model file: `parse` reads it again."""
        fields = {f: {level: {name: float(f"{p:.4g}") for name, p in of.items()} for level, of in self.levels[f].items()} for f in FIELDS}
        said = {"version": self.version, "population": self.population, "further_cards": float(f"{self.further_cards:.4g}")}
        said |= {"household_members": self.household_members, "merge_bits": self.merge_bits, "review_bits": self.review_bits}
        lines = [f'  "{key}": {json.dumps(value)}' for key, value in said.items()]
        for key, parts in (("fields", fields), ("names", self.names)):
            inner = []
            for name, part in parts.items():
                if key == "fields":
                    levels = ",\n".join(f'      "{level}": {json.dumps(of)}' for level, of in part.items())
                    inner.append(f'    "{name}": {{\n{levels}\n    }}')
                else:
                    inner.append(f'    "{name}": {json.dumps(part, ensure_ascii=False)}')
            lines.append(f'  "{key}": {{\n' + ",\n".join(inner) + "\n  }")
        return "{\n" + ",\n".join(lines) + "\n}\n"

    @classmethod
    def parse(cls, text: str) -> Model:
        """A model file's text; raises ValueError where a field or level of `compare.LEVELS` is missing."""
        read = json.loads(text)
        for field, levels in LEVELS.items():
            missing = set(levels) - set(read["fields"].get(field, {}))
            if missing:
                raise ValueError(f"model {read.get('version')} lacks {field}: {', '.join(sorted(missing))}")
        return cls(
            version=read["version"],
            population=read["population"],
            further_cards=read["further_cards"],
            household_members=read["household_members"],
            merge_bits=read["merge_bits"],
            review_bits=read["review_bits"],
            levels=read["fields"],
            names=read["names"],
        )


@cache
def pinned() -> Model:
    """The model that the nights use."""
    return Model.parse(files("transforms.persons").joinpath("model.json").read_text(encoding="utf-8"))


def chances(records: Records, model: Model) -> Chances:
    """How likely coincidences are, by what it is that two records have in common.

    A name's chance is that of its words in the model, corrected by how often it occurs in the registers: as if `EXPECTED` people of that
    name had been met among as many as the model expects them in. `whole`: the name as it stands. `ends`: its surname and given name,
    whatever is between. An unaccented word has the chances of all words that it may stand for.
    """
    names, rows = records.names, records.rows
    name = rows["name"].fill_null(names.height).to_numpy()
    cohorts, born = _cohorts(rows["year"])
    latest = rows["latest"].to_numpy()
    people = int(latest.sum())
    of_cohort = np.bincount(born[latest], minlength=cohorts)

    def rare(kind: str, prior: Floats) -> npt.NDArray[np.int8]:
        group = np.append(names["plain_id"].to_numpy() if kind == "whole" else _ends(names), 0).astype(np.int64)
        # First among everyone, then among those born about then. Of the people met, two are the pair that is asked about.
        anyone = _corrected(np.append(prior, 0.0), np.bincount(group[name[latest]], minlength=int(group.max()) + 1)[group], people)
        cell = group[name] * cohorts + born
        met = _met(cell, latest)
        made = np.empty(len(cell), np.int8)
        for start in range(0, len(cell), AT_A_TIME):
            some = slice(start, start + AT_A_TIME)
            of_name = _corrected(anyone[name[some]], met(cell[some]), of_cohort[born[some]])
            made[some] = np.clip(_steps(-of_name), 0, RARITIES - 1)
        return made

    kinds, places = ("whole", "ends"), ("commune", "province", "year")
    with ThreadPoolExecutor(2) as pool:
        bits = pool.map(rare, kinds, _word_bits(names, model))
        rarer = pool.map(lambda column: _rarer(rows[column], records.latest(column)[column]), places)
        return Chances(pl.DataFrame(dict(zip((*kinds, *places), (*bits, *rarer), strict=True))))


def _cohorts(year: pl.Series) -> tuple[int, npt.NDArray[np.int16]]:
    """How many spans of `COHORT` years somebody was born in, and the place of each row's span among them; unknown is one of its own."""
    span = year.fill_null(0).to_numpy() // COHORT
    span -= span.min(initial=0)
    place = np.cumsum(np.bincount(span, minlength=1) > 0) - 1
    return int(place[-1]) + 1, place.astype(np.int16)[span]


def _ends(names: pl.DataFrame) -> npt.NDArray[np.int64]:
    """A number from 1 for each pair of surname and given name, row by row of `names`."""
    surname, given = (names[f"{part}_id"].fill_null(0).to_numpy().astype(np.uint64) for part in ("surname", "given"))
    ends: npt.NDArray[np.int64] = np.unique(surname << np.uint64(32) | given, return_inverse=True)[1] + 1
    return ends


def _met(cell: npt.NDArray[np.int64], counts: npt.NDArray[np.bool_]) -> Callable[[npt.NDArray[np.int64]], npt.NDArray[Any]]:
    """What gives, of each cell asked for, how many rows of it there are that count."""
    last = int(cell.max()) + 1 if len(cell) else 1
    if last <= MOST_CELLS * len(cell) + AT_A_TIME:
        counted: npt.NDArray[Any] = np.bincount(cell if counts.all() else cell[counts], minlength=last).astype(np.int32)
        return lambda asked: np.take(counted, asked)
    # More kinds of names and years than rows: only what occurs is counted.
    known, met = np.unique(np.append(cell[counts], last), return_counts=True)

    def of(asked: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        at = np.searchsorted(known, asked)
        found: npt.NDArray[Any] = np.where(known[at] == asked, met[at], 0)
        return found

    return of


def _corrected(prior: Floats, met: npt.NDArray[Any], people: npt.NDArray[Any] | int) -> Floats:
    """log2 of a chance that was `prior` (log2) before so many of so many people were met who have it."""
    bits: Floats = np.log2((EXPECTED + np.maximum(met - 2, 0)) / (EXPECTED * np.exp2(-prior) + people))
    return bits


def at_hand(records: Records, model: Model) -> Model:
    """`model` for these registers: the people among whom a coincidence may happen, and how likely one is in dates and places.

    What one person's cards look like is the model's; how crowded a birth date or a commune is follows from counting all cards. The chances
    of the model count as `PRIOR_CARDS` cards more, so a small register is judged by them.
    """
    latest = records.latest("birth", "year", "vague", "commune", "province", "old_province")
    cards = records.cards.height
    own = cards / (cards + PRIOR_CARDS)
    levels = {field: {level: dict(of) for level, of in model.levels[field].items()} for field in FIELDS}
    with ThreadPoolExecutor(2) as pool:
        found = {"birth": pool.submit(_birth_chances, latest), "place": pool.submit(_place_chances, latest, levels["place"])}
    for field, of_field in found.items():
        for level, chance in of_field.result().items():
            levels[field][level]["unrelated"] = own * chance + (1 - own) * levels[field][level]["unrelated"]
    return replace(model, population=_population(records, model.levels["citizen"]), levels=levels)


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


def _place_chances(latest: pl.DataFrame, levels: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """How likely two random people agree in the levels of `place`; the levels within a commune keep their proportions."""
    within = ("household", "address", "commune", "commune_other_home")
    commune, province = share_of(latest["commune"]), share_of(latest["province"])
    both = latest.filter(pl.col("old_province").is_not_null())
    old = share_of(both.select(pl.col("province").cast(pl.Int32) * 100 + pl.col("old_province")).to_series())
    old = max(old * (both.height / max(latest.height, 1)) ** 2 - commune, 0.0)
    total = sum(levels[level]["unrelated"] for level in within)
    return {level: commune * levels[level]["unrelated"] / total for level in within} | {
        "old_province": old,
        "province": max(province - commune - old, 0.0),
        "other": 1 - province,
    }


def share_of(values: pl.Series) -> float:
    """How likely two random people share their value; the unknown ones left out."""
    counts = _counts(values)["met"].cast(pl.Float64)
    total = float(counts.sum())
    return float((counts * (counts - 1)).sum()) / max(total * (total - 1), 1.0)


def _counts(values: pl.Series) -> pl.DataFrame:
    """`value`, `met`: how often each of these whole numbers occurs; the unknown ones left out."""
    known = values.rename("value").drop_nulls()
    number = known.to_numpy()
    if len(number) and number.min() >= 0 and number.max() < MOST_CELLS * len(number) + AT_A_TIME:
        counted = np.bincount(number)
        value = np.flatnonzero(counted)
        return pl.DataFrame({"value": pl.Series(value).cast(known.dtype), "met": counted[value]})
    return known.value_counts(name="met")


def _steps(bits: Floats) -> Floats:
    """Half bits, rounded."""
    return np.round(bits * 2)


def _rarer(values: pl.Series, latest: pl.Series) -> pl.Series:
    """How much rarer a value is than those that two random people share, in half bits between -15 and 15."""
    counts = _counts(latest)
    met = counts["met"].cast(pl.Float64)
    typical = float((met * met).sum()) / max(float(met.sum()), 1.0)
    # A thousand people of the typical value are added: in a small register nothing is rare.
    bits = (-((pl.col("met") + 1_000.0) / (typical + 1_000.0)).log(2) * 2).round().clip(-15, 15).cast(pl.Int8)
    steps = counts.select("value", bits=bits)
    return values.replace_strict(steps["value"], steps["bits"], default=0, return_dtype=pl.Int8)


def _word_bits(names: pl.DataFrame, model: Model) -> tuple[Floats, Floats]:
    """log2 of the chance of each name and of its ends, by its words."""
    words, length = pl.col("words"), pl.col("words").list.len().cast(pl.Int64)
    parts = names.select(words=pl.col("standard").str.split(" ")).select(
        surname=pl.when(length > 1).then(words.list.first()),
        middle=pl.when(length > 2).then(words.list.get(1, null_on_oob=True)),
        given=words.list.last(),
        further=(length - 3).clip(0),
    )
    chance = {
        part: _word_chances(parts[part], model.names[f"{part}s"], model.names[f"other_{part}"]) for part in ("surname", "middle", "given")
    }
    ends = np.log2(chance["surname"]) + np.log2(chance["given"])
    middle = np.where(parts["middle"].is_null().to_numpy(), model.names["without_middle"], chance["middle"])
    whole = ends + np.log2(middle) + parts["further"].to_numpy() * np.log2(model.names["further_word"])
    return whole, ends


def _word_chances(words: pl.Series, table: Mapping[str, float], otherwise: float) -> Floats:
    """The chance of each word, in standard form; of an unaccented one that of all its accented forms together."""
    listed = pl.DataFrame({"word": list(table), "chance": list(table.values())}, schema={"word": pl.String, "chance": pl.Float64})
    listed = listed.with_columns(standard_name(pl.col("word"))).group_by("word").agg(pl.col("chance").sum())
    plain = pl.col("word").str.replace_all(r"\p{M}", "").str.replace_all("đ", "d")
    folded = listed.group_by(plain.alias("word")).agg(pl.col("chance").sum().alias("folded"))
    found = pl.DataFrame({"word": words.unique()}).join(listed, on="word", how="left").join(folded, on="word", how="left")
    found = found.select("word", chance=pl.coalesce("folded", "chance").fill_null(otherwise))
    return words.rename("word").to_frame().join(found, on="word", how="left", maintain_order="left", nulls_equal=True)["chance"].to_numpy()


def weigh(patterns: pl.DataFrame, model: Model) -> pl.DataFrame:
    """Adds to `compare.Compared.patterns` the `weight` in bits and `household_bits` (log2 odds of household against unrelated)."""
    log = joint_bits(patterns, model)
    against = np.logaddexp2(log["unrelated"], log["household"])
    # Whole thousandths of a bit: sums of floating point numbers then sort alike everywhere.
    weight = np.round(log["match"] - against, 3)
    return patterns.with_columns(weight=pl.Series(weight), household_bits=pl.Series(np.round(log["household"] - log["unrelated"], 3)))


def joint_bits(patterns: pl.DataFrame, model: Model) -> dict[str, Floats]:
    """log2 of (prior × probability of the pattern), per class."""
    total = {
        "match": np.full(patterns.height, np.log2(model.further_cards / model.population)),
        "unrelated": np.zeros(patterns.height),
        "household": np.full(patterns.height, np.log2(model.household_members / model.population)),
    }
    rarity = patterns["rarity"].to_numpy()
    for field in FIELDS:
        level = patterns[field].to_numpy()
        for name in CLASSES:
            total[name] += _level_bits(field, name, model)[level, rarity]
    return total


def _level_bits(field: str, name: str, model: Model) -> Floats:
    """log2 P(level | class) by level (0: missing, no evidence) and rarity of the name."""
    bits = np.zeros((len(LEVELS[field]) + 1, RARITIES))
    rarity = -np.arange(RARITIES) / 2
    for place, level in enumerate(LEVELS[field], 1):
        chances = model.levels[field][level]
        if name in chances:
            bits[place] = np.log2(chances[name])
        else:
            bits[place] = np.minimum(np.log2(chances["unrelated_per_name_chance"]) + rarity, 0.0)
    return bits


def contributions(pattern: pl.DataFrame, model: Model) -> pl.DataFrame:
    """One weighed pattern as a waterfall: `field`, `level`, `weight`. The rows before `total` sum up to it."""
    row = pattern.row(0, named=True)
    steps = [("prior", "", float(np.log2(model.further_cards / model.population)))]
    for field in FIELDS:
        level = row[field]
        bits = {name: _level_bits(field, name, model)[level, row["rarity"]] for name in ("match", "unrelated")}
        steps.append((field, LEVELS[field][level - 1] if level else "missing", float(bits["match"] - bits["unrelated"])))
    steps.append(("other_person_of_household", "", row["weight"] - sum(weight for _, _, weight in steps)))
    steps.append(("total", "", row["weight"]))
    return pl.DataFrame(steps, schema={"field": pl.String, "level": pl.String, "weight": pl.Float64}, orient="row").with_columns(
        pl.col("weight").round(3)
    )
