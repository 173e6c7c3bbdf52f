"""Parts that no manifest names go after their time, and no others."""

import os
from datetime import datetime
from pathlib import Path

import polars as pl

from warehouse import manifests, parts
from warehouse.manifests import Manifest
from warehouse.settings import Settings

DAY = 86_400


def test_only_old_orphans_are_removed(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, keep_orphan_days=10)
    rows = [pl.DataFrame({"n": [n]}) for n in range(4)]
    memories = [parts.write(settings, "remembered.claim", "2025-07", r, "") for r in rows[:3]]
    live, staged, old, young = (parts.write(settings, "marts.x", "2025-07", r, "") for r in rows)
    now = 1_800_000_000.0
    for part in (live, staged, old):
        os.utime(settings.parts_dir / part.file, (now - 11 * DAY, now - 11 * DAY))
    os.utime(settings.parts_dir / young.file, (now - 9 * DAY, now - 9 * DAY))
    # That of a version, one that no version has any longer, and one in the making.
    for part, days in zip(memories, (2, 2, 0.5), strict=True):
        os.utime(settings.parts_dir / part.file, (now - days * DAY, now - days * DAY))
    of_version = Manifest("000001-x", datetime(2025, 9, 1), "", (live,), memory=(memories[0],))
    (settings.versions_dir / "000001-x").mkdir(parents=True)
    manifests.write_of_version(settings.versions_dir / "000001-x", of_version)
    manifests.write(settings.manifests_dir / "000001-x.parquet", Manifest("000001-x", datetime(2025, 9, 1), "", (live,)))
    manifests.write(settings.manifests_dir / "staged" / "plan.parquet", Manifest("plan", datetime(2025, 9, 1), "", (staged,)))
    assert parts.remove_orphans(settings, manifests.named_files(settings), now) == 2
    assert not (settings.parts_dir / old.file).exists()
    assert parts.all_there(settings, (live, staged, young, memories[0], memories[2]))
    assert not (settings.parts_dir / memories[1].file).exists()


def test_the_same_rows_are_the_same_file_and_are_written_once(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    rows = pl.DataFrame({"month": ["2025-07", "2025-07"], "n": [1, 2]})
    one = parts.write(settings, "marts.x", "2025-07", rows, "a")
    inode = (settings.parts_dir / one.file).stat().st_ino
    two = parts.write(settings, "marts.x", "2025-07", rows.clone(), "b")
    assert (one.file, one.rows) == (two.file, two.rows)
    assert (settings.parts_dir / two.file).stat().st_ino == inode
    assert oct((settings.parts_dir / two.file).stat().st_mode & 0o777) == "0o600"
    assert parts.write(settings, "marts.x", "2025-07", rows.reverse(), "a").file != one.file
