"""The tables of the warehouse, by the file that they lie in."""

from expectations.declare import Table
from expectations.marts.claims import CLAIM_MARTS
from expectations.marts.coverage import COVERAGE_MARTS
from expectations.marts.dims import DIMS
from expectations.marts.employers import EMPLOYER_MARTS
from expectations.marts.facts import FACTS
from expectations.marts.funds import FUND_MARTS
from expectations.marts.history import HISTORY_MARTS
from expectations.marts.quality import META, QUALITY
from expectations.marts.signals import SIGNAL_MARTS

# coverage.duckdb: aggregates only, nothing about one person
BI_TABLES: tuple[Table, ...] = (
    *DIMS,
    *COVERAGE_MARTS,
    *HISTORY_MARTS,
    *CLAIM_MARTS,
    *FUND_MARTS,
    *EMPLOYER_MARTS,
    *SIGNAL_MARTS,
    *QUALITY,
)
# analyst.duckdb: one row per claim, keyed hashes in place of identifiers
ANALYST_TABLES: tuple[Table, ...] = FACTS

__all__ = ["ANALYST_TABLES", "BI_TABLES", "META"]
