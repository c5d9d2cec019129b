"""Erases what Redis has of a tenant."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from meshkit.errors import unavailable
from meshkit.storage.postgres import Pool, connected
from services.fraud.adapters.logs.names import LOG_PREFIX, WHOLE, LogNames

__all__ = ["ErasedLogs"]

_log = logging.getLogger(__name__)

PAGE = 1_000
_SPECIAL = b"*?[]\\^-"

# Each tenant is one step along the primary key.
_TENANTS = """
WITH RECURSIVE found AS (
    (SELECT tenant_id FROM decisions ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT tenant_id FROM decisions AS d WHERE d.tenant_id > found.tenant_id ORDER BY tenant_id LIMIT 1)
    FROM found WHERE found.tenant_id IS NOT NULL
)
SELECT tenant_id::text AS tenant_id FROM found WHERE tenant_id IS NOT NULL"""


class ErasedLogs:
    """Deletes the logs of a tenant, and the proofs that they are whole. `pool` is of a role that sees all tenants.

    Logs are known by a short hash of their tenant. Where another has the same, its logs must not go, and those of both
    stay until they expire.
    """

    def __init__(self, redis: Redis, secret: Callable[[], Awaitable[bytes]], pool: Pool) -> None:
        self._redis = redis
        self._secret = secret
        self._pool = pool

    async def forget(self, tenant_id: str) -> None:
        """Raises UNAVAILABLE."""
        names = LogNames(await self._secret())
        tag = names.tag(tenant_id)
        async with connected(self._pool) as connection:
            others = [row["tenant_id"] for row in await connection.fetch(_TENANTS)]
        alike = [each for each in others if each != tenant_id and names.tag(each) == tag]
        try:
            await self._delete_proofs(tenant_id)
            if alike:
                _log.warning("logs of an erased tenant stay until they expire: another has its tag")
            else:
                await self._delete_logs(LOG_PREFIX + tag)
        except (RedisError, OSError, TimeoutError) as error:
            raise unavailable("redis") from error

    async def _delete_proofs(self, tenant_id: str) -> None:
        fields: Any
        cursor = 0
        while True:
            cursor, fields = await self._redis.hscan(WHOLE, cursor, match=f"{tenant_id}*", count=PAGE)
            if fields:
                await self._redis.hdel(WHOLE, *fields)
            if not cursor:
                return

    async def _delete_logs(self, prefix: bytes) -> None:
        keys: Any
        cursor = 0
        while True:
            cursor, keys = await self._redis.scan(cursor, match=_literal(prefix) + b"*", count=PAGE)
            if keys:
                await self._redis.unlink(*keys)
            if not cursor:
                return


def _literal(prefix: bytes) -> bytes:
    return b"".join(b"\\%c" % byte if byte in _SPECIAL else b"%c" % byte for byte in prefix)
