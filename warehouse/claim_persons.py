"""Claims in no register, and whom scoring finds for them, on disk. Personal; in the restricted area only.

`persons/claim_persons.parquet`: one row per claim that somebody is likely for; `persons/claims_looked_at.parquet`: the deliveries that were
asked about. Both hold good with one standing index (`base`).
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from expectations.exports.claims import CLAIMS
from transforms.persons.attach import LIKELY
from transforms.persons.increment import Changed
from transforms.persons.standing import Standing
from warehouse import packs
from warehouse.card_persons import BASE
from warehouse.settings import Settings
from warehouse.storage import replacing

KEY = {"delivery_id": pl.String(), "row_number": pl.Int64()}
COLUMNS = {**KEY, **LIKELY}
DELIVERIES = ("delivery_id", "read_by", "records_loaded")
# What a claim says of its patient, under the names that registers have for it.
SAID = ("full_name", "citizen_id", "birth_date", "birth_precision", "sex", "province_code", "old_province_code", "commune_code")


def in_use(deliveries: pl.DataFrame) -> pl.DataFrame:
    """The claim deliveries that count: `DELIVERIES` and `pack`."""
    return deliveries.filter((pl.col("export") == CLAIMS.name) & (pl.col("status") == "loaded")).select(*DELIVERIES, "pack")


def in_no_register(
    settings: Settings, used: pl.DataFrame, persons: pl.DataFrame, standing: Standing, since: Changed | None = None
) -> pl.DataFrame:
    """The claims of these deliveries that neither a card, nor its last ten digits, nor a citizen id leads to a register. `since`: as for
    `transforms.persons.attach.attach`.

    Out, by row: `KEY`, `SAID` and `social_insurance_number`, the last ten digits of the first listed card.
    """
    files = packs.files(settings, packs.LOADED, CLAIMS, used)
    if not files:
        return pl.DataFrame(schema={**KEY, **{c: CLAIMS.field_named(c).kind.polars for c in SAID}, "social_insurance_number": pl.String()})
    tails = persons.select(tail=pl.col("card_number").str.slice(-10)).unique()
    known = [standing.rows] if since is None else [standing.rows, since.records.rows]
    citizens = [
        rows.select(pl.col(kind).drop_nulls().unique().cast(pl.String).str.zfill(length).alias("citizen_id"))
        for rows in known
        for kind, length in (("citizen", 12), ("short_citizen", 9))
    ]
    tail = pl.col("card_numbers").list.eval(pl.element().str.slice(-10))
    claims = packs.scan(files, used).select(*KEY, *SAID, tails=tail)
    rows = claims.join(pl.concat(citizens).lazy(), on="citizen_id", how="anti")
    carded = rows.select(*KEY, tail="tails").explode("tail").join(tails.lazy(), on="tail", how="semi")
    left = rows.join(carded, on=list(KEY), how="anti").with_columns(social_insurance_number=pl.col("tails").list.first()).drop("tails")
    return left.collect(engine="streaming").sort(*KEY)


def base_of(settings: Settings) -> str:
    """The run of the standing index that claims were compared with; empty when none were."""
    path = _looked_at(settings)
    return pl.read_parquet_metadata(path).get(BASE, "") if path.exists() else ""


def read(settings: Settings) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`KEY` and `transforms.persons.attach.LIKELY` of claims, and the deliveries asked about (`DELIVERIES`)."""
    return pl.read_parquet(settings.claim_persons_file), pl.read_parquet(_looked_at(settings))


def write(settings: Settings, likely: pl.DataFrame, looked_at: pl.DataFrame, base: str) -> None:
    """The deliveries last: what a killed night had not written there is asked about again."""
    for path, frame in ((settings.claim_persons_file, likely.select(*COLUMNS)), (_looked_at(settings), looked_at.select(DELIVERIES))):
        with replacing(path) as temporary:
            frame.write_parquet(temporary, compression="zstd", compression_level=1, metadata={BASE: base})


def _looked_at(settings: Settings) -> Path:
    return settings.persons_dir / "claims_looked_at.parquet"
