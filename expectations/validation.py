"""Run the declared suites through Great Expectations over a DuckDB file."""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import sqlalchemy

from expectations import dialect
from expectations.declare import Table
from expectations.suites import suite


@dataclass(frozen=True)
class RuleResult:
    """What GX says of one rule over one table. `rows` are the keys of offending rows, at most 200 of them."""

    table: str
    rule: str
    severity: str
    failed: int | None
    rows: tuple[tuple[Any, ...], ...] = field(default=(), repr=False)
    error: str = ""


def quiet() -> None:
    """Great Expectations as we run it: no telemetry, no progress bars, no chatter."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"great_expectations.*")


class Validator:
    """One GX context for a whole run; with `docs`, its validation results are kept there and rendered as Data Docs."""

    def __init__(self, docs: Path | None = None) -> None:
        quiet()
        import great_expectations as gx

        logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.ERROR)  # its import has set it to INFO

        dialect.register()
        self._gx = gx
        self._docs = docs
        # Not a file context: that writes its whole configuration anew for each table. Results are kept in quality.results and Data Docs.
        self._context: Any = gx.get_context(mode="ephemeral")
        self._context.variables.progress_bars = {"globally": False, "metric_calculations": False}
        for site in list(self._context.variables.data_docs_sites or {}):
            self._context.delete_data_docs_site(site)
        if docs:
            store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs)}
            index = {"class_name": "DefaultSiteIndexBuilder"}
            site = {"class_name": "SiteBuilder", "store_backend": store, "site_index_builder": index, "show_how_to_buttons": False}
            self._context.add_data_docs_site(site_name="bhyt", site_config=site)

    def validate(self, database: Path, tables: Sequence[Table], schema: str | None = None, name: str = "") -> list[RuleResult]:
        """Validate each table (in `schema`, or in its own) of a DuckDB file against its suite; results in declared order."""
        source_name = name or database.stem
        address = f"{dialect.SCHEME}:///{database}"
        source: Any = self._context.data_sources.add_or_update_sql(source_name, connection_string=address)
        results: list[RuleResult] = []
        # GX connects anew for each query; while one connection is open, DuckDB hands out the same instance and loads the file once.
        with sqlalchemy.create_engine(address).connect():
            for table in tables:
                results += self._validate_table(source, source_name, table, schema or table.schema)
        return results

    def _validate_table(self, source: Any, source_name: str, table: Table, schema: str) -> list[RuleResult]:
        if not table.rules:
            return []
        asset = source.add_table_asset(name=table.qualified_name, table_name=table.name, schema_name=schema)
        batch = asset.add_batch_definition_whole_table(name="all")
        # Added, never updated: an update compares each expectation with all that are there, which takes longer than most of the queries.
        rules = suite(table, of=source_name)
        definition = self._gx.ValidationDefinition(name=rules.name, data=batch, suite=self._context.suites.add(rules))
        return list(_read(table, self._context.validation_definitions.add(definition).run(result_format="COMPLETE")))

    def build_docs(self) -> Path | None:
        """Render Data Docs; returns the index page."""
        if self._docs is None:
            return None
        pages = self._context.build_data_docs()
        index = Path(unquote(str(next(iter(pages.values()))).removeprefix("file://")))
        for page in index.parent.rglob("*.html"):
            page.write_text(_without_network(page.read_text(encoding="utf-8")), encoding="utf-8")
        return index


_OUTSIDE = re.compile(
    r"<script[^>]*\bsrc=[\"']https?://[^>]*>\s*</script>|<(?:link|img)\b[^>]*\b(?:href|src)=[\"']https?://[^>]*>", re.IGNORECASE
)
_STYLE = (
    "<style>body{font-family:sans-serif;margin:1.5rem;max-width:75rem}table{border-collapse:collapse}td,th{border:1px solid #ccc;"
    "padding:.25rem .5rem;text-align:left;vertical-align:top}.fa-check-circle::before{content:'✓'}.fa-times::before{content:'✗'}</style>"
)


def _without_network(page: str) -> str:
    """Data Docs load scripts, styles and pictures from nine hosts; ours load nothing and stay legible."""
    return _OUTSIDE.sub("", page).replace("</head>", f"{_STYLE}</head>", 1)


def _read(table: Table, outcome: Any) -> Iterable[RuleResult]:
    by_rule = {r.expectation_config.meta["rule"]: r for r in outcome.results}
    for rule in table.rules:
        result = by_rule[rule.name]
        error = _error(result.exception_info or {})
        if error:
            yield RuleResult(table.qualified_name, rule.name, str(rule.severity), None, (), error)
            continue
        rows = (result.result.get("details") or {}).get("unexpected_rows") or []
        keys = tuple(tuple(row[k] for k in table.key) for row in rows)
        yield RuleResult(table.qualified_name, rule.name, str(rule.severity), int(result.result["observed_value"]), keys)


def _error(info: dict[str, Any]) -> str:
    """Why GX could not evaluate an expectation; empty when it could. The last line of the message, cut: never a row's value."""
    for part in (info, *(v for v in info.values() if isinstance(v, dict))):
        if part.get("raised_exception"):
            message = str(part.get("exception_message") or "no message").strip().splitlines()
            return next((line for line in message if "Error" in line), message[-1])[:300]
    return ""
