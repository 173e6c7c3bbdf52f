"""What a night leaves in Prefect: a table of deliveries, a table of rule results, a summary. No personal values."""

from __future__ import annotations

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from flows.night import Night
from flows.summary import Summary, markdown

LISTED = 500  # Prefect keeps an artifact in its database; the whole list is in quality.deliveries


def show(night: Night, summary: Summary) -> None:
    """Write the artifacts, and the summary page and Data Docs into the report folder."""
    page = markdown(summary)
    (night.report_dir / "summary.md").write_text(page, encoding="utf-8")
    create_markdown_artifact(page, key="night-summary", description=f"Night {summary.run_id}")
    create_table_artifact(summary.deliveries[:LISTED], key="night-deliveries", description="Tonight's deliveries")
    create_table_artifact(summary.broken[:LISTED], key="night-rules", description="Rules that rows break")
    with night.timed("data docs"):
        night.validator.build_docs()
