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
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.persons.compare import FIELDS, LEVELS, RARITIES, Chances
from transforms.persons.spelling import standard_name
from transforms.persons.standardise import Records

Floats = npt.NDArray[np.float64]
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


def counts_of(values: pl.Series) -> pl.DataFrame:
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
    counts = counts_of(latest)
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
