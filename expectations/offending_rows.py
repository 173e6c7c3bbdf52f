"""The expectation that each declared rule becomes: no row offends. Imported only where Great Expectations is used, which takes seconds."""

from __future__ import annotations

from typing import Any, ClassVar

import great_expectations.expectations as gxe
from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.execution_engine import ExecutionEngine

COUNT = "offending_rows"


class ExpectNoOffendingRows(gxe.UnexpectedRowsExpectation):  # type: ignore[misc]
    """An `UnexpectedRowsExpectation` whose query carries the number of all offending rows in its column `offending_rows`.

    Great Expectations runs such a query twice, for the rows and for their number; this asks once.
    """

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.table",)

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: ExecutionEngine | None = None,
    ) -> ExpectationValidationResult | dict[str, Any]:
        found = metrics["unexpected_rows_query.table"]
        rows = [{column: value for column, value in row.items() if column != COUNT} for row in found]
        count = found[0][COUNT] if found else 0
        return {"success": not found, "result": {"observed_value": count, "details": {"unexpected_rows": rows}}}
