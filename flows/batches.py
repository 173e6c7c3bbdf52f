"""Deliveries in batches of a size that is worth a task run, or a process's while."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from warehouse.landing import Landed

# A batch is typed together and rests in one pack, and both cost the same for little as for much, a tenth of a second: some thousands of
# claims are enough to forget it. A small night still has batches for each worker.
SMALL_BATCH, LARGE_BATCH = 32 << 20, 128 << 20
BATCHES = 4
BATCH_FILES = 1_000


def weights(to_read: Sequence[Landed]) -> dict[str, int]:
    """Bytes of each delivery, by its id; members of an archive share its size."""
    members = Counter(x.file for x in to_read)
    return {x.delivery_id: x.size // members[x.file] for x in to_read}


def batches(to_read: Sequence[Landed]) -> list[list[Landed]]:
    """Deliveries in batches of 32 to 128 MB, the largest first: most of 13,000 facilities send a small file, and a large one that is read
    last would keep one worker busy while the others wait. Says nothing of who is going to read them."""
    weight = weights(to_read)
    most = min(LARGE_BATCH, max(SMALL_BATCH, sum(weight.values()) // BATCHES))
    made: list[list[Landed]] = []
    sizes: list[int] = []
    for item in sorted(to_read, key=lambda x: (x.export or "", str(x.period), x.path)):
        if not made or len(made[-1]) >= BATCH_FILES or sizes[-1] + weight[item.delivery_id] > most:
            made.append([])
            sizes.append(0)
        made[-1].append(item)
        sizes[-1] += weight[item.delivery_id]
    return [made[n] for n in sorted(range(len(made)), key=lambda n: -sizes[n])]
