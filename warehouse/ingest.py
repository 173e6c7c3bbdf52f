"""One delivery from the landing zone to its Parquet files: read, typed, parted into loaded and quarantined, all in one stream.

The files of a delivery are put in place together when its last row has been read; a refused delivery leaves none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from expectations.declare import Table
from expectations.exports import BY_NAME, CLAIM_LINES
from expectations.quarantine import split
from transforms import claims as claim_rows
from transforms.exports import complete
from transforms.geography import Places
from transforms.rows import raw_text, typed
from warehouse.containers import content
from warehouse.landing import Landed, missing_context
from warehouse.profiles import Profile, Profiles
from warehouse.readers import tabular
from warehouse.readers.claims import ClaimsFile
from warehouse.refusal import Refusal
from warehouse.settings import Settings
from warehouse.storage import ParquetSink, restricted_directory

QUARANTINE_FIELDS: dict[str, pl.DataType] = {"broken_rules": pl.List(pl.String()), "raw_text": pl.String()}


@dataclass(frozen=True)
class Outcome:
    """What became of one delivery: counts, or why it was refused. Plain values, so that Prefect can keep and return it."""

    delivery_id: str
    status: str  # loaded, held or refused
    code: str = ""
    reason: str = ""
    records_declared: int | None = None
    records_read: int = 0
    records_loaded: int = 0
    records_quarantined: int = 0


@dataclass(frozen=True)
class Batch:
    """Typed and completed rows with the raw text of each; for claims their lines too."""

    rows: pl.DataFrame
    raw: pl.Series
    lines: pl.DataFrame | None = None


def ingest(landed: Landed, settings: Settings, places: Places, profiles: Profiles) -> Outcome:
    """Read a delivery whole. Never raises for what is wrong with the file: that is an outcome."""
    try:
        refusal = landed.refusal or missing_context(landed)
        if refusal:
            raise refusal
        return _ingest(landed, settings, places, profiles)
    except (duckdb.Error, pl.exceptions.PolarsError, ValueError, EOFError) as error:
        # A library's message may quote a cell; only its kind is told.
        _remove(landed.delivery_id, settings)
        return Outcome(landed.delivery_id, "refused", "unreadable_file", f"the file cannot be read ({type(error).__name__}); export it again")
    except Refusal as refused:
        _remove(landed.delivery_id, settings)
        where = f" ({refused.position})" if refused.position else ""
        return Outcome(landed.delivery_id, "refused", refused.code, f"{refused.reason}{where}")


def _ingest(landed: Landed, settings: Settings, places: Places, profiles: Profiles) -> Outcome:
    table = BY_NAME[landed.export or ""]
    profile = profiles.for_(table.name, landed.province)
    restricted_directory(settings.spool_dir)
    with ExitStack() as stack:
        path = stack.enter_context(content(landed, settings.spool_dir))
        connection = stack.enter_context(duckdb.connect())
        file_of = {verdict: settings.rows_dir(verdict, table.name) / f"{landed.delivery_id}.parquet" for verdict in ("loaded", "quarantine")}
        loaded = stack.enter_context(ParquetSink(file_of["loaded"], table.polars_schema))
        quarantined = stack.enter_context(ParquetSink(file_of["quarantine"], {**table.polars_schema, **QUARANTINE_FIELDS}))
        lines, bad_lines = (
            stack.enter_context(ParquetSink(_lines_file(landed, settings, verdict), CLAIM_LINES.polars_schema)) for verdict in file_of
        )
        declared = landed.rows_declared
        if table.name == "claims":
            source = ClaimsFile(path)
            batches = _claims(source, landed, table, places)
        else:
            source = None
            batches = _rows(path, landed, table, profile, places)
        for batch in batches:
            good, bad = split(connection, batch.rows, table)
            loaded.write(good)
            if not bad.is_empty():
                text = pl.DataFrame({"row_number": batch.rows["row_number"], "raw_text": batch.raw})
                quarantined.write(bad.join(text, on="row_number", how="left", maintain_order="left"))
            if batch.lines is not None:
                lines.write(batch.lines.join(good, on="row_number", how="semi", maintain_order="left"))
                bad_lines.write(batch.lines.join(bad, on="row_number", how="semi", maintain_order="left"))
        if source is not None:
            declared = source.declared if declared is None else declared
        read = loaded.rows + quarantined.rows
        if landed.rows_declared is not None and read < landed.rows_declared:
            raise Refusal("truncated", f"the manifest declares {landed.rows_declared} records, the file holds {read}; deliver the file again, whole")
        for sink in (loaded, quarantined, lines, bad_lines):
            sink.close()
    limit = profile.bad_rows_limit_pct if profile and profile.bad_rows_limit_pct is not None else settings.bad_rows_limit_pct
    status, code, reason = "loaded", "", ""
    if read and 100 * quarantined.rows > limit * read:
        status, code = "held", "too_many_bad_rows"
        reason = (
            f"{quarantined.rows} of {read} records are bad, more than {limit:g} %; look at them with"
            f" `bhyt explain-delivery {landed.delivery_id}`, then `bhyt release {landed.delivery_id}` or deliver a corrected file"
        )
    elif declared is not None and read > declared:
        code, reason = "more_than_declared", f"the file holds {read} records and declares {declared}"
    return Outcome(landed.delivery_id, status, code, reason, declared, read, loaded.rows, quarantined.rows)


def _rows(path: Path, landed: Landed, table: Table, profile: Profile | None, places: Places) -> Iterator[Batch]:
    for raw in tabular.read(path, table, profile):
        yield Batch(complete(typed(raw, table, landed.delivery_id), table, landed.period, places), raw_text(raw))


def _claims(source: ClaimsFile, landed: Landed, table: Table, places: Places) -> Iterator[Batch]:
    for raw in source:
        rows = typed(raw.claims, table, landed.delivery_id)
        rows, lines = claim_rows.claims(rows, raw.lines, landed.delivery_id)
        yield Batch(complete(rows, table, None, places), raw_text(raw.claims), lines)


def _lines_file(landed: Landed, settings: Settings, verdict: str) -> Path:
    return settings.rows_dir(verdict, CLAIM_LINES.name) / f"{landed.delivery_id}.parquet"


def _remove(delivery_id: str, settings: Settings) -> None:
    """A delivery that was loaded by a night that then died, and is refused now, must leave no rows."""
    for verdict in ("loaded", "quarantine"):
        for name in (*BY_NAME, CLAIM_LINES.name):
            (settings.rows_dir(verdict, name) / f"{delivery_id}.parquet").unlink(missing_ok=True)
