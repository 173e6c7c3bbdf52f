"""The same bytes again are a repeat (contract, "A delivery" and "What a bad input gets"), night after night."""

import json
import zipfile
from pathlib import Path

import pytest

from flows import night as steps
from warehouse.settings import Settings

TWO = b"NAM,MATINH,DAN_SO\n2025,01,10\n2025,79,20\n"
ONE = b"NAM,MATINH,DAN_SO\n2025,01,10\n"


class Zone:
    """A landing zone with lists of population, and the steps of a night that decide what becomes of a delivery."""

    def __init__(self, root: Path) -> None:
        self.settings = Settings(home=root / "data", landing=root / "landing", data_docs=False)
        self.folder = root / "landing" / "planning" / "population"
        self.folder.mkdir(parents=True)

    def put(self, name: str, content: bytes | dict[str, bytes], rows: int | None = None) -> None:
        """A file, or a zip of several; `rows`: what a manifest beside it declares."""
        if isinstance(content, dict):
            with zipfile.ZipFile(self.folder / name, "w") as archive:
                for member, text in content.items():
                    archive.writestr(member, text)
        else:
            (self.folder / name).write_bytes(content)
        if rows is not None:
            (self.folder / f"{name}.manifest.json").write_text(json.dumps({"rows": rows}))

    def night(self) -> list[tuple[str, str, int, int, int]]:
        """Path, status, records read, loaded and repeated of each delivery so far."""
        night = steps.begin(self.settings)
        found = steps.look(night)
        items, outcomes = steps.settle(night, found, steps.read(night, found.to_read))
        steps.record(night, found, items, outcomes, steps.validate(night, items, outcomes))
        columns = ("path", "status", "records_read", "records_loaded", "records_repeated")
        listed = night.ledger.deliveries().sort("path").select(columns).rows()
        return [(path.removeprefix("planning/population/"), *rest) for path, *rest in listed]


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    return Zone(tmp_path)


def test_the_same_bytes_under_another_path_are_a_repeat_in_the_same_night_and_in_a_later_one(zone: Zone) -> None:
    zone.put("a.csv", TWO)
    zone.put("b.zip", {"x.csv": ONE, "y.csv": ONE})
    assert [r[1] for r in zone.night()] == ["loaded", "loaded", "repeated"]
    zone.put("c.csv", TWO)
    assert zone.night() == [
        ("a.csv", "loaded", 2, 2, 0),
        ("b.zip!/x.csv", "loaded", 1, 1, 0),
        ("b.zip!/y.csv", "repeated", 1, 0, 1),
        ("c.csv", "repeated", 2, 0, 2),
    ]


@pytest.mark.parametrize("nights", [1, 2])
def test_known_bytes_whose_manifest_declares_more_rows_are_truncated_and_no_repeat(zone: Zone, nights: int) -> None:
    zone.put("a.csv", TWO)
    if nights == 2:
        zone.night()
    zone.put("b.csv", TWO, rows=3)
    assert sorted(r[1:] for r in zone.night()) == [("loaded", 2, 2, 0), ("refused", 0, 0, 0)]


@pytest.mark.parametrize("nights", [1, 2])
def test_repeated_members_count_towards_what_the_manifest_of_their_archive_declares(zone: Zone, nights: int) -> None:
    zone.put("a.csv", ONE)
    if nights == 2:
        zone.night()
    zone.put("b.zip", {"x.csv": ONE, "y.csv": TWO}, rows=3)
    assert sorted(r[1:] for r in zone.night()) == [("loaded", 1, 1, 0), ("loaded", 2, 2, 0), ("repeated", 1, 0, 1)]


def test_a_refused_file_with_known_bytes_is_a_repeat_once_its_manifest_is_right(zone: Zone) -> None:
    zone.put("a.csv", TWO)
    zone.put("b.csv", TWO, rows=3)
    zone.night()
    zone.put("b.csv", TWO, rows=2)
    assert zone.night() == [("a.csv", "loaded", 2, 2, 0), ("b.csv", "repeated", 2, 0, 2)]
