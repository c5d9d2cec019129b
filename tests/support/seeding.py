"""Rows for every table of a database, made from its catalogue: no table is named here, so none can be forgotten."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import asyncpg

__all__ = ["SeedTable", "rows_naming", "seed", "seed_tables"]

Session: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
EACH = 3
"""Rows of a tenant in a table."""

_TABLES = """
SELECT c.relname AS name,
    EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'tenant_id' AND NOT attisdropped) AS of_tenant
FROM pg_class AS c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
ORDER BY relname"""

_COLUMNS = """
SELECT attname AS name, format_type(coalesce(nullif(typbasetype, 0), t.oid), atttypmod) AS type
FROM pg_attribute JOIN pg_type AS t ON t.oid = atttypid
WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attidentity = ''
ORDER BY attnum"""

_CHECKS = """
SELECT conrelid::regclass::text AS name, conname FROM pg_constraint JOIN pg_class AS c ON c.oid = conrelid
WHERE contype = 'c' AND coninhcount = 0 AND relnamespace = 'public'::regnamespace"""


@dataclass(frozen=True)
class SeedTable:
    """A table, and whether its rows name their tenant in a column."""

    name: str
    of_tenant: bool


async def seed_tables(session: Session) -> list[SeedTable]:
    return [SeedTable(row["name"], row["of_tenant"]) for row in await session.fetch(_TABLES)]


async def seed(session: Session, tables: Sequence[SeedTable], tenants: Sequence[str]) -> None:
    """Puts rows of the tenants into each of the tables, as a superuser.

    A value follows from its column's name, so that foreign keys hold. Constraints that ask for more are given up.
    """
    for row in await session.fetch(_CHECKS):
        await session.execute(f'ALTER TABLE {row["name"]} DROP CONSTRAINT "{row["conname"]}"')
    await session.execute("SET session_replication_role = replica")
    for table in tables:
        columns = await session.fetch(_COLUMNS, f'"{table.name}"')
        for place, tenant in enumerate(tenants):
            for number in range(EACH):
                values = [_value(row["name"], row["type"], tenant, place * EACH + number) for row in columns]
                await _insert(session, table.name, columns, values)
    await session.execute("SET session_replication_role = origin")


async def _insert(session: Session, table: str, columns: Sequence[asyncpg.Record], values: Sequence[str]) -> None:
    names = ", ".join(f'"{row["name"]}"' for row in columns)
    # Literals of text are read by the type of each column.
    marks = ", ".join(f"${number}::text::{row['type']}" for number, row in enumerate(columns, 1))
    await session.execute(f'INSERT INTO "{table}" ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING', *values)


def _value(column: str, kind: str, tenant: str, number: int) -> str:
    """Returns the literal of a value that no other tenant has."""
    if column == "tenant_id":
        return tenant
    if kind.endswith("[]"):
        return f"{{{_value(column, kind.removesuffix('[]'), tenant, number)}}}"
    return str(_LITERALS[kind.partition("(")[0]](f"{column} {tenant} {number}", number))


_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_LITERALS: Mapping[str, Any] = {
    "uuid": lambda text, _: str(uuid.uuid5(uuid.NAMESPACE_URL, text)),
    "text": lambda text, _: text.replace(" ", "-"),
    "character": lambda _, __: "USD",
    "character varying": lambda text, _: text,
    "bytea": lambda text, _: "\\x" + text.encode().hex(),
    "jsonb": lambda text, _: json.dumps({"seeded": text}),
    "boolean": lambda _, number: str(number % 2 == 0),
    "timestamp with time zone": lambda _, number: (_DAY + timedelta(days=number)).isoformat(),
    "date": lambda _, number: (_DAY + timedelta(days=number)).date().isoformat(),
    "interval": lambda _, number: f"{number} seconds",
    **dict.fromkeys(
        ("smallint", "integer", "bigint", "numeric", "real", "double precision", "xid8"),
        lambda _, number: str(number + 1),
    ),
}


async def rows_naming(session: Session, table: SeedTable, tenant: str) -> list[str]:
    """Returns the rows in which a tenant's identifier stands anywhere, as text or as bytes, sorted."""
    statement = f'SELECT row_to_json(each)::text AS line FROM "{table.name}" AS each'
    lines = [row["line"] for row in await session.fetch(statement)]
    return sorted(line for line in lines if tenant in line or tenant.encode().hex() in line)
