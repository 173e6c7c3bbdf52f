"""What a night leaves for people: a table of deliveries, a table of rule results and a summary in Prefect, a page in the report folder.

No personal values.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from flows import persons_page
from flows.night import Night
from flows.report import page
from flows.summary import Summary, markdown

LISTED = 500  # Prefect keeps an artifact in its database; the whole list is in quality.deliveries


def show(night: Night, summary: Summary, linkage: Mapping[str, Any] | None = None) -> None:
    """Write the artifacts; and into the report folder the summary, Data Docs, the page that shows all of it, and that of `linkage`."""
    told = markdown(summary)
    (night.report_dir / "summary.md").write_text(told, encoding="utf-8")
    create_markdown_artifact(told, key="night-summary", description=f"Night {summary.run_id}")
    create_table_artifact(summary.deliveries[:LISTED], key="night-deliveries", description="Tonight's deliveries")
    create_table_artifact(summary.broken[:LISTED], key="night-rules", description="Rules that rows break")
    with night.timed("data docs"):
        docs = night.validator.build_docs()
    if linkage is not None:
        persons_page.write(night.report_dir, linkage)
    if summary.published:
        with night.timed("page"):
            page.write(night.report_dir, Path(summary.published) / "coverage.duckdb", night.settings.lang, docs)
