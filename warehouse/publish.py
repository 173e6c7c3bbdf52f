"""Publishing: a version is a directory; readers go through one symbolic link that is swapped atomically.

`warehouse/versions/<run>/coverage.duckdb` keeps its file name in every version: DuckDB caches open databases by resolved path, so a
new connection in a process that still has the old version open sees the new one (a renamed file would stay stale), and
saved `catalog.schema.table` names go on working.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from warehouse.settings import Settings
from warehouse.storage import sync_directory, sync_file

BI_MODE = 0o644
ANALYST_MODE = 0o640
DIRECTORY_MODE = 0o755
# Lies in a version from before it gets its name until the link points at it. Where a night was killed in between it stays, and tells that
# version from one that a person went back from: the first was never published, the second must not be published again by itself.
UNPUBLISHED = ".unpublished"


class NotPublished(Exception):
    """Nothing can be swapped in; the message says why and what to do."""


def current(settings: Settings) -> Path | None:
    """The directory of the published version, None when there is none."""
    link = settings.current_link
    if not link.is_symlink():
        if link.exists():
            raise NotPublished(f"{link} is not a symbolic link; move it away, the warehouse publishes through a link of that name")
        return None
    target = link.resolve()
    return target if target.is_dir() else None


def versions(settings: Settings) -> list[Path]:
    """Directories of all versions that are or were published, oldest first."""
    if not settings.versions_dir.exists():
        return []
    unfinished = _unfinished(settings)
    return sorted(p for p in settings.versions_dir.iterdir() if p.is_dir() and p not in unfinished)


def _unfinished(settings: Settings) -> set[Path]:
    """Versions in the making, and those that a night had named but not yet published when it died."""
    published = settings.current_link.resolve()
    named = {p.parent for p in settings.versions_dir.glob(f"*/{UNPUBLISHED}") if p.parent.resolve() != published}
    return named | set(settings.versions_dir.glob(".making-*"))


def staging_directory(settings: Settings, run_id: str) -> Path:
    """A directory for a version in the making; its leading dot keeps it out of `versions`."""
    make_folders(settings)
    for left in _unfinished(settings):  # of a night that died; the night's lock is ours
        shutil.rmtree(left, ignore_errors=True)
    path = settings.versions_dir / f".making-{run_id}"
    path.mkdir(mode=0o700)
    return path


def make_folders(settings: Settings) -> None:
    """The folders that readers pass through, open to them."""
    for directory in (settings.current_link.parent, settings.versions_dir):
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(DIRECTORY_MODE)


def publish(settings: Settings, made: Path, run_id: str) -> Path:
    """Put a finished version in place and swing the link to it. Keeps the last `settings.keep_versions`."""
    for name, mode in (("coverage.duckdb", BI_MODE), ("analyst.duckdb", ANALYST_MODE)):
        file = made / name
        if (made / f"{name}.wal").exists():
            raise NotPublished(f"{file} was not checkpointed: its WAL is still there")
        file.chmod(mode)
        sync_file(file)
    made.chmod(DIRECTORY_MODE)
    (made / UNPUBLISHED).touch()
    sync_directory(made)
    version = settings.versions_dir / run_id
    made.rename(version)
    sync_directory(settings.versions_dir)
    swing(settings, version)
    (version / UNPUBLISHED).unlink()
    prune(settings)
    return version


def swing(settings: Settings, version: Path) -> None:
    """Point `current` at a version, atomically: a reader sees the old directory or the new one, never a mixture."""
    current(settings)  # refuses a `current` that is no link
    link = settings.current_link
    new = link.with_name(f".{link.name}.next")
    new.unlink(missing_ok=True)
    new.symlink_to(os.path.relpath(version, link.parent), target_is_directory=True)
    new.replace(link)
    sync_directory(link.parent)


def prune(settings: Settings) -> None:
    """Remove the oldest versions; a reader that has one open keeps it until it closes it."""
    published = current(settings)
    for version in versions(settings)[: -settings.keep_versions]:
        if version != published:
            shutil.rmtree(version, ignore_errors=True)


def rollback(settings: Settings) -> tuple[Path, Path]:
    """Publish the version before the current one again; returns (from, to).

    Raises NotPublished when there is none.
    """
    published = current(settings)
    if published is None:
        raise NotPublished("nothing is published yet; run `bhyt nightly` first")
    earlier = [v for v in versions(settings) if v.name < published.name]
    if not earlier:
        raise NotPublished(
            f"there is no version before {published.name}; it stays published (`bhyt status` lists the versions that are kept)"
        )
    swing(settings, earlier[-1])
    return published, earlier[-1]
