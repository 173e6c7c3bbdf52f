"""What a reviewer needs from storage: what pairs are worth, what the cards say, and the file that goes out and comes back. Restricted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from expectations.exports.cards import CARDS
from expectations.exports.claims import CLAIMS
from transforms.persons.review import DIFFERENT, SAME, UNDO
from warehouse import packs
from warehouse.settings import Settings
from warehouse.storage import replacing

SHOWN = ("full_name", "birth_date", "sex", "citizen_id", "social_insurance_number", "province_code", "commune_code", "household")


class NotARestrictedPlace(Exception):
    """A file with what cards say about people would lie outside the restricted area; the message says where it may."""


class UnusableFile(Exception):
    """A file of decisions cannot be taken; the message names rows and what to do, no values."""


def details(settings: Settings, deliveries: pl.DataFrame, index: pl.DataFrame, keys: pl.Series) -> pl.DataFrame:
    """`card_key`, `is_active` (valid at the end of the latest month that any register has), and `SHOWN` of the latest row of each card."""
    numbers = index.filter(pl.col("card_key").is_in(keys.implode())).select("card_number", "card_key")
    used = deliveries.filter((pl.col("export") == "cards") & (pl.col("status") == "loaded"))
    files = packs.files(settings, packs.LOADED, CARDS, used)
    if not files:
        return pl.DataFrame(schema={"card_key": pl.String, "is_active": pl.Boolean, **dict.fromkeys(SHOWN, pl.String)})
    end = pl.lit(used["period"].max(), pl.Date).dt.month_end()
    rows = (
        pl.scan_parquet(files)
        .select("delivery_id", "row_number", "card_number", "valid_from", "valid_to", "withdrawn_on", *SHOWN)
        .join(numbers.lazy(), on="card_number")
        .join(used.lazy().select("delivery_id", "period", "received_rank"), on="delivery_id")
        .collect(engine="streaming")
        .sort("card_key", "period", "received_rank", "row_number", descending=[False, True, True, True], nulls_last=True)
        .unique("card_key", keep="first", maintain_order=True)
    )
    valid = (pl.col("valid_from") <= end) & (pl.col("valid_to").is_null() | (pl.col("valid_to") >= end))
    return rows.select(
        "card_key", *SHOWN, is_active=(valid & (pl.col("withdrawn_on").is_null() | (pl.col("withdrawn_on") > end))).fill_null(False)
    )


def money(settings: Settings, deliveries: pl.DataFrame, index: pl.DataFrame, keys: pl.Series) -> pl.DataFrame:
    """`card_key`, `fund_paid`: đồng that the fund paid on claims that list the card; every version counts, as this only ranks."""
    numbers = index.filter(pl.col("card_key").is_in(keys.implode())).select("card_number", "card_key")
    used = deliveries.filter((pl.col("export") == "claims") & (pl.col("status") == "loaded"))
    files = packs.files(settings, packs.LOADED, CLAIMS, used)
    if not files:
        return pl.DataFrame(schema={"card_key": pl.String, "fund_paid": pl.Float64})
    return (
        packs.scan(files, used)
        .select(pl.col("card_numbers").list.unique().alias("card_number"), pl.col("fund_paid").cast(pl.Float64))
        .explode("card_number")
        .join(numbers.lazy(), on="card_number")
        .group_by("card_key")
        .agg(pl.col("fund_paid").sum())
        .collect(engine="streaming")
        .sort("card_key")
    )


def check_place(settings: Settings, path: Path, anywhere: bool) -> None:
    """Raises NotARestrictedPlace unless `path` lies in the restricted area, or whoever asks says that it may lie anywhere."""
    if not anywhere and not path.resolve().is_relative_to(settings.restricted_dir.resolve()):
        raise NotARestrictedPlace(f"{path} lies outside the restricted area; write below {settings.restricted_dir}, or say --anywhere")


def write_file(path: Path, rows: pl.DataFrame) -> None:
    """A queue as CSV (UTF-8 with a mark, as Excel likes it) or XLSX, mode 0600. Raises UnusableFile for another ending."""
    if path.suffix.lower() not in (".csv", ".xlsx"):
        raise UnusableFile(f"{path.name}: the name must end in .csv or .xlsx")
    with replacing(path) as temporary:
        if path.suffix.lower() == ".csv":
            rows.write_csv(temporary, include_bom=True)
        else:
            with temporary.open("wb") as file:
                rows.write_excel(file, worksheet="review", autofit=True, freeze_panes=(1, 0), column_formats={"weight": "0.0"})


def read_file(path: Path) -> pl.DataFrame:
    """`row` (of the file, header is 1), `pair`, `decision`, `why`, `decided_by` of the rows that are filled in. Raises UnusableFile."""
    if not path.is_file():
        raise UnusableFile(f"{path} does not exist")
    try:
        if path.suffix.lower() == ".xlsx":
            rows = pl.read_excel(path, engine="calamine", infer_schema_length=0)
        else:
            head = path.read_text(encoding="utf-8-sig").split("\n", 1)[0]
            rows = pl.read_csv(path, infer_schema=False, separator=";" if head.count(";") > head.count(",") else ",", encoding="utf8")
    except (pl.exceptions.PolarsError, UnicodeDecodeError, ValueError) as error:
        raise UnusableFile(f"{path.name} cannot be read as CSV (UTF-8) or XLSX ({type(error).__name__})") from None
    rows = rows.rename({c: c.strip().removeprefix("\ufeff") for c in rows.columns})
    missing = [c for c in ("pair", "decision", "why") if c not in rows.columns]
    if missing:
        raise UnusableFile(f"{path.name} has no column {', '.join(missing)}; fill in a file that `bhyt review export` wrote")
    if "decided_by" not in rows.columns:
        rows = rows.with_columns(decided_by=pl.lit(""))
    text = rows.with_row_index("row", offset=2).select(
        "row", *(pl.col(c).cast(pl.String).fill_null("").str.strip_chars() for c in ("pair", "decision", "why", "decided_by"))
    )
    filled = text.filter(pl.col("decision") != "")
    wrong = filled.filter(~pl.col("decision").is_in([SAME, DIFFERENT, UNDO]) | (pl.col("why") == ""))
    if wrong.height:
        raise UnusableFile(
            f"{path.name}, rows {_listed(wrong['row'].to_list())}: a decision is {SAME}, {DIFFERENT} or {UNDO}, and needs a"
            " reason in `why`; nothing was taken"
        )
    return filled


def _listed(rows: Sequence[int], most: int = 10) -> str:
    return ", ".join(map(str, rows[:most])) + (" …" if len(rows) > most else "")
