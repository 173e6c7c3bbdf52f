"""What is new in the landing zone, and what it is: to be read, a repeat, or known already."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from warehouse.code_version import code_hash
from warehouse.ingest import Outcome
from warehouse.landing import Landed, missing_context
from warehouse.ledger import Entry


@dataclass
class Arrivals:
    """New deliveries of a night. `twins`: files with the same bytes as one that is being read, by its delivery id."""

    to_read: list[Landed] = field(default_factory=list)
    repeats: list[tuple[Landed, str]] = field(default_factory=list)
    twins: dict[str, list[Landed]] = field(default_factory=dict)
    seen: list[Landed] = field(default_factory=list)

    @property
    def anything(self) -> bool:
        return bool(self.to_read or self.repeats)


def arrivals(landed: Iterable[Landed], deliveries: pl.DataFrame, profiles: str) -> Arrivals:
    """Sort what lies in the landing zone. `deliveries` is the ledger's, `profiles` the fingerprint of the profiles.

    The same path with the same bytes is no new delivery, unless it was refused and its manifest or the profiles have changed
    since. The same bytes under another path of the same export are a repeat, unless what they repeat was refused, or their own
    manifest declares more rows than they hold (`is_short`: then the delivery is read, and refused as truncated).
    """
    known = {r["delivery_id"]: r for r in deliveries.iter_rows(named=True)}
    originals = {(r["export"], r["sha256"]): r["delivery_id"] for r in known.values() if r["status"] not in ("refused", "repeated")}
    found = Arrivals()
    pending: dict[tuple[str | None, str], str] = {}
    for item in sorted(landed, key=lambda x: (x.modified_ns, x.sha256, x.path)):
        found.seen.append(item)
        entry = known.get(item.delivery_id)
        content = (item.export, item.sha256)
        if entry is not None and (entry["status"] != "refused" or (entry["context"], entry["profiles"]) == (item.context, profiles)):
            continue
        if item.refusal or missing_context(item):
            found.to_read.append(item)
        elif content in originals and not is_short(item, known[originals[content]]["records_read"]):
            found.repeats.append((item, originals[content]))
        elif content in pending:
            found.twins.setdefault(pending[content], []).append(item)
        else:
            found.to_read.append(item)
            pending[content] = item.delivery_id
    return found


def is_short(item: Landed, records: int) -> bool:
    """Whether the manifest beside a file declares more rows than its bytes are known to hold."""
    return item.rows_declared is not None and item.rows_declared > records


def short_archives(read: Sequence[Landed], outcomes: Sequence[Outcome], repeated: Iterable[tuple[Landed, int]] = ()) -> list[Outcome]:
    """Refuse all members of an archive that together hold fewer records than its manifest declares.

    `repeated`: members that were not read since their bytes are known, and the records that they hold.
    """
    declared = {str(x.file): x.rows_declared_total for x in read if x.rows_declared_total is not None}
    records: dict[str, int] = defaultdict(int)
    file_of = {x.delivery_id: str(x.file) for x in read}
    for o in outcomes:
        records[file_of[o.delivery_id]] += o.records_read
    for twin, held in repeated:
        records[str(twin.file)] += held
    return [
        Outcome(o.delivery_id, "refused", "truncated",
                f"the manifest of the archive declares {total} records, its members hold {records[file]}; deliver the archive again, whole")
        if o.status != "refused" and (total := declared.get(file := file_of[o.delivery_id])) is not None and records[file] < total
        else o
        for o in outcomes
    ]  # fmt: skip


def entry(
    item: Landed, outcome: Outcome, received_at: datetime, received_seq: int, profiles: str, former: dict[str, object] | None
) -> Entry:
    """The ledger's entry of a delivery that was read; one tried again keeps the time when it was first received."""
    return Entry(
        delivery_id=item.delivery_id, export=item.export, path=item.path, file=_file(item), sha256=item.sha256,
        province_code=item.province, period=item.period,
        received_at=former["received_at"] if former else received_at,  # type: ignore[arg-type]
        received_seq=former["received_seq"] if former else received_seq,  # type: ignore[arg-type]
        modified_ns=item.modified_ns, status=outcome.status, code=outcome.code, reason=outcome.reason,
        records_declared=outcome.records_declared, records_read=outcome.records_read, records_loaded=outcome.records_loaded,
        records_quarantined=outcome.records_quarantined, context=item.context, profiles=profiles, read_by=reading_code(),
        pack=outcome.pack,
    )  # fmt: skip


def repeat(item: Landed, original: str, records: int, received_at: datetime, received_seq: int, profiles: str) -> Entry:
    """The ledger's entry of a delivery whose bytes were received before, under another path."""
    return Entry(
        delivery_id=item.delivery_id, export=item.export, path=item.path, file=_file(item), sha256=item.sha256,
        province_code=item.province, period=item.period, received_at=received_at, received_seq=received_seq,
        modified_ns=item.modified_ns, status="repeated", code="same_bytes",
        reason=f"the same bytes as delivery {original}; nothing was loaded",
        records_read=records, records_repeated=records, context=item.context, profiles=profiles, read_by=reading_code(),
    )  # fmt: skip


def reading_code() -> str:
    """Hash of the code between a file and its typed rows."""
    return code_hash("expectations/exports", "transforms", "warehouse/readers", "warehouse/reference")[:12]


def _file(item: Landed) -> str:
    return item.path.split("!/")[0]
