"""`bhyt backfill` and `bhyt replay` as a person types them."""

from __future__ import annotations

from pathlib import Path

from tests.nights import Place

BUDGETS = "planning/budgets/province=22/period=2025-06/du_toan.csv"


def test_plan_status_and_cancel_by_number(tmp_path: Path) -> None:
    place = Place(tmp_path)
    file = place.landing / BUDGETS
    file.parent.mkdir(parents=True)
    file.write_text("NAM,MATINH,DU_TOAN\n2025,22,1000\n", encoding="utf-8")
    said = place.here("backfill", "plan", "--export", "budgets", "--from", "2025-05", "--to", "2025-06", "--province", "22")
    assert said.returncode == 0, said.stderr
    assert "1 deliveries" in said.stdout
    assert "Next: bhyt backfill run 0001-" in said.stdout
    assert [p for p in (place.home / "restricted").rglob("*") if p.is_file()] == [], "a plan touches nothing but its own folder"
    assert (place.home / "restricted").stat().st_mode & 0o077 == 0
    assert "planned" in place.here("backfill", "status").stdout
    assert place.here("backfill", "approve", "1").returncode == 1
    assert place.here("backfill", "cancel", "1", "--by", "An", "--why", "nhầm").returncode == 0
    assert "cancelled" in place.here("backfill", "status").stdout


def test_wrong_usage_is_2(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.landing.mkdir()
    wrong = (
        ("backfill", "plan", "--from", "june", "--to", "2025-06"),
        ("backfill", "plan", "--from", "2025-07", "--to", "2025-06"),
        ("backfill", "plan", "--export", "visits", "--from", "2025-06", "--to", "2025-06"),
        ("backfill", "run", "7"),
        ("replay", "no.such.rule"),
    )
    assert {w: place.here(*w).returncode for w in wrong} == dict.fromkeys(wrong, 2)
