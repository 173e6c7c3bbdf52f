"""Great Expectations suites, built from the declarations: one expectation per declared rule.

Each is an `UnexpectedRowsExpectation` whose query returns the keys of offending rows and how many there are, and nothing else: keys are
delivery and row number (exports) or the key of a mart, so no personal value can reach a result, Data Docs or a log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from expectations.declare import Rule, Table

ROWS_LISTED = 200  # as many as Great Expectations shows

if TYPE_CHECKING:
    import great_expectations as gx


def offending_rows(rule: Rule, table: Table) -> str:
    """The query that returns the keys of the first rows that break `rule`, with their number beside; `{batch}` stands for the table.

    One pass that keeps the smallest keys and counts; a window and a sort would hold all rows that offend. GX gives the batch an alias of
    its own; the inner SELECT keeps it away, so that a condition may call the table by its name.
    """
    condition = rule.offends.replace("{", "{{").replace("}", "}}")
    keys = ", ".join(f'"{k}" := "{k}"' for k in table.key)
    return (
        "SELECT unnest(first_rows, recursive := true), offending_rows"
        f" FROM (SELECT min(struct_pack({keys}), {ROWS_LISTED}) AS first_rows, count(*) AS offending_rows"
        f" FROM (SELECT * FROM {{batch}}) AS {table.name} WHERE {condition})"
    )


def suite(table: Table, of: str) -> gx.ExpectationSuite:
    """The suite of an export or a mart; `of`: the run that asks, since a context keeps each suite under a name of its own."""
    import great_expectations as gx

    from expectations.offending_rows import ExpectNoOffendingRows

    return gx.ExpectationSuite(
        name=f"{of}.{table.qualified_name}",
        expectations=[
            ExpectNoOffendingRows(
                unexpected_rows_query=offending_rows(rule, table),
                description=f"{rule.name}: {rule.reason}",
                severity="critical" if rule.severity == "error" else "warning",
                meta={"rule": rule.name, "severity": str(rule.severity), "remedy": rule.remedy},
            )
            for rule in table.rules
        ],
    )
