"""Beside the live warehouse: a restricted area that looks like the live one, and how it becomes the live one.

The area holds what is live as symbolic links, and what is new as files of its own or as links to the rows of staged partitions. Everything
that reads books and rows (the ledger, linkage, the build) thus reads both and need not know. Nothing in the live area is ever opened for
writing here: whatever writes puts a new file in the link's place.

What an approval moves is first listed in `moves.json`. From then on it happens: each move can be repeated, and the next night, or the
next command, finishes what a killed one has left. Rows move first, the ledger's `deliveries` last. Rows that are replaced (a delivery
read again) go to `restricted/superseded/<run>/` and stay readable.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

import duckdb

from warehouse import manifests
from warehouse.backfill import APART, APPROVED, BASE, MOVES, Place, clear, standing_files, write_json
from warehouse.packs import VERDICTS
from warehouse.settings import Settings
from warehouse.storage import restricted_directory, sync_all, sync_directory


class StagedSettings(Settings):
    """Settings of a work area whose restricted part is `area`; everything else is the live one's."""

    area: Path

    @cached_property
    def restricted_dir(self) -> Path:
        return self.area


def settings_of(live: Settings, area: Path) -> StagedSettings:
    return StagedSettings(**live.model_dump(), area=area)


def mirror(live: Settings, area: Path, partitions: Iterable[Path], renewed: Iterable[str]) -> None:
    """Fill a new `area`: links to the live books and rows, and to the rows of staged partitions (their folders).

    `renewed`: packs that are written anew, whose live rows are left out.
    """
    left_out = set(renewed)
    root = live.restricted_dir
    restricted_directory(area)
    write_json(area / BASE, standing_files(live))  # first: what changes from here on makes the area stale
    for file in _files(root) if root.exists() else ():
        relative = file.relative_to(root)
        if relative.parts[0] in APART or (relative.parts[0] in VERDICTS and file.stem in left_out):
            continue
        _link(area / relative, file)
    for folder in partitions:
        for verdict in VERDICTS:
            for file in _files(folder / verdict):
                _link(area / file.relative_to(folder), file)


def journal(live: Settings, place: Place, run_id: str, replaced: Iterable[tuple[str, str]], decision: Mapping[str, object]) -> None:
    """List all that an approval moves, which decides it.

    `replaced`: (table, pack) of live rows that are read again; `decision` becomes `approved.json` when all is done.
    """
    root = live.restricted_dir
    moves: list[dict[str, str | None]] = []
    for file in _files(place.area):
        relative = file.relative_to(place.area)
        if relative.parts[0] in APART:
            continue
        source = Path(os.readlink(file)) if file.is_symlink() else file
        if source.is_relative_to(place.restricted):
            moves.append({"from": str(source.relative_to(place.restricted)), "to": str(relative)})
    coming = {m["to"] for m in moves}
    old = {str(Path(verdict) / table / f"{pack}.parquet") for table, pack in replaced for verdict in VERDICTS}
    moves += [{"from": None, "to": path} for path in sorted(old - coming) if (root / path).exists()]
    moves.sort(key=lambda m: (_turn(str(m["to"])), str(m["to"])))
    sync_all()
    write_json(place.moves, {"run_id": run_id, "decision": {"run_id": run_id, **decision}, "moves": moves})


def _turn(path: str) -> int:
    """Rows, then other files, then the books, of which `deliveries` makes the rest count."""
    parts = Path(path).parts
    return 0 if parts[0] in VERDICTS else 1 if parts[0] != "ledger" else 3 if parts[1] == "deliveries" else 2


def carry_out(live: Settings, place: Place) -> str:
    """Do what `moves.json` lists, also what is left of it. Under the night's lock. Returns the run id of the moved entries."""
    listed = json.loads(place.moves.read_text(encoding="utf-8"))
    run_id = str(listed["run_id"])
    root = live.restricted_dir
    folders = set()
    for move in listed["moves"]:
        source, target = place.restricted / move["from"] if move["from"] else None, root / move["to"]
        if source is not None and not source.exists():
            continue  # moved before
        restricted_directory(target.parent)
        if move["to"].split("/")[0] in VERDICTS and target.exists():
            keep = root / "superseded" / run_id / move["to"]
            if not keep.exists():
                restricted_directory(keep.parent)
                target.rename(keep)
        if source is not None:
            source.replace(target)
        folders.add(target.parent)
    for folder in sorted(folders):
        sync_directory(folder)
    return run_id


def date_version(version: Path, moment: datetime) -> None:
    """Write into a staged version when it is published (UTC): only now is that known, and `bhyt asof` asks for it."""
    path = version / manifests.FILE
    manifests.write(path, replace(manifests.read(path), published_at=moment))
    with duckdb.connect(str(version / "coverage.duckdb")) as connection:
        connection.execute("UPDATE meta.snapshot SET published_at = ?", [moment])
        connection.execute("CHECKPOINT")


def close(place: Place) -> None:
    """Write down an approval that has been carried out, and remove what is left of its staging."""
    decision = json.loads(place.moves.read_text(encoding="utf-8"))["decision"]
    write_json(place.public / APPROVED, decision)
    clear(place)


def finish_approvals(live: Settings) -> list[str]:
    """Carry out what killed approvals have left to do; returns their plans. The night does so first of all, under its lock.

    The version that such a plan had staged is not published: the night builds one from all that is there.
    """
    done = []
    for path in sorted(live.restricted_dir.glob(f"backfills/*/{MOVES}")):
        place = Place(live, path.parent.name)
        carry_out(live, place)
        close(place)
        done.append(place.plan_id)
    return done


def fresh(folder: Path) -> Path:
    """A new folder beside `folder`, hidden, in place of one that a killed run has left; to be renamed to it when it is whole."""
    making = folder.with_name(f".making-{folder.name}")
    shutil.rmtree(making, ignore_errors=True)
    return restricted_directory(making)


def settle(making: Path, folder: Path) -> None:
    """Give a finished folder its name."""
    shutil.rmtree(folder, ignore_errors=True)
    sync_directory(making)
    making.rename(folder)
    sync_directory(folder.parent)


def _link(path: Path, target: Path) -> None:
    restricted_directory(path.parent)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def _files(folder: Path) -> Iterator[Path]:
    """Files and links below a folder, none of them hidden or in a hidden folder, in order of their paths."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        if Path(parent) == folder:
            folders[:] = [f for f in folders if f not in APART]
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(parent) / name
