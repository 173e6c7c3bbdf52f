"""A night of 20,000 new and changed cards on a standing index.

    python -m benchmarks.linkage.night FOLDER stand    # links all cards of FOLDER but 10,000, and leaves the index
    python -m benchmarks.linkage.night FOLDER night    # the night: those 10,000, and 10,000 that moved

Two processes, so that the night begins as nights do: with the index on disk. Prints seconds by step as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import date
from pathlib import Path

import polars as pl

from transforms.persons import Model, link_to_stand
from transforms.persons.events import events
from transforms.persons.increment import changed_numbers, link_new, standardise_again
from warehouse import standing_index
from warehouse.settings import Settings

NEW = CHANGED = 10_000


def base(folder: Path) -> pl.LazyFrame:
    """The registers before the night: all cards but the last `NEW`."""
    cards = pl.scan_parquet(folder / "cards.parquet")
    return cards.head(cards.select(pl.len()).collect().item() - NEW)


def arrived(folder: Path) -> pl.DataFrame:
    """What the next month brings: cards that nobody knew, and known ones with another commune, household and address."""
    cards = pl.read_parquet(folder / "cards.parquet")
    place = ["province_code", "old_province_code", "commune_code", "address", "household"]
    moved = cards.head(CHANGED).with_columns(cards.slice(CHANGED, CHANGED).select(place))
    return pl.concat([cards.tail(NEW), moved]).with_columns(period=pl.lit(date(2026, 1, 1)))


def stand(folder: Path) -> dict[str, float]:
    start = time.perf_counter()
    linkage, standing = link_to_stand(base(folder))
    linked = time.perf_counter()
    standing_index.write(Settings(home=folder / "home"), standing, pl.DataFrame({"delivery_id": ["all"]}), "bench", "1")
    linkage.card_persons.write_parquet(folder / "standing_persons.parquet")
    return {"link": linked - start, "write": time.perf_counter() - linked}


def night(folder: Path) -> dict[str, float]:
    added = arrived(folder).lazy()
    seconds = {}
    last = time.perf_counter()
    standing, _ = standing_index.read(Settings(home=folder / "home"))
    former = pl.read_parquet(folder / "standing_persons.parquet")
    now = time.perf_counter()
    seconds["read"], last = now - last, now
    touched = changed_numbers(standing, added, added.head(0))
    new = standardise_again(standing, touched, added)
    now = time.perf_counter()
    seconds["changes"], last = now - last, now
    model = Model.parse(standing.facts["model"])
    found = link_new(standing, touched, new, former, model, run=2)
    now = time.perf_counter()
    seconds["link"], last = now - last, now
    happened = events(found.former, found.now, found.pairs, merge_bits=model.merge_bits)
    now = time.perf_counter()
    seconds["events"], last = now - last, now
    # As `warehouse.card_persons` and the ledger do.
    for name, frame in (("night_persons", found.card_persons), ("night_pairs", found.pairs), ("night_events", happened)):
        frame.write_parquet(folder / f"{name}.parquet", compression="zstd", compression_level=1)
    seconds["write"] = time.perf_counter() - last
    return seconds


if __name__ == "__main__":
    print(json.dumps({"seconds": {"stand": stand, "night": night}[sys.argv[2]](Path(sys.argv[1]))}))
