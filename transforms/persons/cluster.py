"""Weighed pairs of cards → persons: connected components, then the guard against what no person can be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from transforms.persons.guard import build_again, facts_of, suspects_of
from transforms.persons.standardise import Records


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
    facts = facts_of(records, touched).with_columns(component=pl.Series(component).gather(touched))
    suspects = suspects_of(facts, apart, component)
    suspect = np.zeros(size, bool)
    suspect[suspects] = True
    suspect = suspect[component]
    doubted = edges.filter(pl.Series(suspect[left])).sort(["weight", "left", "right"], descending=[True, False, False])
    held, refused = build_again(doubted, facts.filter(pl.Series(suspect).gather(facts["card"])), apart)
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
