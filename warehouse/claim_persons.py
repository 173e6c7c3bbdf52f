"""Claims in no register, and whom scoring finds for them, on disk. Personal; in the restricted area only.

`persons/claim_persons.parquet`: one row per claim that somebody is likely for. `persons/claims_asked/`: what the claims say that were asked
about, a part for each asking, so that one that meets a card of a later night is asked about again. `persons/claims_looked_at.parquet`:
the deliveries that were asked about. All hold good with one standing index (`base`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from expectations.exports.claims import CLAIMS
from transforms.persons.attach import LIKELY
from transforms.persons.increment import Changed
from transforms.persons.standing import Standing
from warehouse import packs
from warehouse.card_persons import BASE
from warehouse.settings import Settings
from warehouse.storage import replacing, restricted_directory

KEY = {"delivery_id": pl.String(), "row_number": pl.Int64()}
COLUMNS = {**KEY, **LIKELY}
DELIVERIES = ("delivery_id", "read_by", "records_loaded")
# What a claim says of its patient, under the names that registers have for it.
SAID = ("full_name", "citizen_id", "birth_date", "birth_precision", "sex", "province_code", "old_province_code", "commune_code")
# That, with the last ten digits of the listed cards (`tails`), by claim.
SAID_OF_CLAIMS = {**KEY, **{c: CLAIMS.field_named(c).kind.polars for c in SAID}, "tails": pl.List(pl.String())}
_INDEX, _PARTS = "bhyt.index", "bhyt.parts"


def in_use(deliveries: pl.DataFrame) -> pl.DataFrame:
    """The claim deliveries that count: `DELIVERIES` and `pack`."""
    return deliveries.filter((pl.col("export") == CLAIMS.name) & (pl.col("status") == "loaded")).select(*DELIVERIES, "pack")


@dataclass(frozen=True)
class Asked:
    """What has been asked. `base`: the run of the standing index; `index`: of the index of persons of the night that asked last. `likely`:
    `COLUMNS`; `deliveries`: `DELIVERIES`; `parts`: how many parts say what the claims said."""

    base: str = ""
    index: str = ""
    parts: int = 0
    likely: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=COLUMNS))
    deliveries: pl.DataFrame = field(default_factory=pl.DataFrame)


@dataclass(frozen=True)
class KnownNumbers:
    """What leads a claim to a register: `tails`, the last ten digits of all card numbers, and `citizens`, all citizen ids."""

    tails: pl.DataFrame
    citizens: pl.DataFrame

    @classmethod
    def of(cls, persons: pl.DataFrame, standing: Standing, since: Changed | None) -> KnownNumbers:
        """`persons`: the index; `since`: as for `transforms.persons.attach.attach`."""
        known = [standing.rows] if since is None else [standing.rows, since.records.rows]
        citizens = [
            rows.select(pl.col(kind).drop_nulls().unique().cast(pl.String).str.zfill(length).alias("citizen_id"))
            for rows in known
            for kind, length in (("citizen", 12), ("short_citizen", 9))
        ]
        return cls(persons.select(tail=pl.col("card_number").str.slice(-10)).unique(), pl.concat(citizens))

    def in_no_register(self, claims: pl.LazyFrame) -> pl.DataFrame:
        """Those of the claims (`SAID_OF_CLAIMS`) that neither a card, nor its last ten digits, nor a citizen id leads to a register,
        sorted; with `social_insurance_number`, the last ten digits of the first listed card."""
        rows = claims.join(self.citizens.lazy(), on="citizen_id", how="anti")
        carded = rows.select(*KEY, tail="tails").explode("tail").join(self.tails.lazy(), on="tail", how="semi")
        left = rows.join(carded, on=list(KEY), how="anti").with_columns(social_insurance_number=pl.col("tails").list.first())
        return left.collect(engine="streaming").sort(*KEY)


def claims_of(settings: Settings, used: pl.DataFrame) -> pl.LazyFrame:
    """What the claims of these deliveries (`in_use`) say of their patients: `SAID_OF_CLAIMS`."""
    files = packs.files(settings, packs.LOADED, CLAIMS, used)
    if not files:
        return pl.LazyFrame(schema=SAID_OF_CLAIMS)
    tails = pl.col("card_numbers").list.eval(pl.element().str.slice(-10))
    return packs.scan(files, used).select(*KEY, *SAID, tails=tails)


def asked_before(settings: Settings, asked: Asked, keys: pl.Series) -> pl.DataFrame:
    """`SAID_OF_CLAIMS` of the claims that were asked about and have one of these keys (`transforms.persons.attach.keys_of`)."""
    parts = [_part(settings, n) for n in range(asked.parts)]
    if not parts:
        return pl.DataFrame(schema=SAID_OF_CLAIMS)
    key = list(KEY)
    met = pl.scan_parquet(parts).select(*key, "keys").explode("keys").join(keys.to_frame().lazy(), on="keys", how="semi")
    said = pl.scan_parquet(parts).drop("keys").join(met.select(key).unique(), on=key, how="semi", maintain_order="left")
    used = said.join(asked.deliveries.lazy().select("delivery_id"), on="delivery_id", how="semi", maintain_order="left")
    # A delivery that was out of use for a while has been asked about twice.
    return used.unique(key, keep="last", maintain_order=True).collect(engine="streaming")


def read(settings: Settings) -> Asked:
    """What has been asked; of no index when nothing has, or when a file of it is gone."""
    path = _looked_at(settings)
    said = pl.read_parquet_metadata(path) if path.exists() else {}
    # An earlier version of this software did not keep what claims said.
    parts = int(said.get(_PARTS, -1))
    if parts < 0 or not all(file.exists() for file in (settings.claim_persons_file, *(_part(settings, n) for n in range(parts)))):
        return Asked()
    return Asked(said[BASE], said[_INDEX], parts, pl.read_parquet(settings.claim_persons_file), pl.read_parquet(path))


def write(settings: Settings, asked: Asked, new: pl.DataFrame) -> None:
    """Put down what has been asked by now, the `new` claims (`KnownNumbers.in_no_register`, with `keys`) among them.

    The deliveries last: what a killed night had not written there is asked about again, and the part that it left is written over.
    """
    parts = asked.parts
    if new.height:
        restricted_directory(_part(settings, 0).parent)
        with replacing(_part(settings, parts)) as temporary:
            new.select(*SAID_OF_CLAIMS, "keys").write_parquet(temporary, compression="zstd", compression_level=1)
        parts += 1
    with replacing(settings.claim_persons_file) as temporary:
        asked.likely.select(*COLUMNS).write_parquet(temporary, compression="zstd", compression_level=1)
    with replacing(_looked_at(settings)) as temporary:
        said = {BASE: asked.base, _INDEX: asked.index, _PARTS: str(parts)}
        asked.deliveries.select(DELIVERIES).write_parquet(temporary, compression="zstd", compression_level=1, metadata=said)
    for file in _part(settings, 0).parent.glob("*.parquet"):
        if int(file.stem) >= parts:
            file.unlink()


def _looked_at(settings: Settings) -> Path:
    return settings.persons_dir / "claims_looked_at.parquet"


def _part(settings: Settings, number: int) -> Path:
    return settings.persons_dir / "claims_asked" / f"{number}.parquet"
