"""Spans of statements, as OpenTelemetry's conventions for databases say: never with a parameter."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg
from opentelemetry.trace import SpanKind

from meshkit.context import current

__all__ = ["RecordedConnection", "summarised"]

if TYPE_CHECKING:
    _Connection = asyncpg.Connection[asyncpg.Record]
else:
    _Connection = asyncpg.Connection

Answer = TypeVar("Answer")
Method = Callable[..., Coroutine[Any, Any, Answer]]

_TARGET = re.compile(
    r"^\s*SELECT\s+(?!extract\b)(\w+)\(|\b(?:(?<!EPOCH )FROM|INTO|UPDATE|JOIN)\s+(?!unnest\b)(\w+)", re.IGNORECASE
)
_CHANGE = re.compile(r"\b(INSERT|UPDATE|DELETE)\s+(?:INTO|FROM|\w+\s+(?:AS\s+\w+\s+|\w+\s+)?SET)\b", re.IGNORECASE)


@lru_cache(maxsize=1024)
def summarised(statement: str) -> tuple[str, str]:
    """Returns a statement's operation, and that with what it is about: `SELECT users`, `INSERT outbox`, `COMMIT`.

    A statement with common table expressions is named after the first change in it.
    """
    operation = re.split(r"[^A-Za-z]", statement.lstrip(), maxsplit=1)[0].upper()
    if operation == "WITH":
        change = _CHANGE.search(statement)
        operation, statement = (change[1].upper(), statement[change.start() :]) if change else ("SELECT", statement)
    target = _TARGET.search(statement)
    about = next((name for name in target.groups() if name), "") if target is not None else ""
    return operation, f"{operation} {about}".rstrip()


def _recorded(plain: Method[Answer]) -> Method[Answer]:
    @wraps(plain)
    async def run(self: RecordedConnection, query: str, *arguments: Any, **options: Any) -> Answer:
        above = current().span
        if above is None:
            return await plain(self, query, *arguments, **options)
        operation, summary = summarised(query)
        attributes = {"db.system.name": "postgresql", "db.operation.name": operation, "db.query.summary": summary}
        span = above.child(summary, SpanKind.CLIENT, attributes)
        try:
            return await plain(self, query, *arguments, **options)
        except BaseException as error:
            span.error = type(error).__name__
            if isinstance(error, asyncpg.PostgresError) and error.sqlstate:
                span.attributes["db.response.status_code"] = error.sqlstate
            raise
        finally:
            span.end()

    return run


class RecordedConnection(_Connection):
    """Makes a span of each statement for a recorded call, also of those that begin and end a transaction."""

    execute = _recorded(asyncpg.Connection.execute)
    executemany = _recorded(asyncpg.Connection.executemany)
    fetch: Any = _recorded(asyncpg.Connection.fetch)
    fetchrow: Any = _recorded(asyncpg.Connection.fetchrow)
    fetchval = _recorded(asyncpg.Connection.fetchval)
