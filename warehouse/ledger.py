"""The ledger: what was received, what became of it, and what a person decided about it.

Append-only: each night writes one Parquet file per book under `restricted/ledger/<book>/<run_id>.parquet`, whole and at the end,
so a killed night leaves no trace here and is simply done again. What is true now is derived by reading all of them: the latest
entry of a delivery counts, and whether a register is superseded is a question of which registers there are, not of a status field.
No personal values: paths, hashes, counts, rules; but the books about persons name cards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from expectations.exports import REGISTERS
from transforms import person_books
from warehouse import registers
from warehouse.storage import replacing, restricted_directory

DELIVERIES = {
    "delivery_id": pl.String(),
    "export": pl.String(),
    "path": pl.String(),
    "file": pl.String(),
    "sha256": pl.String(),
    "province_code": pl.String(),
    "period": pl.Date(),
    "received_at": pl.Datetime("us"),
    "received_seq": pl.Int64(),
    "modified_ns": pl.Int64(),
    "status": pl.String(),
    "code": pl.String(),
    "reason": pl.String(),
    "records_declared": pl.Int64(),
    "records_read": pl.Int64(),
    "records_loaded": pl.Int64(),
    "records_quarantined": pl.Int64(),
    "records_repeated": pl.Int64(),
    "context": pl.String(),
    "profiles": pl.String(),
    "read_by": pl.String(),
    "pack": pl.String(),
}
FILES = {"file": pl.String(), "size": pl.Int64(), "modified_ns": pl.Int64(), "context": pl.String()}
RESULTS = {
    "delivery_id": pl.String(),
    "rule": pl.String(),
    "severity": pl.String(),
    "checked": pl.Int64(),
    "failed": pl.Int64(),
    "failed_pct": pl.Float64(),
    "status": pl.String(),
}
QUARANTINE = {"delivery_id": pl.String(), "row_number": pl.Int64(), "rule": pl.String(), "reason": pl.String()}
DECISIONS = {
    "delivery_id": pl.String(),
    "decision": pl.String(),
    "decided_by": pl.String(),
    "why": pl.String(),
    "decided_at": pl.Datetime("us"),
}
TIMINGS = {
    "place": pl.Int64(),
    "step": pl.String(),
    "seconds": pl.Float64(),
    "files": pl.Int64(),
    "records": pl.Int64(),
    "megabytes": pl.Float64(),
}
BOOKS: dict[str, dict[str, pl.DataType]] = {
    "deliveries": DELIVERIES,
    "files": FILES,
    "results": RESULTS,
    "quarantine": QUARANTINE,
    "decisions": DECISIONS,
    "timings": TIMINGS,
    "person_decisions": person_books.DECISIONS,
    "person_events": person_books.EVENTS,
}


@dataclass(frozen=True)
class Entry:
    """One delivery as the ledger knows it. `status` is loaded, held, refused or repeated; superseded is derived."""

    delivery_id: str
    export: str | None
    path: str
    file: str
    sha256: str
    province_code: str | None
    period: date | None
    received_at: datetime
    received_seq: int
    modified_ns: int
    status: str
    code: str = ""
    reason: str = ""
    records_declared: int | None = None
    records_read: int = 0
    records_loaded: int = 0
    records_quarantined: int = 0
    records_repeated: int = 0
    context: str = ""
    profiles: str = ""
    read_by: str = ""  # hash of the code that read it: rows read anew by other code are other rows
    pack: str = ""  # where its rows rest (`warehouse.packs`)


class Ledger:
    """The books of one work area; with `until` as they stood at the end of that run."""

    def __init__(self, directory: Path, until: str | None = None) -> None:
        self.directory = directory
        self.until = until

    def runs(self) -> list[str]:
        """Run ids, oldest first; they start with a running number."""
        found = {p.stem for p in self.directory.glob("*/*.parquet") if not p.name.startswith(".")}
        return sorted(found)

    def next_run_id(self, now: datetime, others: Iterable[str] = ()) -> str:
        """A run id that sorts after those of the ledger and `others` (published versions): running number, then the time for people."""
        runs = [*self.runs(), *others]
        number = 1 + max((int(r.split("-")[0]) for r in runs), default=0)
        return f"{number:06d}-{now:%Y%m%dT%H%M%S}"

    def book(self, name: str) -> pl.DataFrame:
        """All entries of a book with their `run_id`, in order of the runs."""
        schema = BOOKS[name]
        files = sorted((self.directory / name).glob("[0-9]*.parquet"))
        frames = [_page(p, schema) for p in files if self.until is None or p.stem <= self.until]
        return pl.concat(frames) if frames else pl.DataFrame(schema={**schema, "run_id": pl.String()})

    def write(self, run_id: str, book: str, rows: Iterable[Entry | Mapping[str, Any]] | pl.DataFrame, empty: bool = False) -> None:
        """Add one run's entries to a book; none leave a file only if asked, so that the run is known to have been."""
        schema = BOOKS[book]
        if not isinstance(rows, pl.DataFrame):
            rows = pl.DataFrame([asdict(r) if isinstance(r, Entry) else r for r in rows], schema=schema)
        if rows.is_empty() and not empty:
            return
        restricted_directory(self.directory / book)
        with replacing(self.directory / book / f"{run_id}.parquet") as temporary:
            rows.select(pl.col(c).cast(t) for c, t in schema.items()).write_parquet(temporary, compression="zstd")

    def forget_after(self, run_id: str, book: str) -> None:
        """Take away entries of a book that a killed night wrote after `run_id`, the last run whose work is in place."""
        for path in (self.directory / book).glob("[0-9]*.parquet"):
            if path.stem > run_id:
                path.unlink()

    def known_files(self, profiles: str) -> dict[str, tuple[int, int, str]]:
        """Files that need not be looked at again: name → (size, modification time, context).

        A file with a refused delivery is looked at again when the profiles have changed since; the landing scan itself looks again
        when size, time or manifest have.
        """
        retried = self.deliveries().filter((pl.col("status") == "refused") & (pl.col("profiles") != profiles))["file"]
        files = self.book("files").unique("file", keep="last", maintain_order=True)
        files = files.filter(~pl.col("file").is_in(retried.implode()))
        return {r["file"]: (r["size"], r["modified_ns"], r["context"]) for r in files.iter_rows(named=True)}

    def deliveries(self) -> pl.DataFrame:
        """One row per delivery, its latest entry with decisions applied; `status` may now also be `superseded`.

        Adds `received_rank`: a later delivery has a larger one (time received, then modification time, sha256, path).
        """
        entries = self.book("deliveries").unique("delivery_id", keep="last", maintain_order=True).drop("run_id")
        entries = entries.with_columns(pack=pl.coalesce("pack", "delivery_id"))  # before there were packs each delivery was one
        released = self.book("decisions").filter(pl.col("decision") == "release")["delivery_id"]
        entries = entries.with_columns(
            status=pl.when((pl.col("status") == "held") & pl.col("delivery_id").is_in(released.implode()))
            .then(pl.lit("loaded"))
            .otherwise("status")
        )
        entries = entries.sort("received_seq", "modified_ns", "sha256", "path").with_row_index("received_rank", offset=1)
        entries = _with_halved(entries, set(released))
        is_register = pl.col("export").is_in([t.name for t in REGISTERS]) & (pl.col("status") == "loaded")
        latest = entries.filter(is_register).group_by("export", "province_code", "period").agg(latest=pl.col("received_rank").max())
        entries = entries.join(latest, on=["export", "province_code", "period"], how="left", nulls_equal=True)
        superseded = is_register & (pl.col("received_rank") < pl.col("latest"))
        return entries.with_columns(
            received_rank=pl.col("received_rank").cast(pl.Int64),
            status=pl.when(superseded).then(pl.lit("superseded")).otherwise("status"),
            reason=pl.when(superseded).then(pl.lit("a later delivery for the same province and month replaces it")).otherwise("reason"),
        ).drop("latest")

    def packs(self) -> set[str]:
        """Every pack that any entry has ever named: rows that were read again since stay readable."""
        return set(self.book("deliveries").select(pl.coalesce("pack", "delivery_id")).to_series())

    def seen_by(self) -> list[tuple[datetime, int]]:
        """When each run looked at the landing zone, and its number, oldest first. Deliveries that count as an earlier run's do not say."""
        number = pl.col("run_id").str.split("-").list.first().cast(pl.Int64)
        own = self.book("deliveries").filter(number == pl.col("received_seq")).group_by("received_seq").agg(pl.col("received_at").min())
        return own.sort("received_seq").select("received_at", "received_seq").rows()

    def results(self) -> pl.DataFrame:
        """One row per delivery and rule: those of the run that decided the delivery last."""
        return self._of_latest_run("results")

    def quarantine(self) -> pl.DataFrame:
        """One row per delivery, row and rule that it breaks."""
        return self._of_latest_run("quarantine")

    def _of_latest_run(self, book: str) -> pl.DataFrame:
        decided = self.book("deliveries").unique("delivery_id", keep="last", maintain_order=True).select("delivery_id", "run_id")
        return self.book(book).join(decided, on=["delivery_id", "run_id"], how="semi").drop("run_id")


