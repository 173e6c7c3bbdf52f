"""Names as clerks spoil them, a column at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks.linkage.errors import Errors

Array = npt.NDArray[Any]

_TONES = ["\u0300", "\u0301", "\u0303", "\u0309", "\u0323"]
# What a tone is taken for: hỏi for ngã above all.
_MISTAKEN = ["\u0301", "\u0300", "\u0309", "\u0303", "\u0301"]
_SPOKEN = {"Tr": "Ch", "Ch": "Tr", "tr": "ch", "S": "X", "X": "S", "Gi": "D", "L": "N", "Qu": "Qú", "iê": "yê", "ng ": "n ", "c ": "t "}
_LETTERS = list("qwertyuiopasdfghjklzxcvbnm")
_NICKNAMES = ["(Tí)", "(Bé)", "(Tèo)", "(Út)", "(Na)", "(Cu)"]

TONE, TYPO, ORDER, JOINED, ABBREVIATED, SPOKEN, TRUNCATED, NICKNAME = range(1, 9)


def kinds(rng: np.random.Generator, size: int, errors: Errors) -> Array:
    """Of each name, what is wrong with its letters: 0 (nothing) or one of the kinds above."""
    rates = [
        errors.wrong_tone,
        errors.typo,
        errors.reordered,
        errors.joined,
        errors.abbreviated,
        errors.spoken,
        errors.truncated,
        errors.nickname,
    ]
    return ((np.searchsorted(np.cumsum(rates), rng.random(size), side="right") + 1) % (len(rates) + 1)).astype(np.int8)


def spoilt(rng: np.random.Generator, text: pl.Series, kind: Array) -> pl.Series:
    """`text` where the names of a `kind` other than 0 are spoilt."""
    where = np.flatnonzero(kind)
    size = len(where)
    chars = text.gather(where).str.len_chars().to_numpy()
    frame = pl.DataFrame(
        {
            "name": text.gather(where),
            "kind": kind[where],
            "at": 1 + (rng.random(size) * (chars - 1)).astype(np.int64),
            "slip": rng.integers(0, 4, size),
            "letter": pl.Series(_LETTERS).gather(rng.integers(0, len(_LETTERS), size)),
            "nickname": pl.Series(_NICKNAMES).gather(rng.integers(0, len(_NICKNAMES), size)),
        }
    )
    name, at = pl.col("name"), pl.col("at")
    before, here, behind = name.str.slice(0, at), name.str.slice(at, 1), name.str.slice(at + 1)
    by_kind = {
        TONE: name.str.normalize("NFD").str.replace_many(_TONES, _MISTAKEN).str.normalize("NFC"),
        TYPO: pl.when(pl.col("slip") == 0)
        .then(before + behind)
        .when(pl.col("slip") == 1)
        .then(before + here + here + behind)
        .when(pl.col("slip") == 2)
        .then(before + pl.col("letter") + behind)
        .otherwise(name.str.slice(0, at - 1) + here + name.str.slice(at - 1, 1) + behind),
        ORDER: name.str.replace(r"^(.*) (\S+)$", "$2 $1"),
        JOINED: name.str.replace_all(" ", "", literal=True),
        ABBREVIATED: pl.when(pl.col("slip") < 2)
        .then(name.str.replace(r"^(\S)\S*", "$1."))
        .otherwise(name.str.replace(r"^(\S+ \S)\S* ", "$1. ")),
        SPOKEN: name.str.replace_many(list(_SPOKEN), list(_SPOKEN.values())),
        TRUNCATED: name.str.slice(0, 16),
        NICKNAME: name + " " + pl.col("nickname"),
    }
    parts = []
    for each, text_of in by_kind.items():
        parts.append(frame.with_row_index("row").filter(pl.col("kind") == each).select("row", name=text_of))
    changed = pl.concat(parts).sort("row")["name"]
    place = np.arange(len(text))
    place[where] = len(text) + np.arange(size)
    return pl.concat([text, changed]).gather(place)
