"""What was published stays: `asof` gives it back to the row, `diff` says what changed, and neither shows a person."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from expectations.marts import BI_TABLES
from flows.history import page
from tests.golden.published import all_tables, unlike
from tests.golden.worlds import data_files, deliver
from tests.history.worlds import FIRST, Area
from tests.nights import Place
from warehouse import manifests, snapshots
from warehouse.differences import between
from warehouse.manifests import NoSnapshot
from warehouse.samples import write

NIGHTS = 3


@dataclass(frozen=True)
class Story:
    """Three nights, and every table as it was published after each."""

    area: Area
    tables: list[dict[str, pl.DataFrame]]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    root = tmp_path_factory.mktemp("snapshots")
    write(root, persons=500, months=(date(2025, 6, 1), date(2025, 8, 1)), seed=3, provinces=("24", "27"), visits_per_person_year=1.0)
    shutil.move(root / "landing", root / "source")
    files = data_files(root / "source")
    third = len(files) // NIGHTS
    area, tables = Area(root), []
    for n in range(NIGHTS):
        deliver(root / "source", files[n * third : (n + 1) * third if n < NIGHTS - 1 else None], root / "landing")
        area.night(n)
        tables.append(area.tables())
    return Story(area, tables)


def test_asof_gives_every_table_of_the_day_to_the_row(story: Story) -> None:
    """Although only two versions are kept, and the ledger has grown since."""
    assert unlike(story.tables[0], story.tables[2]) != []
    for n, published in enumerate(story.tables):
        moment = snapshots.moment_of(f"{FIRST + timedelta(days=n):%Y-%m-%d}")
        assert moment
        manifest, directory = snapshots.as_known_on(story.area.settings, moment)
        assert manifest.run_id == published["meta.snapshot"]["run_id"].item()
        again = all_tables(directory / "coverage.duckdb") | all_tables(directory / "analyst.duckdb")
        assert unlike(published, again) == []
        assert snapshots.as_known_on(story.area.settings, moment)[1] == directory, "and the second time it is there already"


def test_before_the_first_night_nothing_was_known(story: Story) -> None:
    with pytest.raises(NoSnapshot, match="the first is 000001"):
        snapshots.find(story.area.settings, "2025-08-31")
    assert snapshots.find(story.area.settings, "2025-09-01T18:30").manifest == manifests.of_run(
        story.area.settings, "000001-20250901T183000"
    )


def test_a_snapshot_has_many_names(story: Story) -> None:
    settings = story.area.settings
    names = ("live", "3", "000003-20250903T183000", "2025-09-03", "2030-01-01", str(settings.current_link.resolve()))
    assert {snapshots.find(settings, n).label for n in names} == {"run 000003-20250903T183000, 2025-09-03 18:30 UTC"}


def test_a_directory_that_is_something_else_is_not_overwritten(story: Story, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="not this snapshot"):
        snapshots.as_known_on(story.area.settings, FIRST.replace(tzinfo=None), tmp_path)
    assert (tmp_path / "letter.txt").read_text() == "mine"


def test_the_difference_is_that_of_the_rows(story: Story) -> None:
    settings = story.area.settings
    found = between(settings, snapshots.find(settings, "1"), snapshots.find(settings, "live"))
    old, new = story.tables[0], story.tables[2]
    for r in found.tables.iter_rows(named=True):
        name = r["table_name"]
        assert (r["state"] == "same") == old[name].equals(new[name], null_equal=True), name
        assert (r["rows_old"], r["rows_new"]) == (old[name].height, new[name].height)
        assert r["keys_added"] - r["keys_removed"] == new[name].height - old[name].height
    key = ["month", "facility_code", "care_type"]
    both = old["marts.facility_month"].join(new["marts.facility_month"], on=key, suffix="_new")
    visits = both.filter(pl.col("visits") != pl.col("visits_new")).select((pl.col("visits_new") - pl.col("visits")).sum()).item()
    told = found.changes.filter((pl.col("table_name") == "marts.facility_month") & (pl.col("measure") == "visits"))
    assert told.filter(pl.col("change") == "changed")["difference"].sum() == visits
    assert told.filter(pl.col("change") == "added").height == new["marts.facility_month"].join(both, on=key, how="anti").height


def test_the_largest_come_first_and_claims_are_only_counted(story: Story) -> None:
    settings = story.area.settings
    found = between(settings, snapshots.find(settings, "1"), snapshots.find(settings, "3"))
    largest = found.changes.group_by("table_name", "key", maintain_order=True).agg(pl.col("share").max())
    for (_,), shares in largest.group_by("table_name", maintain_order=True):
        assert shares["share"].drop_nulls().is_sorted(descending=True)
    assert set(found.changes["table_name"]) <= {t.qualified_name for t in BI_TABLES}
    facts = found.tables.filter(pl.col("table_name") == "facts.claim")
    assert facts["keys_added"].item() > 0
    assert "marts.facility_month" in page(found)
    assert not any(k in page(found) for k in story.tables[2]["facts.claim"]["claim_key"])


def test_parts_with_the_same_file_are_not_read(story: Story, tmp_path: Path) -> None:
    shutil.copytree(story.area.root / "data", tmp_path / "data", symlinks=True)
    settings = Area(tmp_path).settings
    old, new = snapshots.find(settings, "2"), snapshots.find(settings, "3")
    assert old.manifest
    assert new.manifest
    shared = {p.file for p in old.manifest.parts} & {p.file for p in new.manifest.parts}
    assert shared
    for file in shared:
        (settings.parts_dir / file).unlink()
    assert not between(settings, old, new).same
    assert between(settings, new, new).same


def test_the_command_line_says_where_and_what(story: Story, tmp_path: Path) -> None:
    place = Place(story.area.root)
    done = place.here("asof", "2025-09-01", "--out", str(tmp_path / "then"))
    assert done.returncode == 0
    assert (tmp_path / "then" / "coverage.duckdb").exists()
    assert "same rows in every table" in place.here("diff", "live", "3").stdout
    assert place.here("diff", str(tmp_path / "then"), "live", "--format", "parquet", "--out", str(tmp_path / "d.parquet")).returncode == 0
    assert pl.read_parquet(tmp_path / "d.parquet").height > 0
    assert place.here("diff", "live", "2024-01-01").returncode == 1
    assert place.here("asof", "yesterday").returncode == 2
