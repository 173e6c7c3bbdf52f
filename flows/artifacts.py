"""What a night leaves for people: a table of deliveries, a table of rule results and a summary in Prefect, a page in the report folder.

No personal values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from flows import persons_page
from flows.night import Night, log
from flows.report import page
from flows.summary import Summary, markdown

LISTED = 500  # Prefect keeps an artifact in its database; the whole list is in quality.deliveries


def show(night: Night, summary: Summary, linkage: Mapping[str, Any] | None = None) -> None:
    """Write the artifacts; and into the report folder the summary, Data Docs, the page that shows all of it, and that of `linkage`."""
    docs = None
    with whatever_happens("the summary"):
        told = markdown(summary)
        (night.report_dir / "summary.md").write_text(told, encoding="utf-8")
        create_markdown_artifact(told, key="night-summary", description=f"Night {summary.run_id}")
        create_table_artifact(summary.deliveries[:LISTED], key="night-deliveries", description="Tonight's deliveries")
        create_table_artifact(summary.broken[:LISTED], key="night-rules", description="Rules that rows break")
    with whatever_happens("Data Docs"), night.timed("data docs"):
        docs = night.validator.build_docs()
    if linkage is not None:
        with whatever_happens("the page of persons"):
            persons_page.write(night.report_dir, linkage)
    if summary.published:
        with whatever_happens("the report"), night.timed("page"):
            page.write(night.report_dir, Path(summary.published) / "coverage.duckdb", night.settings.lang, docs)


@contextmanager
def whatever_happens(what: str) -> Iterator[None]:
    """The version is published: a page that cannot be drawn makes neither the night a failure nor costs the other pages."""
    try:
        yield
    except Exception as error:
        at = extract_tb(error.__traceback__)[-1]
        log.warning("published, but %s could not be written (%s, %s:%s)", what, type(error).__name__, Path(at.filename).name, at.lineno)
