"""Great Expectations suites, built from the declarations: one expectation per declared rule.

Each is an `UnexpectedRowsExpectation` whose query returns the key of the offending rows, and nothing else: keys are delivery and
row number (exports) or the key of a mart, so no personal value can reach a result, Data Docs or a log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from expectations.declare import Rule, Table

if TYPE_CHECKING:
    import great_expectations as gx


def offending_rows(rule: Rule, table: Table) -> str:
    """The query that returns the key of each row that breaks `rule`; `{batch}` stands for the table, as GX wants it.

    GX gives the batch an alias of its own; the inner SELECT keeps it away, so that a condition may call the table by its name.
    """
    condition = rule.offends.replace("{", "{{").replace("}", "}}")
    return f"SELECT {', '.join(table.key)} FROM (SELECT * FROM {{batch}}) AS {table.name} WHERE {condition}"


def suite(table: Table) -> gx.ExpectationSuite:
    """The suite of an export or a mart."""
    import great_expectations as gx
    import great_expectations.expectations as gxe

    return gx.ExpectationSuite(
        name=table.qualified_name,
        expectations=[
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=offending_rows(rule, table),
                description=f"{rule.name}: {rule.reason}",
                severity="critical" if rule.severity == "error" else "warning",
                meta={"rule": rule.name, "severity": str(rule.severity), "remedy": rule.remedy},
            )
            for rule in table.rules
        ],
    )
