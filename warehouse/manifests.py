"""Manifests: what a version of the warehouse consists of, kept for ever.

A manifest is a Parquet file with one row per table and part; run, time and code of the version, and the fingerprints of whole tables, are
its metadata. It is written into the version's directory before that is published (`manifest.parquet`) and copied to
`restricted/manifests/<run_id>.parquet` afterwards; a night that died in between is made up for by the next (`keep`). From a manifest and
the parts that it names the version can be assembled again at any time (`warehouse.assemble`). No personal values.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

import polars as pl

from warehouse import publish
from warehouse.parts import Part
from warehouse.settings import Settings
from warehouse.storage import replacing, restricted_directory

FILE = "manifest.parquet"
MEMORY = "memory.parquet"  # beside it, of a version only: see `warehouse.memory`
HEAD = "bhyt.manifest"
ROLLBACKS = "rollbacks.jsonl"  # which run was published again, and when
SCHEMA = {"table_name": pl.String(), "part": pl.String(), "file": pl.String(), "rows": pl.Int64(), "fingerprint": pl.String()}


class NoSnapshot(Exception):
    """No version was published at or before the day asked for, or none has the name; the message says which there are."""


@dataclass(frozen=True)
class Manifest:
    """One version: its parts in order of table and part, and the fingerprints of its tables."""

    run_id: str
    published_at: datetime
    code_version: str
    parts: tuple[Part, ...]
    fingerprints: dict[str, str] = field(default_factory=dict)
    memory: tuple[Part, ...] = ()

    @cached_property
    def by_table(self) -> dict[str, list[Part]]:
        found: dict[str, list[Part]] = {}
        for part in self.parts:
            found.setdefault(part.table_name, []).append(part)
        return found

    def of(self, table_name: str) -> list[Part]:
        """The parts of one table in their order; empty when it has no rows."""
        return self.by_table.get(table_name, [])


def write(path: Path, manifest: Manifest) -> None:
    head = {
        "run_id": manifest.run_id,
        "published_at": manifest.published_at.isoformat(),
        "code_version": manifest.code_version,
        "fingerprints": manifest.fingerprints,
    }
    frame = pl.DataFrame([asdict(p) for p in manifest.parts], schema=SCHEMA)
    with replacing(path) as temporary:
        frame.write_parquet(temporary, compression="zstd", metadata={HEAD: json.dumps(head)})


def read(path: Path) -> Manifest:
    head = json.loads(pl.read_parquet_metadata(path)[HEAD])
    parts = tuple(Part(**row) for row in pl.read_parquet(path).iter_rows(named=True))
    return Manifest(head["run_id"], datetime.fromisoformat(head["published_at"]), head["code_version"], parts, head["fingerprints"])


def published_at(path: Path) -> datetime:
    """When the version of a manifest was published (UTC); only its head is read."""
    return datetime.fromisoformat(json.loads(pl.read_parquet_metadata(path)[HEAD])["published_at"])


def of_version(version: Path | None) -> Manifest | None:
    """The manifest in the directory of a version; None when there is none (a version of an older release)."""
    path = version / FILE if version else None
    if path is None or not path.exists():
        return None
    manifest, memory = read(path), path.with_name(MEMORY)
    return replace(manifest, memory=read(memory).parts) if memory.exists() else manifest


def write_of_version(version: Path, manifest: Manifest) -> None:
    """Write what a version consists of, and what its build remembers, into its directory."""
    write(version / MEMORY, replace(manifest, parts=manifest.memory, fingerprints={}))
    write(version / FILE, manifest)


def keep(settings: Settings) -> None:
    """Copy the manifests of all published versions that are not kept yet."""
    for version in publish.versions(settings):
        kept = settings.manifests_dir / f"{version.name}.parquet"
        if (version / FILE).exists() and not kept.exists():
            with replacing(kept) as temporary:
                temporary.write_bytes((version / FILE).read_bytes())


def runs(settings: Settings) -> list[str]:
    """Runs whose manifest is kept, oldest first."""
    return sorted(p.stem for p in settings.manifests_dir.glob("[0-9]*.parquet"))


def of_run(settings: Settings, run_id: str) -> Manifest:
    """Raises NoSnapshot."""
    path = settings.manifests_dir / f"{run_id}.parquet"
    if not path.exists():
        raise NoSnapshot(f"there is no manifest of run {run_id}; {_which(settings)}")
    return read(path)


def rollback(settings: Settings, moment: datetime) -> tuple[Path, Path]:
    """Publish the version before the current one again, and note that (`moment`: now, UTC); returns (from, to).

    Raises publish.NotPublished when there is none.
    """
    left, now = publish.rollback(settings)
    restricted_directory(settings.manifests_dir)
    journal = settings.manifests_dir / ROLLBACKS
    known = journal.read_text(encoding="ascii") if journal.exists() else ""
    with replacing(journal) as temporary:
        temporary.write_text(f"{known}{json.dumps({'run_id': now.name, 'at': moment.isoformat()})}\n", encoding="ascii")
    return left, now


def _rollbacks(settings: Settings) -> list[tuple[datetime, str]]:
    """When a person went back to a run whose manifest is kept."""
    journal = settings.manifests_dir / ROLLBACKS
    lines = journal.read_text(encoding="ascii").splitlines() if journal.exists() else []
    noted = [json.loads(line) for line in lines]
    return [(datetime.fromisoformat(n["at"]), n["run_id"]) for n in noted if n["run_id"] in runs(settings)]


def as_of(settings: Settings, moment: datetime) -> Manifest:
    """What was published last at or before `moment` (UTC), also by a rollback. Raises NoSnapshot."""
    times = [(published_at(settings.manifests_dir / f"{run_id}.parquet"), run_id) for run_id in runs(settings)]
    times += _rollbacks(settings)
    found = [(time, run_id) for time, run_id in times if time <= moment]
    if not found:
        raise NoSnapshot(f"nothing was published up to {moment:%Y-%m-%d %H:%M} UTC; {_which(settings)}")
    return of_run(settings, max(found)[1])


def named_files(settings: Settings, more: Iterable[Manifest] = ()) -> set[str]:
    """Files of all parts that any manifest names: kept ones, those of staged versions below them, those of versions, and `more`."""
    found = {p.file for m in more for p in m.parts}
    files = [*settings.manifests_dir.rglob("*.parquet")]
    for versions in (settings.versions_dir, settings.staged_versions_dir):
        files += [path for name in (FILE, MEMORY) for path in versions.glob(f"*/{name}")]
    for path in files:
        found.update(pl.read_parquet(path, columns=["file"]).to_series())
    return found


def _which(settings: Settings) -> str:
    known = runs(settings)
    return f"the first is {known[0]}, the last {known[-1]}" if known else "no version has been published with a manifest yet"
