"""What a night leaves in the landing zone because a backfill has it: this time; the next night looks again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from warehouse.arrivals import Arrivals
from warehouse.landing import Landed
from warehouse.partitions import Locks
from warehouse.peek import partition_of


@dataclass(frozen=True)
class SetAside:
    """One delivery that waits, and for what."""

    path: str
    export: str
    reason: str


def set_aside(found: Arrivals, locks: Locks, kept_back: Mapping[str, str], spool: Path) -> tuple[Arrivals, list[SetAside]]:
    """Part what has arrived into what the night may take, and what it leaves alone.

    Left alone are deliveries that are staged and wait for a person (`kept_back`: delivery → plan), and those of partitions whose locks
    somebody holds; of all others the night holds the locks from here on. A file with several deliveries is left alone whole.
    """
    reasons: dict[str, str] = {}
    alone: dict[str, bool] = {}
    for item in found.seen:
        export = item.export or ""
        if plan := kept_back.get(item.delivery_id):
            reasons[item.delivery_id] = f"it is staged by backfill {plan}, which waits to be approved or cancelled"
            continue
        if export not in alone:
            alone[export] = not export or locks.whole(export)
        if alone[export]:
            continue
        locks.share(export)
        partition = partition_of(item, spool)
        if not locks.take(partition):
            reasons[item.delivery_id] = f"a backfill is writing {partition}"
    if not reasons:
        return found, []
    why = {x.file: reasons[x.delivery_id] for x in reversed(found.seen) if x.delivery_id in reasons}

    def free(item: Landed) -> bool:
        return item.file not in why

    rest = Arrivals(
        to_read=[x for x in found.to_read if free(x)],
        repeats=[(x, original) for x, original in found.repeats if free(x)],
        seen=[x for x in found.seen if free(x)],
    )
    taken = {x.delivery_id for x in rest.to_read}
    for original, twins in found.twins.items():
        waiting = [x for x in twins if free(x)]
        if waiting and original not in taken:  # the one that was to be read waits: the first of the others is read in its place
            rest.to_read.append(waiting[0])
            original, waiting = waiting[0].delivery_id, waiting[1:]
        if waiting:
            rest.twins[original] = waiting
    return rest, [SetAside(x.path, x.export or "", why[x.file]) for x in sorted(found.seen, key=lambda x: x.path) if not free(x)]
