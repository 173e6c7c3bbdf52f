"""Publishing: versions, the link, going back; seen by real DuckDB readers in this process."""

import os
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from warehouse import manifests, publish
from warehouse.manifests import Manifest
from warehouse.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, keep_versions=3)


def make(settings: Settings, run_id: str, generation: int) -> Path:
    made = publish.staging_directory(settings, run_id)
    for name in ("coverage", "analyst"):
        with duckdb.connect(str(made / f"{name}.duckdb")) as c:
            c.execute("CREATE TABLE generation AS SELECT ? AS n", [generation])
    return publish.publish(settings, made, run_id)


def generation(path: Path) -> int:
    with duckdb.connect(str(path), read_only=True) as c:
        row = c.execute("SELECT n FROM generation").fetchone()
    assert row
    return int(row[0])


def test_the_published_file_is_reached_through_the_link(settings: Settings) -> None:
    make(settings, "000001", 1)
    assert settings.current_link.is_symlink()
    assert generation(settings.published_file) == 1


def test_a_new_connection_of_a_process_that_holds_the_old_version_open_sees_the_new_one(settings: Settings) -> None:
    make(settings, "000001", 1)
    with duckdb.connect(str(settings.published_file), read_only=True) as old:
        make(settings, "000002", 2)
        assert generation(settings.published_file) == 2
        assert old.execute("SELECT n FROM generation").fetchone() == (1,)


def test_the_catalog_keeps_its_name_from_version_to_version(settings: Settings) -> None:
    for n in (1, 2):
        make(settings, f"00000{n}", n)
        with duckdb.connect(str(settings.published_file), read_only=True) as c:
            assert c.execute("SELECT current_catalog()").fetchone() == ("coverage",)


def test_an_old_reader_survives_the_removal_of_its_version(settings: Settings) -> None:
    make(settings, "000001", 1)
    with duckdb.connect(str(settings.published_file), read_only=True) as old:
        for n in range(2, 7):
            make(settings, f"00000{n}", n)
        assert [v.name for v in publish.versions(settings)] == ["000004", "000005", "000006"]
        assert old.execute("SELECT n FROM generation").fetchone() == (1,)


def test_rollback_goes_back_one_and_says_when_it_cannot(settings: Settings) -> None:
    make(settings, "000001", 1)
    make(settings, "000002", 2)
    left, now = publish.rollback(settings)
    assert (left.name, now.name) == ("000002", "000001")
    assert generation(settings.published_file) == 1
    with pytest.raises(publish.NotPublished, match="no version before 000001"):
        publish.rollback(settings)


def test_a_day_after_a_rollback_is_told_the_version_that_was_published_again(settings: Settings) -> None:
    def night(n: int) -> None:
        make(settings, f"00000{n}", n)
        manifests.write(settings.manifests_dir / f"00000{n}.parquet", Manifest(f"00000{n}", datetime(2025, 9, n), "", ()))

    def known(*moment: int) -> str:
        return manifests.as_of(settings, datetime(2025, 9, *moment)).run_id

    night(1)
    night(2)
    manifests.rollback(settings, datetime(2025, 9, 4))
    assert [known(1, 12), known(3), known(4)] == ["000001", "000002", "000001"]
    night(5)
    assert [known(3), known(4, 23), known(5)] == ["000002", "000001", "000005"]


def test_a_version_with_a_wal_is_not_published(settings: Settings) -> None:
    made = publish.staging_directory(settings, "000001")
    for name in ("coverage", "analyst"):
        duckdb.connect(str(made / f"{name}.duckdb")).close()
    (made / "coverage.duckdb.wal").write_bytes(b"left by a builder that died")
    with pytest.raises(publish.NotPublished, match="not checkpointed"):
        publish.publish(settings, made, "000001")
    assert publish.current(settings) is None


def test_what_a_killed_night_left_is_swept_and_was_never_visible(settings: Settings) -> None:
    left = publish.staging_directory(settings, "000001")
    (left / "coverage.duckdb").write_bytes(b"half")
    assert publish.versions(settings) == []
    publish.staging_directory(settings, "000002")
    assert not left.exists()


def test_modes_let_bi_read_the_aggregates_and_a_group_the_claims(settings: Settings) -> None:
    version = make(settings, "000001", 1)
    assert oct((version / "coverage.duckdb").stat().st_mode & 0o777) == "0o644"
    assert oct((version / "analyst.duckdb").stat().st_mode & 0o777) == "0o640"
    assert os.access(version, os.R_OK | os.X_OK)


def test_a_directory_in_the_place_of_the_link_is_not_overwritten(settings: Settings) -> None:
    settings.current_link.mkdir(parents=True)
    with pytest.raises(publish.NotPublished, match="not a symbolic link"):
        make(settings, "000001", 1)
