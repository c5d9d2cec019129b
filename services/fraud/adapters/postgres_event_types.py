"""Stores event types in PostgreSQL, under row-level security."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict

import asyncpg

from meshkit.storage.named_requests import PostgresClaims
from meshkit.storage.postgres import Connection, Pool, transaction
from meshkit.storage.reads import Reads
from services.fraud.adapters.engine_revisions import hold, move
from services.fraud.adapters.feature_rows import read_features
from services.fraud.domain.declaring import DeclaredType
from services.fraud.domain.event_types import EventType, Field, FieldType
from services.fraud.ports import EventTypeChanges

__all__ = ["PostgresEventTypeChanges", "PostgresEventTypeWriter", "PostgresEventTypes", "read_event_types"]

_ALL = """
SELECT name, version, description, fields, event_types.created_at, event_type_versions.created_at AS updated_at
FROM event_types JOIN event_type_versions USING (tenant_id, name, version)
WHERE tenant_id = $1 ORDER BY name"""
_OF_NUMBER = """
SELECT name, version, description, fields FROM event_type_versions
WHERE tenant_id = $1 AND name = $2 AND version = $3"""
_VERSION = """
INSERT INTO event_type_versions (tenant_id, name, version, description, fields) VALUES ($1, $2, $3, $4, $5)
RETURNING created_at"""
_HEAD = """
INSERT INTO event_types (tenant_id, name, version) VALUES ($1, $2, $3)
ON CONFLICT (tenant_id, name) DO UPDATE SET version = excluded.version
RETURNING created_at"""


class PostgresEventTypes:
    """Implements `EventTypes`."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def all(self, tenant_id: str) -> Sequence[DeclaredType]:
        async with self._reads.of(tenant_id) as connection:
            return await read_event_types(connection, tenant_id)

    async def version(self, tenant_id: str, name: str, number: int) -> EventType | None:
        async with self._reads.of(tenant_id) as connection:
            row = await connection.fetchrow(_OF_NUMBER, tenant_id, name, number)
        return _event_type(row) if row else None


class PostgresEventTypeWriter:
    """Implements `EventTypeWriter`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def begin(self, tenant_id: str) -> AsyncIterator[EventTypeChanges]:
        async with transaction(self._pool, [tenant_id]) as connection:
            yield PostgresEventTypeChanges(connection, tenant_id)


class PostgresEventTypeChanges(PostgresClaims):
    """Implements `EventTypeChanges` on a connection with an open transaction."""

    async def all(self) -> Sequence[DeclaredType]:
        await hold(self._connection, self._tenant_id)
        return await read_event_types(self._connection, self._tenant_id)

    async def features(self) -> Collection[str]:
        return (await read_features(self._connection, self._tenant_id)).current.names

    async def put(self, event_type: EventType) -> DeclaredType:
        place = (self._tenant_id, event_type.name, event_type.version)
        fields = json.dumps([{**asdict(field), "type": field.type.value} for field in event_type.fields])
        updated = await self._connection.fetchval(_VERSION, *place, event_type.description, fields)
        created = await self._connection.fetchval(_HEAD, *place)
        await move(self._connection, self._tenant_id)
        return DeclaredType(event_type, created, updated)


async def read_event_types(connection: Connection, tenant_id: str) -> Sequence[DeclaredType]:
    """Returns what a tenant has declared, in a transaction that names it."""
    return [_declared(row) for row in await connection.fetch(_ALL, tenant_id)]


def _declared(row: asyncpg.Record) -> DeclaredType:
    return DeclaredType(_event_type(row), row["created_at"], row["updated_at"])


def _event_type(row: asyncpg.Record) -> EventType:
    fields = [Field(**{**each, "type": FieldType(each["type"])}) for each in json.loads(row["fields"])]
    return EventType(row["name"], tuple(fields), row["version"], row["description"])