def _page(path: Path, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """One run's entries of a book; columns that the book did not have then are null."""
    page = pl.read_parquet(path)
    columns = (pl.col(c).cast(t) if c in page.columns else pl.lit(None, t).alias(c) for c, t in schema.items())
    return page.select(columns).with_columns(run_id=pl.lit(path.stem))


def _with_halved(entries: pl.DataFrame, released: set[str]) -> pl.DataFrame:
    """`entries` with the status of card registers that are held for having halved, or no longer are (`warehouse.registers`)."""
    held = registers.halved(entries, released)
    was_held = (pl.col("status") == "held") & (pl.col("code") == registers.CODE)
    reason = pl.col("delivery_id").replace_strict(held, default=None, return_dtype=pl.String)
    return (
        entries.with_columns(_reason=reason)
        .with_columns(
            status=pl.when(pl.col("_reason").is_not_null()).then(pl.lit("held")).when(was_held).then(pl.lit("loaded")).otherwise("status"),
            code=pl.when(pl.col("_reason").is_not_null()).then(pl.lit(registers.CODE)).otherwise("code"),
            reason=pl.when(pl.col("_reason").is_not_null()).then("_reason").when(was_held).then(pl.lit("")).otherwise("reason"),
        )
        .drop("_reason")
    )
