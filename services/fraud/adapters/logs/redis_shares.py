"""Looks at what tenants have of the memory of Redis, and lets the logs of some go early."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AbstractContextManager
from typing import Any

from redis.asyncio import Redis

from services.fraud.adapters.logs.names import LogNames
from services.fraud.adapters.logs.scripts import LogScripts
from services.fraud.ports import LogMemory, LogSample

__all__ = ["RedisLogShares"]

KNOWN = 500
"""Tenants of which it is known that they have, or had, more than their share, at most: 10 kB that each batch reads."""


class RedisLogShares:
    """Implements `LogShares`. `failing` turns failures of Redis into what the port says."""

    def __init__(
        self,
        redis: Redis,
        scripts: LogScripts,
        names: Callable[[], Awaitable[LogNames]],
        failing: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._redis = redis
        self._scripts = scripts
        self._names = names
        self._failing = failing
        self._known: LogNames | None = None

    async def memory(self) -> LogMemory:
        with self._failing():
            self._known = await self._names()
            await self._scripts.adopt()
            pipe = self._redis.pipeline(transaction=False)
            pipe.info("memory")
            pipe.dbsize()
            pipe.time()
            info, keys, (seconds, _) = await pipe.execute()
        # A table of keys that is being divided is there twice, for seconds.
        used = info["used_memory"] - info.get("mem_overhead_db_hashtable_rehashing", 0)
        return LogMemory(used, info["maxmemory"], keys, seconds, self._scripts.shares.by_tag)

    async def sample(self, count: int, draining: Collection[bytes]) -> Sequence[LogSample]:
        with self._failing():
            found: Any = await self._scripts.run("sample", [], [b"%d" % count, b"".join(draining)])
        return [LogSample(tag, size) for tag, size in zip(found[::2], found[1::2], strict=True)]

    async def crowd(self, tag: bytes, seconds: int) -> bool:
        return await self._mark(tag, b"crowd", seconds)

    async def ease(self, tag: bytes) -> bool:
        return await self._mark(tag, b"ease", 0)

    async def open(self, tag: bytes, seconds: int) -> bool:
        return await self._mark(tag, b"open", seconds)

    def tenant(self, tag: bytes) -> str | None:
        return self._known.tenant(tag) if self._known is not None else None

    async def _mark(self, tag: bytes, change: bytes, seconds: int) -> bool:
        with self._failing():
            done = await self._scripts.run("mark", [], [tag, change, b"%d" % seconds, b"%d" % KNOWN])
            await self._scripts.adopt()
        return bool(done)
