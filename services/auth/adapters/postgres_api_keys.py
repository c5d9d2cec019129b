"""Stores the API keys of tenants in PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg

from meshkit.storage.named_requests import PostgresClaims
from meshkit.storage.postgres import Connection, Pool, transaction
from services.auth.adapters.act_rows import record
from services.auth.adapters.postgres_directory import TENANT_COLUMNS, tenant_of
from services.auth.adapters.sealed_claims import SealedClaims
from services.auth.domain.api_keys import ApiKey
from services.auth.domain.secrets import StoredSecrets
from services.auth.domain.tenants import Tenant
from services.auth.ports import ApiKeyChanges, RecordedAct, Sealer

__all__ = ["PostgresApiKeys"]

_COLUMNS = (
    "key_id, tenant_id, display_name, scopes, rate_limit, created_at, expires_at, prefix, key_hash, previous_key_hash,"
    " previous_key_until, rotated_at, last_used_at"
)
_CREATE = f"INSERT INTO api_keys ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
_REPLACE = """
UPDATE api_keys SET prefix = $3, key_hash = $4, previous_key_hash = $5, previous_key_until = $6, rotated_at = $7
WHERE tenant_id = $1 AND key_id = $2"""
_GET = f"SELECT {_COLUMNS} FROM api_keys WHERE tenant_id = $1 AND key_id = $2"
_PAGE = f"""
SELECT {_COLUMNS} FROM api_keys WHERE tenant_id = $1 AND key_id COLLATE "C" > $2
ORDER BY key_id COLLATE "C" LIMIT $3"""
_SHOW = "SELECT set_config('rampart.key_hash', $1, true)"
_SHOWN = f"SELECT {_COLUMNS} FROM api_keys WHERE key_hash = $1 OR previous_key_hash = $1"
_OPEN = "SELECT set_config('rampart.tenants', $1, true)"
_OWNER = f"SELECT {TENANT_COLUMNS} FROM tenants WHERE tenant_id = $1"
# Processes note uses on their own, so an earlier one may come later. In the order of the keys, none waits for another.
_USED = """
UPDATE api_keys SET last_used_at = used.at FROM (
    SELECT key_id, at FROM unnest($1::text[], $2::timestamptz[]) AS u (key_id, at) ORDER BY key_id
) AS used
WHERE api_keys.key_id = used.key_id AND coalesce(api_keys.last_used_at < used.at, true)"""


class PostgresApiKeys:
    """Implements `ApiKeyStore`. Answers to named requests hold keys, so they are encrypted with `sealer`."""

    def __init__(self, pool: Pool, sealer: Sealer) -> None:
        self._pool = pool
        self._sealer = sealer

    @asynccontextmanager
    async def begin(self, tenant_id: str) -> AsyncIterator[ApiKeyChanges]:
        async with transaction(self._pool, [tenant_id]) as connection:
            changes = _Changes(connection, tenant_id, self._sealer)
            yield changes
            await record(connection, *changes.acts)

    async def get(self, tenant_id: str, key_id: str) -> ApiKey | None:
        async with transaction(self._pool, [tenant_id]) as connection:
            row = await connection.fetchrow(_GET, tenant_id, key_id)
        return _key(row) if row is not None else None

    async def page(self, tenant_id: str, after: str, limit: int) -> list[ApiKey]:
        async with transaction(self._pool, [tenant_id]) as connection:
            return [_key(row) for row in await connection.fetch(_PAGE, tenant_id, after, limit)]

    async def shown(self, key_hash: bytes) -> tuple[ApiKey, Tenant] | None:
        async with transaction(self._pool, ()) as connection:
            await connection.execute(_SHOW, key_hash.hex())
            row = await connection.fetchrow(_SHOWN, key_hash)
            if row is None:
                return None
            await connection.execute(_OPEN, str(row["tenant_id"]))
            owner = await connection.fetchrow(_OWNER, row["tenant_id"])
        return (_key(row), tenant_of(owner)) if owner is not None else None

    async def note_uses(self, uses: Mapping[tuple[str, str], datetime]) -> None:
        async with transaction(self._pool, {tenant_id for tenant_id, _ in uses}) as connection:
            await connection.execute(_USED, [key_id for _, key_id in uses], list(uses.values()))


class _Changes(SealedClaims):
    """Implements `ApiKeyChanges` on a connection with an open transaction, at whose end the acts are recorded."""

    def __init__(self, connection: Connection, tenant_id: str, sealer: Sealer) -> None:
        super().__init__(PostgresClaims(connection, tenant_id), tenant_id, sealer)
        self._connection = connection
        self._tenant_id = tenant_id
        self.acts: list[RecordedAct] = []

    async def count(self) -> int:
        query = "SELECT count(*) FROM api_keys WHERE tenant_id = $1"
        return int(await self._connection.fetchval(query, self._tenant_id))

    async def create(self, key: ApiKey, act: RecordedAct) -> None:
        made = (key.key_id, key.tenant_id, key.display_name, sorted(key.scopes), key.rate_limit)
        times = (key.created_at, key.expires_at)
        await self._connection.execute(_CREATE, *made, *times, *_replaced(key), key.last_used_at)
        self.acts.append(act)

    async def lock(self, key_id: str) -> ApiKey | None:
        row = await self._connection.fetchrow(f"{_GET} FOR UPDATE", self._tenant_id, key_id)
        return _key(row) if row is not None else None

    async def replace(self, key: ApiKey, act: RecordedAct) -> None:
        await self._connection.execute(_REPLACE, key.tenant_id, key.key_id, *_replaced(key))
        self.acts.append(act)

    async def delete(self, key_id: str, act: RecordedAct) -> None:
        await self._connection.execute(
            "DELETE FROM api_keys WHERE tenant_id = $1 AND key_id = $2", self._tenant_id, key_id
        )
        self.acts.append(act)


def _replaced(key: ApiKey) -> tuple[object, ...]:
    return key.prefix, key.secrets.current, key.secrets.previous, key.secrets.previous_until, key.rotated_at


def _key(row: asyncpg.Record) -> ApiKey:
    return ApiKey(
        key_id=row["key_id"],
        tenant_id=str(row["tenant_id"]),
        display_name=row["display_name"],
        scopes=frozenset(row["scopes"]),
        rate_limit=row["rate_limit"],
        prefix=row["prefix"],
        secrets=StoredSecrets(row["key_hash"], row["previous_key_hash"], row["previous_key_until"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        rotated_at=row["rotated_at"],
        last_used_at=row["last_used_at"],
    )
