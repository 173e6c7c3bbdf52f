"""The landing zone: which deliveries there are, where and when they belong (contract, "A file" and "A delivery")."""

import hashlib
import json
import os
import zipfile
from datetime import date
from pathlib import Path

import pytest

from warehouse import landing

SEPTEMBER = date(2025, 9, 1)


def put(zone: Path, path: str, content: bytes = b"x", manifest: dict | str | None = None) -> Path:
    file = zone / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    if manifest is not None:
        Path(f"{file}.manifest.json").write_text(manifest if isinstance(manifest, str) else json.dumps(manifest))
    return file


def zipped(zone: Path, path: str, members: dict[str, bytes], manifest: dict | None = None) -> Path:
    file = put(zone, path, b"", manifest)
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file


def scan(zone: Path, known=None) -> list[landing.Landed]:
    return list(landing.scan(zone, known or {}))


def test_a_missing_landing_zone_is_empty(tmp_path):
    assert scan(tmp_path / "none") == []


def test_files_come_in_order_of_path_with_their_export_and_hash(tmp_path):
    put(tmp_path, "tax/employers/b.csv", b"b")
    put(tmp_path, "hospitals/claims/2025/79/a.xml", b"a")
    found = scan(tmp_path)
    assert [(f.path, f.export, f.size, f.sha256) for f in found] == [
        ("hospitals/claims/2025/79/a.xml", "claims", 1, hashlib.sha256(b"a").hexdigest()),
        ("tax/employers/b.csv", "employers", 1, hashlib.sha256(b"b").hexdigest()),
    ]
    assert found[0].delivery_id == hashlib.sha256(f"hospitals/claims/2025/79/a.xml\0{found[0].sha256}".encode()).hexdigest()[:16]


def test_hidden_files_lock_files_and_sidecars_are_no_deliveries(tmp_path):
    for name in (".hidden", "~$book.xlsx", "__MACOSX/x", ".git/x", "orphan.csv.manifest.json"):
        put(tmp_path, f"planning/targets/{name}")
    zipped(tmp_path, "planning/targets/a.zip", {"__MACOSX/._a.csv": b"x", "a.csv": b"x", ".DS_Store": b"x"})
    assert [f.path for f in scan(tmp_path)] == ["planning/targets/a.zip!/a.csv"]


def test_paths_are_nfc(tmp_path):
    put(tmp_path, "planning/targets/Ha\u0300 No\u0323\u0302i.csv")
    assert [f.path for f in scan(tmp_path)] == ["planning/targets/Hà Nội.csv"]


def test_an_unchanged_file_is_neither_opened_nor_hashed(tmp_path):
    file = put(tmp_path, "provinces/cards/a.csv", b"one")
    (first,) = scan(tmp_path)
    known = {first.path: (first.size, first.modified_ns, first.context)}
    file.chmod(0)
    assert scan(tmp_path, known) == []
    file.chmod(0o600)
    file.write_bytes(b"changed")
    assert [f.size for f in scan(tmp_path, known)] == [7]


def test_a_changed_manifest_brings_its_file_back(tmp_path):
    file = put(tmp_path, "provinces/cards/a.csv")
    (first,) = scan(tmp_path)
    assert first.context == ""
    known = {first.path: (first.size, first.modified_ns, first.context)}
    Path(f"{file}.manifest.json").write_text('{"province": "22", "period": "2025-09"}')
    (again,) = scan(tmp_path, known)
    assert (again.province, again.period, len(again.context)) == ("22", SEPTEMBER, 64)


@pytest.mark.parametrize(
    ("path", "manifest", "province", "period"),
    [
        ("a.csv", {"province": "22", "period": "2025-09", "rows": 3}, "22", SEPTEMBER),
        ("province=22/period=2025-09/a.csv", None, "22", SEPTEMBER),
        ("period=2025-09/x/province=22/a_01_2024-01.csv.gz", None, "22", SEPTEMBER),
        ("the cards_22_2025-09.csv.gz", None, "22", SEPTEMBER),
        ("cards_22_2025-09", None, "22", SEPTEMBER),
        ("province=22/cards_01_2025-09.csv", None, "22", SEPTEMBER),
        ("province=01/cards_01_2025-08.csv", {"province": "22", "period": "09/2025"}, "22", SEPTEMBER),
        ("a.csv", {"province": "22", "period": "202509"}, "22", SEPTEMBER),
        ("a_2025-09.csv", None, None, None),
        ("a_22_2025-13.csv", None, "22", None),
        ("a_22_2025-09_final.csv", None, None, None),
        ("period=2025-09/a.csv", {"province": "22"}, "22", SEPTEMBER),
    ],
)
def test_province_and_period_by_manifest_then_path_parts_then_file_name(tmp_path, path, manifest, province, period):
    put(tmp_path, f"provinces/cards/{path}", manifest=manifest)
    (found,) = scan(tmp_path)
    assert (found.province, found.period, found.refusal) == (province, period, None)


def test_a_register_without_context_is_refused_with_the_three_ways(tmp_path):
    put(tmp_path, "provinces/cards/a.csv", manifest={"province": "22"})
    put(tmp_path, "tax/employers/a.csv")
    cards, employers = scan(tmp_path)
    refusal = landing.missing_context(cards)
    assert refusal is not None
    assert refusal.code == "missing_context"
    assert "no period" in refusal.reason
    assert "no province" not in refusal.reason
    for way in ("a.csv.manifest.json", "province=22", "_22_2025-09"):
        assert way in refusal.reason
    assert landing.missing_context(employers) is None


