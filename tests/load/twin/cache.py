"""Cache of list answers in Redis: one hash for each tenant, dropped whenever a task of it changes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

from redis.asyncio import Redis

__all__ = ["ListCache"]

SECONDS = 5


class ListCache:
    """Keeps rendered answers for some seconds. In one process one caller fills a gap while the others wait."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._filling: dict[tuple[str, str], asyncio.Future[bytes]] = {}

    async def get(self, tenant: str, query: str, render: Callable[[], Awaitable[bytes]]) -> bytes:
        """Returns the answer to a query, rendered now if it is not known."""
        found = cast("bytes | None", await self._redis.hget(_key(tenant), query))
        return await self._fill(tenant, query, render) if found is None else found

    async def drop(self, tenant: str) -> None:
        await self._redis.delete(_key(tenant))

    async def _fill(self, tenant: str, query: str, render: Callable[[], Awaitable[bytes]]) -> bytes:
        filling = self._filling.get((tenant, query))
        if filling is None:
            filling = asyncio.ensure_future(self._render(tenant, query, render))
            self._filling[tenant, query] = filling
            filling.add_done_callback(lambda _: self._filling.pop((tenant, query)))
        return await asyncio.shield(filling)

    async def _render(self, tenant: str, query: str, render: Callable[[], Awaitable[bytes]]) -> bytes:
        answer = await render()
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.hset(_key(tenant), query, answer)
            pipeline.expire(_key(tenant), SECONDS)
            await pipeline.execute()
        return answer


def _key(tenant: str) -> str:
    return f"tasks:{tenant}"
