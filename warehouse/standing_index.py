"""The standing index on disk, `restricted/persons/standing/`: written whole by a linkage of all cards, mapped by later nights."""

from __future__ import annotations

import json
import shutil
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from transforms.persons.frequencies import Frequencies
from transforms.persons.standing import Standing
from warehouse.settings import Settings
from warehouse.storage import RESTRICTED_FILE_MODE, replacing, restricted_directory, sync_directory, sync_file

FRAMES = ("cards", "numbers", "rows", "names", "pairs", "set_aside", "said")
ARRAYS = ("starts", "component", "cluster", "said_starts", "tails")
COUNTED = tuple(f.name for f in fields(Frequencies) if f.name != "people")


def directory(settings: Settings) -> Path:
    return settings.persons_dir / "standing"


def write(settings: Settings, standing: Standing, deliveries: pl.DataFrame, pins: str, run_id: str) -> None:
    """Put the index in place of the old one. `deliveries`: the registers that it was made from; `pins`: what it holds good with."""
    path = directory(settings)
    temporary = path.with_name(".standing")
    shutil.rmtree(temporary, ignore_errors=True)
    restricted_directory(temporary)
    frames = {name: getattr(standing, name) for name in FRAMES} | {"deliveries": deliveries}
    frames |= {f"frequent_{name}": getattr(standing.frequencies, name) for name in COUNTED}
    for name, frame in frames.items():
        frame.rechunk().write_ipc(temporary / f"{name}.arrow", compression="uncompressed")
    arrays = {name: getattr(standing, name) for name in ARRAYS} | {f"keys_{place}": array for place, array in standing.keys.items()}
    for name, array in arrays.items():
        np.save(temporary / f"{name}.npy", array)
    facts = {**standing.facts, "people": standing.frequencies.people, "keys": sorted(standing.keys), "pins": pins, "run": run_id}
    (temporary / "facts.json").write_text(json.dumps(facts) + "\n", encoding="utf-8")
    for file in temporary.iterdir():
        file.chmod(RESTRICTED_FILE_MODE)
        sync_file(file)
    sync_directory(temporary)
    shutil.rmtree(path, ignore_errors=True)
    temporary.rename(path)
    sync_directory(path.parent)


def facts(settings: Settings) -> dict[str, Any]:
    """What the index says about itself; empty when there is none."""
    path = directory(settings) / "facts.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def read(settings: Settings) -> tuple[Standing, pl.DataFrame]:
    """The index and the registers that it was made from; pages are read when they are looked at."""
    path, said = directory(settings), facts(settings)

    def frame(name: str) -> pl.DataFrame:
        # Not pl.read_ipc, which copies the file into memory.
        return pl.from_arrow(pa.ipc.open_file(pa.memory_map(str(path / f"{name}.arrow"))).read_all())  # type: ignore[return-value]

    def array(name: str) -> Any:
        return np.load(path / f"{name}.npy", mmap_mode="r")

    standing = Standing(
        cards=frame("cards"),
        numbers=frame("numbers"),
        rows=frame("rows"),
        names=frame("names"),
        pairs=frame("pairs"),
        set_aside=frame("set_aside"),
        said=frame("said"),
        said_starts=array("said_starts"),
        tails=array("tails"),
        starts=array("starts"),
        component=array("component"),
        cluster=array("cluster"),
        keys={place: array(f"keys_{place}") for place in said["keys"]},
        frequencies=Frequencies(people=said["people"], **{name: frame(f"frequent_{name}") for name in COUNTED}),
        facts=said,
    )
    return standing, frame("deliveries")


def read_unsettled(settings: Settings, run_id: str) -> pl.Series | None:
    """Numbers whose persons the index of this run has otherwise than the standing index; None when that is not known."""
    path = settings.persons_dir / "unsettled.parquet"
    if not path.exists() or pl.read_parquet_metadata(path).get("bhyt.run") != run_id:
        return None
    return pl.read_parquet(path)["card_number"]


def write_unsettled(settings: Settings, numbers: pl.Series, run_id: str) -> None:
    with replacing(settings.persons_dir / "unsettled.parquet") as temporary:
        numbers.rename("card_number").to_frame().write_parquet(temporary, compression="zstd", metadata={"bhyt.run": run_id})