def test_each_member_of_an_archive_is_a_delivery(tmp_path):
    zipped(tmp_path, "hospitals/claims/batch.zip", {"b.xml": b"b", "x/a.xml": b"a", "../up.xml": b"u"})
    assert [(f.path, f.members, f.sha256, f.file.name) for f in scan(tmp_path)] == [
        ("hospitals/claims/batch.zip!/../up.xml", ("../up.xml",), hashlib.sha256(b"u").hexdigest(), "batch.zip"),
        ("hospitals/claims/batch.zip!/b.xml", ("b.xml",), hashlib.sha256(b"b").hexdigest(), "batch.zip"),
        ("hospitals/claims/batch.zip!/x/a.xml", ("x/a.xml",), hashlib.sha256(b"a").hexdigest(), "batch.zip"),
    ]


def test_an_archive_passes_its_context_to_its_members_whose_own_comes_first(tmp_path):
    own = json.dumps({"province": "01", "rows": 7}).encode()
    members = {"a.csv": b"a", "b.csv": b"b", "b.csv.manifest.json": own, "c_33_2025-01.csv": b"c"}
    zipped(tmp_path, "provinces/cards/batch.zip", members, {"period": "2025-09", "rows": 9, "province": "22"})
    zipped(tmp_path, "provinces/cards/one_22_2025-09.zip", {"a.csv": b"x"}, {"rows": 5})
    assert [(f.path.split("!/")[1], f.province, f.period, f.rows_declared, f.rows_declared_total) for f in scan(tmp_path)] == [
        ("a.csv", "22", SEPTEMBER, None, 9),
        ("b.csv", "01", SEPTEMBER, 7, 9),
        ("c_33_2025-01.csv", "22", SEPTEMBER, None, 9),
        ("a.csv", "22", SEPTEMBER, 5, None),
    ]


def refusal_of(zone: Path) -> tuple[str, str]:
    (found,) = scan(zone)
    assert found.refusal is not None
    return found.refusal.code, found.refusal.reason


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ("{", "not JSON"),
        ("[1]", "an object"),
        ('{"province": 22}', "two digits"),
        ('{"province": "2"}', "two digits"),
        ('{"period": "2025"}', "as a month"),
        ('{"period": "2025-13"}', "as a month"),
        ('{"rows": "12"}', "whole number"),
        ('{"rows": true}', "whole number"),
        ('{"rows": -1}', "whole number"),
        ('{"sha256": "12"}', "64 hexadecimal"),
    ],
)
def test_a_manifest_that_cannot_be_read_refuses_its_file(tmp_path, manifest, words):
    put(tmp_path, "provinces/cards/a.csv", manifest=manifest)
    code, reason = refusal_of(tmp_path)
    assert code == "bad_manifest"
    assert words in reason


def test_the_manifest_may_check_the_bytes(tmp_path):
    put(tmp_path, "tax/employers/a.csv", b"a", {"sha256": hashlib.sha256(b"a").hexdigest().upper()})
    assert scan(tmp_path)[0].refusal is None
    put(tmp_path, "tax/employers/a.csv", b"cut")
    assert refusal_of(tmp_path)[0] == "wrong_sha256"


def test_a_file_outside_the_eight_folders_is_refused(tmp_path):
    put(tmp_path, "provinces/readme.txt")
    code, reason = refusal_of(tmp_path)
    assert code == "unknown_folder"
    assert "provinces/cards" in reason
    assert scan(tmp_path)[0].export is None


def test_links_out_of_the_landing_zone_are_refused_and_those_inside_followed(tmp_path):
    secret = put(tmp_path, "elsewhere/secret.csv", b"secret")
    zone = tmp_path / "zone"
    inside = put(zone, "tax/employers/a.csv")
    os.symlink(secret, zone / "tax/employers/b.csv")
    os.symlink(secret.parent, zone / "tax/employers/c")
    os.symlink(inside, zone / "tax/employers/d.csv")
    os.symlink(zone / "tax", zone / "tax/employers/e")
    os.symlink("nowhere", zone / "tax/employers/f.csv")
    found = {f.path.rsplit("/", 1)[-1]: f.refusal and f.refusal.code for f in scan(zone)}
    assert found == {"a.csv": None, "b.csv": "outside_landing", "c": "outside_landing", "d.csv": None, "f.csv": "unreadable_file"}


def test_nothing_is_written_in_the_landing_zone(tmp_path):
    put(tmp_path, "tax/employers/a.csv")
    zipped(tmp_path, "tax/employers/b.zip", {"b.csv": b"b"})
    before = sorted((p, p.stat().st_mtime_ns) for p in tmp_path.rglob("*"))
    scan(tmp_path)
    assert sorted((p, p.stat().st_mtime_ns) for p in tmp_path.rglob("*")) == before


@pytest.mark.parametrize(("period", "code"), [("2026-09", None), ("2026-10", "period_ahead"), ("2052-09", "period_ahead")])
def test_a_register_of_more_than_a_year_ahead_is_a_slip(tmp_path: Path, period: str, code: str | None) -> None:
    put(tmp_path, f"provinces/cards/province=22/period={period}/a.csv")
    (landed,) = landing.not_ahead(landing.scan(tmp_path, {}), date(2025, 9, 30))
    assert (landed.refusal.code if landed.refusal else None) == code
