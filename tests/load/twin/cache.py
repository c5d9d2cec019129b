"""Cache of list answers in Redis: one hash for each tenant, dropped whenever a task of it changes."""

from __future__ import annotations

from typing import cast

from redis.asyncio import Redis

__all__ = ["ListCache"]

SECONDS = 5


class ListCache:
    """Keeps rendered answers for some seconds."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def get(self, tenant: str, query: str) -> bytes | None:
        return cast("bytes | None", await self._redis.hget(_key(tenant), query))

    async def put(self, tenant: str, query: str, answer: bytes) -> None:
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.hset(_key(tenant), query, answer)
            pipeline.expire(_key(tenant), SECONDS)
            await pipeline.execute()

    async def drop(self, tenant: str) -> None:
        await self._redis.delete(_key(tenant))


def _key(tenant: str) -> str:
    return f"tasks:{tenant}"
