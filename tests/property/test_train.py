"""Training finds the model that made the pairs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from transforms.persons import pinned
from transforms.persons.compare import FIELDS, LEVELS, pattern_code
from transforms.persons.train import fitted
from transforms.persons.weigh import Model

RARITY = 20  # half bits: one in a thousand bears the name


def drawn(model: Model, name: str, pairs: int, rng: np.random.Generator) -> pl.DataFrame:
    """Levels of `pairs` pairs of a class."""
    columns = {}
    for field in FIELDS:
        share = np.array([of.get(name) or of["unrelated_per_name_chance"] * 2 ** (-RARITY / 2) for of in model.levels[field].values()])
        # What the levels leave to one is the last one's: nothing in common.
        share[-1] = max(1 - share[:-1].sum(), 0)
        columns[field] = rng.choice(np.arange(1, len(share) + 1, dtype=np.uint8), pairs, p=share / share.sum())
    return pl.DataFrame(columns)


def test_training_finds_how_cards_of_one_person_differ() -> None:
    cards, further = 1_500, 0.4
    truth = replace(pinned(), population=float(cards), further_cards=further, household_members=0.001)
    rng = np.random.default_rng(5)
    pairs = pl.concat([drawn(truth, "match", int(cards * further / 2), rng), drawn(truth, "unrelated", cards * (cards - 1) // 2, rng)])
    patterns = pairs.with_columns(rarity=pl.lit(RARITY, pl.Int8)).group_by(*FIELDS, "rarity").agg(pairs=pl.len())
    patterns = patterns.with_columns(pattern=pattern_code()).sort("pattern")
    levels = {field: {level: dict(of) for level, of in truth.levels[field].items()} for field in FIELDS}
    # It starts from another idea of places and dates.
    for level, chance in zip(LEVELS["place"], (0.05, 0.05, 0.2, 0.2, 0.1, 0.05, 0.05, 0.1, 0.05, 0.15), strict=True):
        levels["place"][level]["match"] = chance
    found = fitted(patterns, replace(truth, levels=levels, further_cards=0.1), prior_pairs=1.0)
    assert found.further_cards == pytest.approx(further, rel=0.1)
    for level in LEVELS["place"]:
        assert found.levels["place"][level]["match"] == pytest.approx(truth.levels["place"][level]["match"], abs=0.06)
    for field in FIELDS:
        assert sum(of["match"] for of in found.levels[field].values()) == pytest.approx(1)


def test_nothing_can_be_learnt_from_strangers() -> None:
    model = replace(pinned(), population=100.0)
    strangers = drawn(model, "unrelated", 50, np.random.default_rng(1)).with_columns(rarity=pl.lit(0, pl.Int8))
    patterns = strangers.group_by(*FIELDS, "rarity").agg(pairs=pl.len()).with_columns(pattern=pattern_code())
    with pytest.raises(ValueError, match="too few"):
        fitted(patterns, model)


def test_a_model_is_read_as_it_was_written() -> None:
    model = pinned()
    assert Model.parse(model.text()) == model
