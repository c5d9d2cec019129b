"""Stores the API keys of tenants in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime

import asyncpg

from meshkit.storage.postgres import Pool, transaction
from services.auth.adapters.named_rows import open_row
from services.auth.adapters.postgres_directory import owner_of
from services.auth.adapters.quota_rows import use_of
from services.auth.adapters.sealed_changes import SealedChanges
from services.auth.domain.api_keys import ApiKey
from services.auth.domain.quotas import CountedResource, QuotaUse
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
_SHOWN = f"SELECT {_COLUMNS} FROM api_keys WHERE key_hash = $1 OR previous_key_hash = $1"
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

    def begin(self, tenant_id: str) -> AbstractAsyncContextManager[ApiKeyChanges]:
        return _Changes.begin(self._pool, tenant_id, self._sealer)

    async def get(self, tenant_id: str, key_id: str) -> ApiKey | None:
        async with transaction(self._pool, [tenant_id]) as connection:
            row = await connection.fetchrow(_GET, tenant_id, key_id)
        return _key(row) if row is not None else None

    async def page(self, tenant_id: str, after: str, limit: int) -> list[ApiKey]:
        async with transaction(self._pool, [tenant_id]) as connection:
            return [_key(row) for row in await connection.fetch(_PAGE, tenant_id, after, limit)]

    async def shown(self, key_hash: bytes) -> tuple[ApiKey, Tenant] | None:
        async with transaction(self._pool, ()) as connection:
            await open_row(connection, "key_hash", key_hash)
            row = await connection.fetchrow(_SHOWN, key_hash)
            if row is None:
                return None
            owner = await owner_of(connection, row)
        return (_key(row), owner) if owner is not None else None

    async def note_uses(self, uses: Mapping[tuple[str, str], datetime]) -> None:
        async with transaction(self._pool, {tenant_id for tenant_id, _ in uses}) as connection:
            await connection.execute(_USED, [key_id for _, key_id in uses], list(uses.values()))


class _Changes(SealedChanges):
    """Implements `ApiKeyChanges`."""

    async def use(self) -> QuotaUse:
        return await use_of(self._connection, self._tenant_id, CountedResource.API_KEYS)

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
