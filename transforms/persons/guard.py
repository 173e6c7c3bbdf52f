"""What no person can be: two verified CCCDs, two sexes with two birth years, two lives, or what a person has told apart."""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass, field
from operator import attrgetter

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.persons.standardise import LIFE, Records

FACTS = ("card", "sex", "year", "citizen", "began", "died", "insured", "insured_too")
DECIDED = 1_000.0  # the weight of a person's decision: above any that the model can give


def facts_of(records: Records, cards: pl.Series) -> pl.DataFrame:
    """Of each of these cards, sorted, what a person has one of, by its latest state: `card`, `citizen` (verified only), `sex`, `year`;
    and of its life `began`, `died` (days since 1970) and the social insurance numbers `insured`, `insured_too`."""
    asked = np.zeros(records.cards.height, bool)
    asked[cards.to_numpy()] = True
    latest = records.rows.lazy().filter(pl.col("latest") & pl.lit(pl.Series(asked[records.rows["card"].to_numpy()])))
    facts = latest.select("card", "sex", "year", "verified", "citizen", "insured", "insured_too").collect().sort("card")
    lives = (records.cards[day].gather(facts["card"]).to_physical() for day in LIFE)
    return facts.with_columns(*lives, citizen=pl.when("verified").then(pl.col("citizen"))).select(*FACTS)


def suspects_of(facts: pl.DataFrame, apart: pl.DataFrame, component: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Components (`component` by card) in which something may exclude something else."""
    citizens, sexes, years = (_with_several(facts, column, len(component)) for column in ("citizen", "sex", "year"))
    one, two = component[apart["left"].to_numpy()], component[apart["right"].to_numpy()]
    known = (citizens, np.intersect1d(sexes, years), _outlived(facts, len(component)), one[one == two])
    return np.unique(np.concatenate(known))


def _with_several(facts: pl.DataFrame, column: str, size: int) -> npt.NDArray[np.int64]:
    """Components in which several values of this column are known, some of them more than once."""
    known = facts.select("component", column).drop_nulls()
    component, value = known["component"].to_numpy(), known[column].to_numpy()
    some = np.empty(size, value.dtype)
    some[component] = value  # one of them
    several: npt.NDArray[np.int64] = component[some[component] != value]
    return several


def _outlived(facts: pl.DataFrame, size: int) -> npt.NDArray[np.int64]:
    """Components in which a card begins after somebody has died."""
    dead, begun = (facts.select("component", day).drop_nulls() for day in ("died", "began"))
    first = np.full(size, np.iinfo(np.int32).max, np.int32)
    np.minimum.at(first, dead["component"].to_numpy(), dead["died"].to_numpy())
    component = begun["component"].to_numpy()
    later: npt.NDArray[np.int64] = component[begun["began"].to_numpy() > first[component]]
    return later


@dataclass(frozen=True)
class _Life:
    """A card, from the day it was first valid to the day of its holder's death (days since 1970), and the numbers on it."""

    began: int | None
    died: int | None
    citizen: int | None
    insured: frozenset[int]

    def is_another(self, other: _Life) -> bool:
        """Whether no number says that one is the other, given out again."""
        named = self.citizen is not None and other.citizen is not None and _one_number(self.citizen, other.citizen)
        return not named and self.insured.isdisjoint(other.insured)


_BEGAN, _DIED = attrgetter("began"), attrgetter("died")


@dataclass
class _Group:
    """What is known of the cards brought together so far."""

    cards: set[int]
    citizens: set[int] = field(default_factory=set)
    sexes: set[int] = field(default_factory=set)
    years: set[int] = field(default_factory=set)
    begun: list[_Life] = field(default_factory=list)  # by `began`
    dead: list[_Life] = field(default_factory=list)  # by `died`

    def excludes(self, other: _Group) -> bool:
        return (
            any(not _one_number(a, b) for a in self.citizens for b in other.citizens)
            or (len(self.sexes | other.sexes) > 1 and len(self.years | other.years) > 1)
            or self._outlived_by(other)
            or other._outlived_by(self)
        )

    def _outlived_by(self, other: _Group) -> bool:
        """Whether somebody here had died before a card of the others began."""
        for life in self.dead:
            later = range(bisect_right(other.begun, life.died, key=_BEGAN), len(other.begun))
            if not later:
                return False  # nor is it later than any other death
            if any(life.is_another(other.begun[place]) for place in later):
                return True
        return False

    def is_apart(self, other: _Group, strangers: dict[int, set[int]]) -> bool:
        """Whether a person has told any two cards of theirs apart."""
        few, many = sorted((self, other), key=lambda g: len(g.cards))
        return any(not strangers.get(card, set()).isdisjoint(many.cards) for card in few.cards)

    def take(self, other: _Group) -> None:
        self.cards |= other.cards
        self.citizens |= other.citizens
        self.sexes |= other.sexes
        self.years |= other.years
        for life in other.begun:
            insort(self.begun, life, key=_BEGAN)
        for life in other.dead:
            insort(self.dead, life, key=_DIED)


def _one_number(a: int, b: int) -> bool:
    """The same number, or one digit mistyped."""
    return sum(x != y for x, y in zip(f"{a:012}", f"{b:012}", strict=True)) <= 1


def build_again(edges: pl.DataFrame, facts: pl.DataFrame, apart: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Edges held and edges refused, of the suspect components, heaviest first (constrained Kruskal)."""
    strangers: dict[int, set[int]] = {}
    for a, b in apart.select("left", "right").iter_rows():
        strangers.setdefault(a, set()).add(b)
        strangers.setdefault(b, set()).add(a)
    group = {fact["card"]: _group_of(fact) for fact in facts.select(*FACTS).iter_rows(named=True)}
    held = []
    for left, right, weight in edges.select("left", "right", "weight").iter_rows():
        one, two = group[left], group[right]
        fits = one is two or (not one.is_apart(two, strangers) and (weight >= DECIDED or not one.excludes(two)))
        held.append(fits)
        if fits and one is not two:
            few, many = sorted((one, two), key=lambda g: len(g.cards))
            many.take(few)
            for card in few.cards:
                group[card] = many
    keep = pl.Series(held, dtype=pl.Boolean)
    return edges.filter(keep), edges.filter(~keep)


def _group_of(fact: dict[str, int | None]) -> _Group:
    """A card (a row of `facts_of`) by itself."""
    life = _Life(fact["began"], fact["died"], fact["citizen"], frozenset(_known(fact["insured"]) | _known(fact["insured_too"])))
    return _Group(
        cards=_known(fact["card"]),
        citizens=_known(fact["citizen"]),
        sexes=_known(fact["sex"]),
        years=_known(fact["year"]),
        begun=[life] if life.began is not None else [],
        dead=[life] if life.died is not None else [],
    )


def _known(value: int | None) -> set[int]:
    return set() if value is None else {value}
