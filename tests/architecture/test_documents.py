"""What is written for people names what is there: files, settings, commands."""

import re
from pathlib import Path

import pytest

from flows.cli import app
from warehouse.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "how-to").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    assert [t for t in targets if not t.startswith("http") and not (page.parent / t).exists()] == []


def test_every_document_is_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    assert [p.name for p in PAGES[1:] if p.name != "README.md" and f"{p.name})" not in index] == []


def test_the_readme_lists_every_setting() -> None:
    listed = re.findall(r"^\| `(COVERAGE_[A-Z_]+)` \|", README, re.MULTILINE)
    assert sorted(listed) == sorted(f"COVERAGE_{name.upper()}" for name in Settings.model_fields)


def test_the_readme_lists_every_command() -> None:
    listed = re.findall(r"^\| `bhyt ([a-z-]+)", README, re.MULTILINE)
    assert sorted(listed) == sorted(name for name in app if not name.startswith("-"))
