"""The SQL of the warehouse: one SELECT a file, `sql/<schema>/<name>.sql`, and the order that follows from what each reads."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

SQL_DIR = Path(__file__).with_name("sql")
GIVEN = ("typed", "persons", "reference", "ledger")  # schemas that the build fills before any SQL runs
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True)
class Query:
    """One SQL file. `reads` are the qualified names of the relations in it."""

    name: str
    text: str
    reads: frozenset[str]

    @property
    def schema(self) -> str:
        return self.name.split(".")[0]


@cache
def queries() -> dict[str, Query]:
    """All SQL files by qualified name, each after those that it reads.

    Raises ValueError when a file reads a table that no file makes, graphlib.CycleError when they read each other in a circle.
    """
    texts = {f"{p.parent.name}.{p.stem}": p.read_text(encoding="utf-8") for p in sorted(SQL_DIR.glob("*/*.sql"))}
    schemas = "|".join(sorted({n.split(".")[0] for n in texts} | set(GIVEN)))
    relation = re.compile(rf"(?<![\w.])(?:FROM|JOIN|,)\s*\(?\s*((?:{schemas})\.[a-z_0-9]+)\b", re.IGNORECASE)
    found: dict[str, Query] = {}
    for name, text in texts.items():
        reads = frozenset(m.lower() for m in relation.findall(_COMMENT.sub(" ", text)))
        unknown = sorted(r for r in reads if r not in texts and r.split(".")[0] not in GIVEN)
        if unknown:
            raise ValueError(f"sql/{name.replace('.', '/')}.sql reads {', '.join(unknown)}, which no SQL file makes")
        found[name] = Query(name, text.strip().rstrip(";"), reads)
    order = TopologicalSorter({n: sorted(r for r in q.reads if r in texts) for n, q in found.items()}).static_order()
    return {n: found[n] for n in order}
