"""The dictionary as Markdown, one page a table: `python -m warehouse.dictionary_pages docs/dictionary` (`make docs`).

Everything on a page comes from the declarations and the SQL files; nobody writes one by hand. A test compares what is committed with what
would be written.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from expectations.declare import Field, Rule, Sensitivity, Severity, Table
from expectations.exports import CLAIM_LINES, EXPORTS
from expectations.marts import ANALYST_TABLES, BI_TABLES, META
from warehouse.sql_files import GIVEN, Query, queries

BI_FILE, ANALYST_FILE, RESTRICTED = "`coverage.duckdb`", "`analyst.duckdb`", "the restricted area"


@dataclass(frozen=True)
class Chapter:
    """A part of the index: tables that lie in one place."""

    title: str
    words: str
    lies_in: str
    tables: tuple[Table, ...]


def chapters() -> tuple[Chapter, ...]:
    """All declared tables, in the order in which the index lists them."""
    of = {schema: tuple(t for t in (*BI_TABLES, *META) if t.schema == schema) for schema in ("marts", "dims", "quality", "meta")}
    return (
        Chapter("Marts", "Aggregates for BI tools; nothing about one person.", BI_FILE, of["marts"]),
        Chapter("Dimensions", "What codes mean, and when.", BI_FILE, of["dims"]),
        Chapter("Quality", "What was received, which rules held, which rows are in quarantine.", BI_FILE, of["quality"]),
        Chapter("Meta", "Which version this is, and this dictionary as a table.", BI_FILE, of["meta"]),
        Chapter("Facts", "One row per claim, keyed hashes in place of identifiers: personal data by law, for analysts only.", ANALYST_FILE,
                ANALYST_TABLES),
        Chapter("Exports", "What arrives in the landing zone, after reading: one Parquet file a delivery, personal.", RESTRICTED,
                (*EXPORTS, CLAIM_LINES)),
    )  # fmt: skip


def page_name(table: Table) -> str:
    """File name of a table's page; exports stand apart from marts of the same name."""
    return f"{table.qualified_name}.md" if table.schema else f"export.{table.name}.md"


def pages() -> dict[str, str]:
    """File name → text of every page, the index among them."""
    return {"README.md": _index(), **{page_name(t): _page(t, chapter) for chapter in chapters() for t in chapter.tables}}


def write(directory: Path) -> None:
    """Write all pages and remove those of tables that are declared no more."""
    directory.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for left in directory.glob("*.md"):
        if left.name not in wanted:
            left.unlink()
    for name, text in wanted.items():
        (directory / name).write_text(text, encoding="utf-8")


def _index() -> str:
    lines = [
        "# Dictionary (từ điển dữ liệu)",
        "",
        "Every table and column, made from the declarations in `expectations/` by `make docs`; do not edit these pages. The same words"
        " stand in `meta.dictionary` and in the COMMENTs of the DuckDB files, for all tables but the exports.",
    ]
    for chapter in chapters():
        lines += [
            "",
            f"## {chapter.title}",
            "",
            f"{chapter.words} In {chapter.lies_in}.",
            "",
            "| table | Vietnamese | one row is |",
            "|---|---|---|",
        ]
        lines += [f"| [{t.qualified_name}]({page_name(t)}) | {_cell(t.vietnamese)} | {_cell(t.grain)} |" for t in chapter.tables]
    return "\n".join(lines) + "\n"


def _page(table: Table, chapter: Chapter) -> str:
    query = queries().get(table.qualified_name)
    lines = [f"# {table.qualified_name}", "", table.grain, "", "| | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in _facts(table, chapter, query) if value]
    lines += ["", "## Columns", "", *_columns(table), "", "## Rules", "", *_rules(table), "", "[All tables](README.md)"]
    return "\n".join(lines) + "\n"


def _facts(table: Table, chapter: Chapter, query: Query | None) -> Iterable[tuple[str, str]]:
    yield "Vietnamese", _cell(table.vietnamese)
    yield "Lies in", chapter.lies_in
    yield "Arrives in", f"`{table.folder}/`" if table.folder else ""
    yield "Key", ", ".join(f"`{k}`" for k in table.key)
    yield "Source", _cell(table.source)
    if query:
        path = f"warehouse/sql/{query.name.replace('.', '/')}.sql"
        yield "Made by", f"[{path}](../../{path})"
        yield "Reads", ", ".join(map(_link, sorted(query.reads)))
    read_by = sorted(q.name for q in queries().values() if (table.qualified_name if table.schema else f"typed.{table.name}") in q.reads)
    yield "Read by", ", ".join(map(_link, read_by))


def _link(relation: str) -> str:
    """A relation that SQL reads, linked to its page, or to what makes it."""
    schema, name = relation.split(".")
    if schema == "typed":
        return f"[{relation}](export.{name}.md)"
    if schema in GIVEN:
        return f"`{relation}`"
    return f"[{relation}](../../warehouse/sql/steps/{name}.sql)" if schema == "steps" else f"[{relation}]({relation}.md)"


def _columns(table: Table) -> Iterable[str]:
    delivered = bool(table.delivered)
    yield (
        "| column | type | unit | " + ("element | " if delivered else "") + "Vietnamese | meaning |" + (" personal |" if delivered else "")
    )
    yield "|---" * (7 if delivered else 5) + "|"
    for f in table.fields:
        cells = [f"`{f.name}`", f.kind.duckdb, _cell(f.unit)]
        cells += [_element(f)] if delivered else []
        cells += [_cell(f.vietnamese), _cell(_meaning(f))]
        cells += ["yes" if f.sensitivity is Sensitivity.PERSONAL else ""] if delivered else []
        yield f"| {' | '.join(cells)} |"


def _element(field: Field) -> str:
    """The header in the contract, with a star where the column must be there."""
    return f"`{field.element}`{' *' if field.required else ''}" if field.element else ""


def _meaning(field: Field) -> str:
    listed = f" One of: {', '.join(field.choices)}." if field.choices else ""
    return f"{field.meaning.rstrip('.')}.{listed}"


def _rules(table: Table) -> Iterable[str]:
    if not table.rules:
        yield "None of its own: rows count as those of the table that they belong to." if table is CLAIM_LINES else "None."
        return
    yield (
        "*error*: the row goes to quarantine; *warning*: it loads and is counted."
        if not table.schema
        else "*error*: the night is not published and the old version stands; *warning*: it is counted."
    )
    yield ""
    yield "| rule | severity | what is wrong | what to do |"
    yield "|---|---|---|---|"
    order = {Severity.ERROR: 0, Severity.WARNING: 1}
    for r in sorted(table.rules, key=lambda r: order[r.severity]):
        yield _rule(r)


def _rule(rule: Rule) -> str:
    return f"| `{rule.name}` | {rule.severity} | {_cell(rule.reason)} | {_cell(rule.remedy)} |"


def _cell(text: str) -> str:
    """Text that cannot end its table cell."""
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/dictionary"))
