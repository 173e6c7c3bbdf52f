"""The rooms keep to themselves: who may import whom, and what names a file may not have."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("expectations", "transforms", "warehouse", "flows")
FORBIDDEN = {
    "transforms": {"prefect", "duckdb", "warehouse", "flows", "great_expectations", "sqlalchemy"},
    "expectations": {"prefect", "transforms", "warehouse", "flows"},
    "warehouse": {"prefect", "flows", "great_expectations"},
}


def modules(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("room", sorted(FORBIDDEN))
def test_a_room_imports_nothing_that_it_must_not_know(room: str) -> None:
    offenders = {str(p.relative_to(ROOT)): sorted(imported(p) & FORBIDDEN[room]) for p in modules(room) if imported(p) & FORBIDDEN[room]}
    assert offenders == {}


def test_no_room_has_a_drawer_for_odds_and_ends() -> None:
    names = {p.stem for room in ROOMS for p in modules(room)}
    assert names.isdisjoint({"utils", "helpers", "common", "manager", "misc"})


def test_only_the_rooms_hold_code() -> None:
    allowed = {*ROOMS, "tests", "benchmarks", "docs"}
    elsewhere = {p.relative_to(ROOT).parts[0] for p in ROOT.rglob("*.py") if not p.relative_to(ROOT).parts[0].startswith(".")} - allowed
    assert elsewhere <= {"data", "build", "dist"}


def test_no_module_prints_outside_the_command_line() -> None:
    printing = [
        str(p.relative_to(ROOT))
        for room in ROOMS
        for p in modules(room)
        if p.name != "cli.py"
        for node in ast.walk(ast.parse(p.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert printing == []
