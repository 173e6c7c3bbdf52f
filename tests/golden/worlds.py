"""Sample worlds part by part: files given to a landing zone, and a work area that still waits for its last delivery."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# What says when and how a row came, not what is so.
BOOKKEEPING = ("quality.", "meta.")


def give(file: Path, folder: Path) -> None:
    """Copy one file with its mode and times."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.copy2(file, folder / file.name)


def data_files(landing: Path) -> list[str]:
    """Files of a landing zone without their sidecars, in order of their modification times."""
    found = [p for p in landing.rglob("*") if p.is_file() and not p.name.endswith(".manifest.json")]
    return [str(p.relative_to(landing)) for p in sorted(found, key=lambda p: (p.stat().st_mtime_ns, p))]


def deliver(source: Path, names: Iterable[str], landing: Path) -> None:
    """Give files, and their sidecars, to another landing zone under the same names."""
    for name in names:
        for file in (source / name, source / f"{name}.manifest.json"):
            if file.exists():
                give(file, (landing / name).parent)


@dataclass(frozen=True)
class ButOne:
    """A work area that has received all of a world but one file of claims, and a landing zone that lacks it."""

    home: Path
    landing: Path
    world: Path
    last: str

    def copy(self, folder: Path) -> ButOne:
        """The same in a place of its own."""
        home, landing = folder / "data", folder / "landing"
        shutil.copytree(self.home, home, symlinks=True)
        shutil.copytree(self.landing, landing)
        return ButOne(home, landing, self.world, self.last)

    def deliver_the_last(self) -> None:
        deliver(self.world / "landing", [self.last], self.landing)
