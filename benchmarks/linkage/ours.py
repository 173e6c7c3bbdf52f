"""`transforms.persons` as one run of the comparison.

    python -m benchmarks.linkage.ours FOLDER standardised|cards|trained

links the cards of FOLDER, from its records in standard form (`records/`, made beforehand) or from the registers themselves, by
the pinned model (`trained`: from the records by a model that it trains on them first, as the peer does), and writes index and evidence
as a night does. Then, outside the seconds, what the scores are reckoned from: `ours_edges.parquet` (`left`, `right`, `weight`) and
`ours_persons.parquet` (`card`, `person`). Prints seconds and counts as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

import polars as pl

from transforms import persons
from transforms.persons import Linkage
from transforms.persons import train as training
from transforms.persons.standardise import Records


def save(records: Records, folder: Path) -> None:
    """Records as files: a Parquet for each frame, the rest as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    rest: dict[str, Any] = {}
    for field in fields(records):
        value = getattr(records, field.name)
        if isinstance(value, pl.DataFrame):
            value.write_parquet(folder / f"{field.name}.parquet", compression="lz4")
        else:
            rest[field.name] = value
    (folder / "rest.json").write_text(json.dumps(rest))


def load(folder: Path) -> Records:
    frames: dict[str, Any] = {path.stem: pl.read_parquet(path) for path in sorted(folder.glob("*.parquet"))}
    return Records(**frames, **json.loads((folder / "rest.json").read_text()))


def link(folder: Path, start_from: str) -> tuple[Linkage, dict[str, float]]:
    """The linkage, and its seconds by step."""
    start = time.perf_counter()
    if start_from != "cards":
        records = load(folder / "records")
        # What follows begins with the records that are there.
        persons.standardise = training.standardise = lambda _: records  # type: ignore[assignment,attr-defined]
    cards = pl.scan_parquet(folder / "cards.parquet")
    read = time.perf_counter()
    model = training.train(cards) if start_from == "trained" else None
    trained = time.perf_counter()
    found = persons.link(cards, model=model)
    return found, {"read": read - start, "train": trained - read, "link": time.perf_counter() - trained}


def main() -> None:
    folder, start_from = Path(sys.argv[1]), sys.argv[2]
    found, seconds = link(folder, start_from)
    start = time.perf_counter()
    # As `warehouse.card_persons` does.
    for name, frame in (("card_persons", found.card_persons), ("pairs", found.pairs)):
        frame.write_parquet(folder / f"{name}.parquet", compression="zstd", compression_level=1)
    seconds["write"] = time.perf_counter() - start
    # For `scores`, cards are numbered in the order of their keys.
    keys = found.card_persons.select("card_key", "person_id").filter(pl.col("card_key") == found.card_persons["card_number"])
    persons_of = keys.select(person=pl.col("person_id").str.slice(1).str.to_integer(base=16)).with_row_index("card")
    persons_of.write_parquet(folder / "ours_persons.parquet")
    edges = found.pairs.select(
        "weight",
        **{side: keys["card_key"].search_sorted(found.pairs[key]) for side, key in (("left", "card_key_a"), ("right", "card_key_b"))},
    )
    edges.select("left", "right", "weight").write_parquet(folder / "ours_edges.parquet")
    counts = {k: v for k, v in found.report.items() if isinstance(v, int | str)}
    print(json.dumps({"seconds": seconds, "edges": edges.height, "counts": counts, "merge_bits": persons.pinned().merge_bits}))


if __name__ == "__main__":
    main()
