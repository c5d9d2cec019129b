"""Stores the features of tenants in PostgreSQL, under row-level security."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from meshkit.storage.named_requests import PostgresClaims
from meshkit.storage.postgres import Pool, connected, transaction
from meshkit.storage.reads import Reads
from services.fraud.adapters.engine_revisions import hold, move
from services.fraud.adapters.feature_rows import features_to_row, read_features, read_set
from services.fraud.adapters.postgres_event_types import read_event_types
from services.fraud.adapters.postgres_scenarios import read_contents
from services.fraud.domain.declared.declaration import DeclaredFeatures, DeclaredSet
from services.fraud.domain.declaring import DeclaredType
from services.fraud.ports import FeatureChanges, FeatureHead, UsingContent

__all__ = [
    "PostgresFeatureChanges",
    "PostgresFeatureHeads",
    "PostgresFeatureWriter",
    "PostgresFeatures",
]

_PUT = """
INSERT INTO feature_sets (tenant_id, number, base, features, since) VALUES ($1, $2, $3, $4, $5)"""
_CURRENT = """
INSERT INTO feature_heads (tenant_id, current, ready, moved_at) VALUES ($1, $2, 0, clock_timestamp())
ON CONFLICT (tenant_id) DO UPDATE SET current = excluded.current, moved_at = excluded.moved_at"""
_HEADS = """
SELECT tenant_id, current, ready, former, moved_at < clock_timestamp() - make_interval(secs => $1) AS settled
FROM feature_heads"""
_MOVE = """
UPDATE feature_heads SET current = $5, ready = $6, former = $7, moved_at = clock_timestamp()
WHERE tenant_id = $1 AND current = $2 AND ready = $3 AND former IS NOT DISTINCT FROM $4 RETURNING 1"""

SETTLED_SECONDS = 30.0
"""After a change until every process records events as it says, and what was decided before is stored: no event is
recorded by a configuration that was the newest more than 10 seconds ago (`STALE_SECONDS`), and a decision is stored
within 10 seconds of that."""


class PostgresFeatures:
    """Implements `FeatureReads`."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def declared(self, tenant_id: str) -> DeclaredFeatures:
        async with self._reads.of(tenant_id) as connection:
            return await read_features(connection, tenant_id)

    async def numbered(self, tenant_id: str, number: int) -> DeclaredSet | None:
        async with self._reads.of(tenant_id) as connection:
            return await read_set(connection, tenant_id, number)


class PostgresFeatureWriter:
    """Implements `FeatureWriter`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def begin(self, tenant_id: str) -> AsyncIterator[FeatureChanges]:
        async with transaction(self._pool, [tenant_id]) as connection:
            yield PostgresFeatureChanges(connection, tenant_id)


class PostgresFeatureChanges(PostgresClaims):
    """Implements `FeatureChanges` on a connection with an open transaction."""

    async def declared(self) -> DeclaredFeatures:
        await hold(self._connection, self._tenant_id)
        return await read_features(self._connection, self._tenant_id)

    async def event_types(self) -> Sequence[DeclaredType]:
        return await read_event_types(self._connection, self._tenant_id)

    async def contents(self) -> Sequence[UsingContent]:
        return await read_contents(self._connection, self._tenant_id)

    async def put(self, following: DeclaredSet) -> DeclaredSet:
        stored = following.dated(await self._connection.fetchval("SELECT now()"))
        row = features_to_row(stored.features), json.dumps(dict(stored.since))
        await self._connection.execute(_PUT, self._tenant_id, stored.number, stored.base, *row)
        await self._connection.execute(_CURRENT, self._tenant_id, stored.number)
        await move(self._connection, self._tenant_id)
        return stored


class PostgresFeatureHeads:
    """Implements `FeatureHeads`: read across tenants by the relay's role, changed within one by the service's."""

    def __init__(self, relay: Pool, service: Pool, settled_seconds: float = SETTLED_SECONDS) -> None:
        self._relay = relay
        self._service = service
        self._settled_seconds = settled_seconds

    async def all(self) -> Mapping[str, tuple[FeatureHead, bool]]:
        async with connected(self._relay) as connection:
            rows = await connection.fetch(_HEADS, self._settled_seconds)
        return {
            str(row["tenant_id"]): (FeatureHead(row["current"], row["ready"], row["former"]), row["settled"])
            for row in rows
        }

    async def move(self, tenant_id: str, before: FeatureHead, after: FeatureHead) -> bool:
        async with transaction(self._service, [tenant_id]) as connection:
            await hold(connection, tenant_id)
            if await connection.fetchval(_MOVE, tenant_id, *before, *after) is None:
                return False
            await move(connection, tenant_id)
            return True
