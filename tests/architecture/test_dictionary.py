"""The dictionary is whole and fresh: every table says what a row is, every column what it means, and its pages are up to date."""

import re
from pathlib import Path

import pytest

from expectations.declare import Table
from warehouse.dictionary_pages import chapters, pages, write
from warehouse.sql_files import queries

DICTIONARY = Path(__file__).resolve().parents[2] / "docs" / "dictionary"
TABLES = [t for chapter in chapters() for t in chapter.tables]
NAMES = [t.qualified_name if t.schema else f"export {t.name}" for t in TABLES]


@pytest.mark.parametrize("table", TABLES, ids=NAMES)
def test_a_table_opens_with_its_grain_and_has_a_vietnamese_name_and_a_key(table: Table) -> None:
    assert table.grain.startswith("One row")
    assert table.grain.endswith(".")
    assert table.vietnamese
    assert table.key or table.name == "snapshot"  # one row has no key
    assert set(table.key) <= {f.name for f in table.fields}


@pytest.mark.parametrize("table", TABLES, ids=NAMES)
def test_every_column_has_a_meaning(table: Table) -> None:
    wordless = [f.name for f in table.fields if not f.meaning.strip()]
    assert wordless == []


@pytest.mark.parametrize("table", TABLES, ids=NAMES)
def test_every_rule_says_what_is_wrong_and_what_to_do(table: Table) -> None:
    assert [r.name for r in table.rules if not r.reason.strip() or not r.remedy.strip()] == []


def test_every_table_that_sql_makes_is_declared_but_for_steps() -> None:
    made = {name for name in queries() if not name.startswith("steps.")}
    assert made <= {t.qualified_name for t in TABLES}


def test_no_page_is_stale() -> None:
    """When this fails: `make docs`, and commit what it wrote."""
    committed = {p.name: p.read_text(encoding="utf-8") for p in DICTIONARY.glob("*.md")}
    wanted = pages()
    assert sorted(committed) == sorted(wanted)
    assert [name for name in wanted if committed[name] != wanted[name]] == []


def test_no_page_names_a_page_or_file_that_is_not_there() -> None:
    dead = [
        (name, target)
        for name, text in pages().items()
        for target in re.findall(r"\]\(([^)]+)\)", text)
        if not (DICTIONARY / target).resolve().exists()
    ]
    assert dead == []


def test_a_page_of_a_table_that_is_gone_is_removed(tmp_path: Path) -> None:
    (tmp_path / "marts.gone.md").write_text("# marts.gone\n", encoding="utf-8")
    write(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(pages())
