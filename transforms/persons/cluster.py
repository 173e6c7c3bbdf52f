"""Weighed pairs of cards → persons: connected components, then the guard against what no person can be."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from transforms.persons.standardise import Records

DECIDED = 1_000.0  # the weight of a person's decision: above any that the model can give


@dataclass(frozen=True)
class Clusters:
    """`members`: `card`, `cluster` (the smallest card in it), one row per card, sorted.
    `cut`: edges that the guard refused: `left`, `right`, `weight`. `guarded`: clusters it looked into."""

    members: pl.DataFrame
    cut: pl.DataFrame
    guarded: int


def cluster(records: Records, edges: pl.DataFrame, apart: pl.DataFrame) -> Clusters:
    """Persons from `edges` (`left` < `right`: cards; `weight`) and the pairs that a person has told `apart` (`left`, `right`).

    A component in which no two cards exclude each other stays as it is. In any other the edges are taken again from the heaviest to the
    lightest (ties: smaller cards first), and one that would bring together what excludes each other is refused. Decisions come first,
    and only a decision to keep apart refuses one: who decided knew which number was wrong.
    """
    size = records.cards.height
    apart = apart.select(pl.min_horizontal("left", "right").alias("left"), pl.max_horizontal("left", "right").alias("right")).unique()
    edges = edges.join(apart, on=["left", "right"], how="anti")
    left, right = edges["left"].to_numpy(), edges["right"].to_numpy()
    component = components(size, left, right)
    linked = np.zeros(size, bool)
    linked[left] = linked[right] = True
    touched = pl.Series(np.flatnonzero(linked), dtype=pl.UInt32)
    facts = _facts(records, touched).with_columns(component=pl.Series(component).gather(touched))
    suspects = _suspects(facts, apart, component)
    suspect = np.zeros(size, bool)
    suspect[suspects] = True
    suspect = suspect[component]
    doubted = edges.filter(pl.Series(suspect[left])).sort(["weight", "left", "right"], descending=[True, False, False])
    held, refused = _build_again(doubted, facts.filter(pl.Series(suspect).gather(facts["card"])), apart)
    final = component.astype(np.uint32)
    final[suspect] = components(size, held["left"].to_numpy(), held["right"].to_numpy())[suspect]
    members = pl.DataFrame({"card": np.arange(size, dtype=np.uint32), "cluster": final})
    return Clusters(members, refused.sort(["left", "right"]), len(suspects))


def components(size: int, left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Of each of `size` nodes, the smallest node that it is connected with."""
    smallest = np.arange(size)
    # Most nodes have no edge: the graph is one of those that have.
    linked = np.zeros(size, bool)
    linked[left] = linked[right] = True
    nodes = np.flatnonzero(linked)
    if len(nodes):
        place = np.zeros(size, np.int32)
        place[nodes] = np.arange(len(nodes), dtype=np.int32)
        ends = place[left], place[right]
        graph = coo_array((np.ones(len(left), np.int8), ends), shape=(len(nodes), len(nodes)))  # type: ignore[no-untyped-call]
        count, label = connected_components(graph, directed=False)
        first = np.empty(count, np.int64)
        first[label[::-1]] = nodes[::-1]  # nodes ascend, and what is written last stays: the smallest
        smallest[nodes] = first[label]
    return smallest


def _facts(records: Records, cards: pl.Series) -> pl.DataFrame:
    """Of each of these cards, sorted, what a person has one of, by its latest state: `card`, `citizen` (verified only), `sex`, `year`."""
    asked = np.zeros(records.cards.height, bool)
    asked[cards.to_numpy()] = True
    latest = records.rows.lazy().filter(pl.col("latest") & pl.lit(pl.Series(asked[records.rows["card"].to_numpy()])))
    facts = latest.select("card", "sex", "year", "verified", "citizen").collect()
    return facts.sort("card").select("card", "sex", "year", citizen=pl.when("verified").then(pl.col("citizen")))


def _suspects(facts: pl.DataFrame, apart: pl.DataFrame, component: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Components (`component` by card) in which something may exclude something else."""
    citizens, sexes, years = (_with_several(facts, column, len(component)) for column in ("citizen", "sex", "year"))
    one, two = component[apart["left"].to_numpy()], component[apart["right"].to_numpy()]
    return np.union1d(np.union1d(citizens, np.intersect1d(sexes, years)), one[one == two])


def _with_several(facts: pl.DataFrame, column: str, size: int) -> npt.NDArray[np.int64]:
    """Components in which several values of this column are known, some of them more than once."""
    known = facts.select("component", column).drop_nulls()
    component, value = known["component"].to_numpy(), known[column].to_numpy()
    some = np.empty(size, value.dtype)
    some[component] = value  # one of them
    several: npt.NDArray[np.int64] = component[some[component] != value]
    return several


@dataclass
class _Group:
    """What is known of the cards brought together so far."""

    cards: set[int]
    citizens: set[int] = field(default_factory=set)
    sexes: set[int] = field(default_factory=set)
    years: set[int] = field(default_factory=set)

    def excludes(self, other: _Group) -> bool:
        return any(not _one_number(a, b) for a in self.citizens for b in other.citizens) or (
            len(self.sexes | other.sexes) > 1 and len(self.years | other.years) > 1
        )

    def is_apart(self, other: _Group, strangers: dict[int, set[int]]) -> bool:
        """Whether a person has told any two cards of theirs apart."""
        few, many = sorted((self, other), key=lambda g: len(g.cards))
        return any(not strangers.get(card, set()).isdisjoint(many.cards) for card in few.cards)

    def take(self, other: _Group) -> None:
        self.cards |= other.cards
        self.citizens |= other.citizens
        self.sexes |= other.sexes
        self.years |= other.years


def _one_number(a: int, b: int) -> bool:
    """The same number, or one digit mistyped."""
    return sum(x != y for x, y in zip(f"{a:012}", f"{b:012}", strict=True)) <= 1


def _build_again(edges: pl.DataFrame, facts: pl.DataFrame, apart: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Edges held and edges refused, of the suspect components, heaviest first (constrained Kruskal)."""
    strangers: dict[int, set[int]] = {}
    for a, b in apart.select("left", "right").iter_rows():
        strangers.setdefault(a, set()).add(b)
        strangers.setdefault(b, set()).add(a)
    group = {card: _Group({card}, *(_known(v) for v in (citizen, sex, year))) for card, sex, year, citizen in
             facts.select("card", "sex", "year", "citizen").iter_rows()}  # fmt: skip
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


def _known(value: int | None) -> set[int]:
    return set() if value is None else {value}
