"""What is installed, what is never named, and that a night speaks to nobody: traps that no unit test of ours would show."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from datetime import date
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import flows
from tests.nights import PATIENCE, ROOT, Place
from warehouse.samples import write

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PINNED = dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)(?:\[[a-z,]+\])?==([^\s;\\]+)", LOCK, re.MULTILINE))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CAPS = {r.name: r.specifier for r in map(Requirement, PROJECT["project"]["dependencies"])}


@pytest.mark.parametrize(
    ("name", "too_new"),
    [
        ("fastapi", "0.151.0"),  # the server of Prefect 3.8 does not start
        ("sqlalchemy", "2.1.0"),  # its scheduler silently never schedules
        ("prefect", "3.9.0"),
        ("great-expectations", "1.25.0"),
    ],
)
def test_the_versions_that_break_prefect_are_kept_out(name: str, too_new: str) -> None:
    assert not CAPS[name].contains(too_new)
    assert CAPS[name].contains(PINNED[name])
    assert Version(PINNED[name]) < Version(too_new)
    assert version(name) == PINNED[name]


def test_duckdb_is_the_version_that_extension_wheels_and_bi_drivers_fit() -> None:
    assert PINNED["duckdb"] == "1.5.5" == version("duckdb")


def test_every_requirement_is_locked_to_one_version_with_hashes() -> None:
    requirements = re.split(r"\n(?=[a-z0-9])", LOCK.strip())
    loose = [r.splitlines()[0] for r in requirements if not re.match(r"[^\s=]+==\S+", r) or "--hash=sha256:" not in r]
    assert loose == []
    assert {r.name.lower() for r in map(Requirement, PROJECT["project"]["dependencies"])} <= set(PINNED)


def committed() -> dict[str, str]:
    """Text files under version control, and those about to be."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    found = {}
    for name in listed.decode().split("\0"):
        path = ROOT / name
        if name and path.is_file() and b"\0" not in (data := path.read_bytes())[:8192]:
            found[name] = data.decode("utf-8", errors="replace")
    return found


# Each word is written apart, so that this file does not hold it either.
INDEX_OPTIONS = tuple("--" + w for w in ("index-url", "extra-index-url", "find-links", "trusted-host", "default-index"))
REGISTRIES = tuple(".".join(h) for h in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("anaconda", "org")))


def test_the_lock_and_the_project_name_no_address() -> None:
    for name in ("requirements.lock", "pyproject.toml"):
        text = committed()[name]
        assert "://" not in text, name
        assert [o for o in INDEX_OPTIONS if o in text] == [], name


def test_no_file_names_an_index_or_the_host_of_a_package_registry() -> None:
    named = [(name, word) for name, text in committed().items() for word in (*INDEX_OPTIONS, *REGISTRIES) if word in text]
    assert named == []


def without_silence(place: Place) -> dict[str, str]:
    """The environment of somebody who has switched nothing off."""
    return {n: v for n, v in place.environment.items() if n not in flows.SILENCE}


def test_importing_the_flows_silences_prefect_and_great_expectations(tmp_path: Path) -> None:
    code = (
        "import json, os, flows; from prefect.settings import get_current_settings; server = get_current_settings().server;"
        "print(json.dumps([os.environ['DO_NOT_TRACK'], os.environ['GX_ANALYTICS_ENABLED'], server.analytics_enabled,"
        " server.ui.show_promotional_content]))"
    )
    bare = without_silence(Place(tmp_path))
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=bare, capture_output=True, text=True, check=True).stdout
    assert json.loads(said) == ["1", "false", False, False]


# Loaded by every Python process of the night, Prefect's own server included, before anything else.
GUARD = """
import os, sys

def _watch(event, arguments):
    if event == "socket.connect":
        address = arguments[1]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        address = arguments[0] if event != "socket.sendto" else arguments[1]
    else:
        return
    host = address[0] if isinstance(address, tuple) else address
    if isinstance(host, bytes):
        host = host.decode(errors="replace")
    with open(os.environ["SOCKETS_SEEN"], "a") as seen:
        seen.write(f"{event} {host!r}\\n")

sys.addaudithook(_watch)
"""
LOOPBACK = {"'127.0.0.1'", "'::1'", "'localhost'", "None", "''"}


def test_a_night_with_its_own_prefect_speaks_to_this_machine_only(tmp_path: Path) -> None:
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard" / "sitecustomize.py").write_text(GUARD, encoding="utf-8")
    seen = tmp_path / "sockets"
    write(tmp_path, persons=500, months=(date(2025, 7, 1), date(2025, 7, 1)), seed=4, provinces=("22",), visits_per_person_year=0.2)
    guarded = {"PYTHONPATH": str(tmp_path / "guard"), "SOCKETS_SEEN": str(seen), "PREFECT_LOGGING_LEVEL": "WARNING"}
    place = Place(tmp_path, guarded)
    night = subprocess.run(
        [sys.executable, "-m", "flows", "nightly"], cwd=ROOT, env=without_silence(place), capture_output=True, text=True, timeout=PATIENCE
    )
    assert night.returncode == 0, night.stderr
    assert place.ask("SELECT count(*) FROM meta.snapshot") == [(1,)]
    asked = {tuple(line.split(" ", 1)) for line in seen.read_text().splitlines()}
    assert ("socket.connect", "'127.0.0.1'") in asked, "the guard saw nothing, not even the night's talk with its own server"
    assert {a for a in asked if a[1] not in LOOPBACK} == set()
