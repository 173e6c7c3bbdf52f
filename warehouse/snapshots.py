"""Snapshots: a version of the warehouse by any name that people give it, and versions of the past assembled again."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

from warehouse import manifests, publish
from warehouse.assemble import assemble
from warehouse.manifests import Manifest, NoSnapshot
from warehouse.settings import Settings
from warehouse.storage import restricted_directory, sync_file

LIVE = "live"
DATABASES = {"coverage.duckdb": publish.BI_MODE, "analyst.duckdb": publish.ANALYST_MODE}


@dataclass(frozen=True)
class Snapshot:
    """A version as it was asked for (`name`). `manifest` is None for versions of releases that wrote none; they have a directory."""

    name: str
    manifest: Manifest | None
    directory: Path | None = None

    @property
    def label(self) -> str:
        """What it is, for people: the run, and when it was published."""
        if self.manifest is None:
            return str(self.directory)
        return f"run {self.manifest.run_id}, {self.manifest.published_at:%Y-%m-%d %H:%M} UTC"


def moment_of(text: str) -> datetime | None:
    """The moment that a date or time names, in UTC without zone: a date means the end of that day. None: it is neither."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return datetime.combine(date.fromisoformat(text), time.max)
        return datetime.fromisoformat(text).replace(tzinfo=None) if re.match(r"\d{4}-\d{2}-\d{2}[T ]", text) else None
    except ValueError:
        return None


def find(settings: Settings, name: str) -> Snapshot:
    """The snapshot of that name: `live`, a run id (or its running number), a date or time (UTC), the directory of a version, or a manifest.

    Raises NoSnapshot.
    """
    if name == LIVE:
        version = publish.current(settings)
        if version is None:
            raise NoSnapshot("nothing is published yet; run `bhyt nightly` first")
        return Snapshot(name, manifests.of_version(version), version)
    moment = moment_of(name)
    if moment is not None:
        return Snapshot(name, manifests.as_of(settings, moment))
    path = Path(name)
    if path.is_dir() and ((path / manifests.FILE).exists() or (path / "coverage.duckdb").exists()):
        return Snapshot(name, manifests.of_version(path), path.absolute())
    if path.is_file() and path.suffix == ".parquet":
        return Snapshot(name, manifests.read(path))
    known = manifests.runs(settings)
    fitting = [r for r in known if r == name or (name.isdigit() and int(r.split("-")[0]) == int(name))]
    if fitting:
        return Snapshot(name, manifests.of_run(settings, fitting[-1]))
    older = [v for v in publish.versions(settings) if v.name == name]  # published by a release that wrote no manifest
    if older:
        return Snapshot(name, None, older[0])
    raise NoSnapshot(
        f"no snapshot is called {name}: give `live`, a run id, a date such as 2025-03-15, or the directory of a version"
        + (f"; runs {known[0]} to {known[-1]} are kept" if known else "")
    )


def as_known_on(settings: Settings, moment: datetime, out: Path | None = None) -> tuple[Manifest, Path]:
    """Assemble what was published last at or before `moment` (UTC) into a directory of its own; returns its manifest and the directory.

    The default is `<home>/asof/<run_id>`; one that is there already is returned as it is. The directory appears whole or not at all.
    Raises NoSnapshot, parts.PartMissing, and FileExistsError when `out` holds something else.
    """
    manifest = manifests.as_of(settings, moment)
    directory = (out or settings.asof_dir / manifest.run_id).absolute()
    there = manifests.of_version(directory)
    if there == manifest:
        return manifest, directory
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise FileExistsError(f"{directory} is there already and is not this snapshot; name another with --out, or move it away")
    directory.parent.mkdir(parents=True, exist_ok=True)
    making = directory.with_name(f".{directory.name}.{os.getpid()}")
    try:
        restricted_directory(making)
        assemble(settings, manifest, making)
        for name, mode in DATABASES.items():
            (making / name).chmod(mode)
            sync_file(making / name)
        manifests.write(making / manifests.FILE, manifest)
        making.chmod(publish.DIRECTORY_MODE)
        making.replace(directory)  # also over an empty directory
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return manifest, directory
