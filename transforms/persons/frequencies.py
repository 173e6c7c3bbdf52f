"""How often names, communes and years of birth occur in the registers, kept so that later nights weigh as the last full linkage did."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.persons.compare import RARITIES, Chances
from transforms.persons.standardise import Records
from transforms.persons.weigh import COHORT, Model, _corrected, _rarer, _steps, _word_bits

KINDS = {"whole": ("plain",), "ends": ("surname_id", "given_id")}


@dataclass(frozen=True)
class Frequencies:
    """`people`: cards. `whole`, `ends`: how many cards (`met`) bear a name (`KINDS`; `plain` is a hash) and were born about then (`born`,
    in steps of `COHORT` years); `born`: the same of all names. `commune`, `province`, `year`: `value`, `bits` (as in `Chances`). `borne`:
    `given_accented_id` of the given names that people bear."""

    people: int
    whole: pl.DataFrame
    ends: pl.DataFrame
    born: pl.DataFrame
    commune: pl.DataFrame
    province: pl.DataFrame
    year: pl.DataFrame
    borne: pl.DataFrame


def with_borne(names: pl.DataFrame, known: Frequencies) -> pl.DataFrame:
    """`Records.names` whose `borne` is that of another time."""
    return names.with_columns(borne=pl.col("given_accented_id").is_in(known.borne["given_accented_id"].implode()))


def frequencies(records: Records) -> Frequencies:
    """Those of these records."""
    named, latest = _named(records), records.rows["latest"]
    counted = {kind: named.filter(latest).group_by(*columns, "born").agg(met=pl.len()) for kind, columns in KINDS.items()}
    steps = {}
    for column in ("commune", "province", "year"):
        values = records.rows[column].drop_nulls().unique().sort()
        steps[column] = pl.DataFrame({"value": values, "bits": _rarer(values, records.latest(column)[column])})
    return Frequencies(
        people=int(latest.sum()),
        whole=counted["whole"].sort(KINDS["whole"] + ("born",), nulls_last=True),
        ends=counted["ends"].sort(KINDS["ends"] + ("born",), nulls_last=True),
        born=named.filter(latest).group_by("born").agg(met=pl.len()).sort("born"),
        commune=steps["commune"],
        province=steps["province"],
        year=steps["year"],
        borne=records.names.filter("borne").select("given_accented_id").unique().sort("given_accented_id"),
    )


def pinned_chances(records: Records, model: Model, known: Frequencies) -> Chances:
    """`weigh.chances` with frequencies of another time: `pinned_chances(r, m, frequencies(r))` is `chances(r, m)`."""
    named = _named(records)
    name = records.rows["name"].fill_null(records.names.height).to_numpy()
    bits = {}
    for (kind, columns), prior, counts in zip(KINDS.items(), _word_bits(records.names, model), (known.whole, known.ends), strict=True):
        # Most names of the registers are not among these.
        theirs = counts.join(named.select(columns).unique(), on=columns, how="semi", nulls_equal=True)
        of_name = _met(named, theirs.group_by(*columns).agg(pl.col("met").sum()), list(columns))
        anyone = _corrected(np.append(prior, 0.0)[name], of_name, known.people)
        value = _corrected(anyone, _met(named, theirs, [*columns, "born"]), _met(named, known.born, ["born"]))
        bits[kind] = np.clip(_steps(-value), 0, RARITIES - 1).astype(np.int8)
    rows = {}
    for column, steps in (("commune", known.commune), ("province", known.province), ("year", known.year)):
        rows[column] = records.rows.select(value=column).join(steps, on="value", how="left", maintain_order="left")["bits"].fill_null(0)
    return Chances(pl.DataFrame(bits).with_columns(**rows))


def _named(records: Records) -> pl.DataFrame:
    """`plain`, `surname_id`, `given_id`, `born` of each row; null without a name."""
    names = records.names.select(pl.int_range(pl.len(), dtype=pl.Int32).alias("name"), pl.col("plain").hash(), "surname_id", "given_id")
    return records.rows.select("name", born=pl.col("year").fill_null(0) // COHORT).join(names, on="name", how="left", maintain_order="left")


def _met(named: pl.DataFrame, counts: pl.DataFrame, by: list[str]) -> npt.NDArray[np.float64]:
    met = named.select(by).join(counts, on=by, how="left", maintain_order="left", nulls_equal=True)["met"]
    return met.fill_null(0).to_numpy().astype(np.float64)
