"""The SQLAlchemy dialect that lets Great Expectations 1.24 work over DuckDB.

GX reads a result after it has handed its connection back; SQLAlchemy then rolls back, and DuckDB drops results that are still
open (GX issues #10738, #11579: "list index out of range"). Buffering each result at execution, a public extension point of
SQLAlchemy, keeps them. URL: `duckdbgx:////absolute/path/file.duckdb`.
"""

from __future__ import annotations

from typing import Any

from duckdb_sqlalchemy import Dialect, DuckDBExecutionContext
from sqlalchemy.dialects import registry
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy
from sqlalchemy.engine.url import URL
from sqlalchemy.pool import NullPool, Pool

SCHEME = "duckdbgx"


class BufferedExecutionContext(DuckDBExecutionContext):
    def post_exec(self) -> None:
        super().post_exec()  # type: ignore[no-untyped-call]
        if self.cursor is not None and self.cursor.description is not None:
            self.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(
                self.cursor, initial_buffer=self.cursor.fetchall(), alternate_description=self.cursor.description
            )


class BufferedDialect(Dialect):
    execution_ctx_cls = BufferedExecutionContext
    supports_statement_cache = False

    # Only finished files are read here, each statement for itself: a transaction around it costs more than a short query.
    def do_begin(self, dbapi_connection: Any) -> None:
        pass

    def do_rollback(self, dbapi_connection: Any) -> None:
        pass

    def do_commit(self, dbapi_connection: Any) -> None:
        pass

    @classmethod
    def get_pool_class(cls, url: URL) -> type[Pool]:
        """No pool: GX makes engines that nobody can reach, and an idle connection would keep the file locked."""
        return NullPool


def register() -> None:
    registry.register(SCHEME, __name__, BufferedDialect.__name__)
