"""How often names, communes and years of birth occur in the registers, kept so that later nights weigh as the last full linkage did."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from transforms.persons.compare import RARITIES, Chances
from transforms.persons.standardise import Records
from transforms.persons.weigh import EXPECTED, Model, _rarer, _steps, _word_bits


@dataclass(frozen=True)
class Frequencies:
    """`people`: cards with a name. `plain`: `plain` (hash of the name without accents), `met`. `ends`: `surname_id`, `given_id`, `met`.
    `commune`, `year`: `value`, `bits` (half bits, as `Chances.rows`)."""

    people: int
    plain: pl.DataFrame
    ends: pl.DataFrame
    commune: pl.DataFrame
    year: pl.DataFrame


def frequencies(records: Records) -> Frequencies:
    """Those of these records."""
    latest = records.rows.filter("latest")
    met = np.bincount(latest["name"].drop_nulls().to_numpy(), minlength=records.names.height)
    named = records.names.select(pl.col("plain").hash(), "surname_id", "given_id").with_columns(met=pl.Series(met, dtype=pl.Int64))
    steps = {}
    for column in ("commune", "year"):
        values = latest[column].drop_nulls().unique().sort()
        steps[column] = pl.DataFrame({"value": values, "bits": _rarer(values, latest[column])})
    return Frequencies(
        people=int(met.sum()),
        plain=named.group_by("plain").agg(pl.col("met").sum()).sort("plain"),
        ends=named.group_by("surname_id", "given_id").agg(pl.col("met").sum()).sort("surname_id", "given_id", nulls_last=True),
        commune=steps["commune"],
        year=steps["year"],
    )


def pinned_chances(records: Records, model: Model, known: Frequencies) -> Chances:
    """`weigh.chances` with frequencies of another time: `pinned_chances(r, m, frequencies(r))` is `chances(r, m)`."""
    whole, ends = _word_bits(records.names, model)
    named = records.names.select(pl.col("plain").hash(), "surname_id", "given_id")
    counted = {
        "whole": named.join(known.plain, on="plain", how="left", maintain_order="left")["met"],
        "ends": named.join(known.ends, on=["surname_id", "given_id"], how="left", maintain_order="left", nulls_equal=True)["met"],
    }
    bits = {}
    for kind, prior in (("whole", whole), ("ends", ends)):
        others = np.maximum(counted[kind].fill_null(0).to_numpy() - 2, 0)
        value = np.log2((EXPECTED + others) / (EXPECTED * np.exp2(-prior) + known.people))
        bits[kind] = _steps(-value).clip(0, RARITIES - 1).astype(np.int8)
    rows = {}
    for column, steps in (("commune", known.commune), ("year", known.year)):
        values = records.rows.select(value=column)
        rows[f"{column}_bits"] = values.join(steps, on="value", how="left", maintain_order="left")["bits"].fill_null(0)
    return Chances(names=pl.DataFrame(bits), rows=pl.DataFrame(rows))
