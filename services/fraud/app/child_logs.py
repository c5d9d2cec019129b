"""Opens the entity logs in a process of its own.

Apart from `child.py`: a quarter of the time in which a process starts is what this imports.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from meshkit.storage import postgres
from meshkit.storage.redis import open_redis
from services.fraud.adapters.event_keys import EventKeys
from services.fraud.adapters.logs.postgres_gaps import LogFence
from services.fraud.adapters.logs.redis_logs import RedisLogs

__all__ = ["open_logs"]

REDIS_SECONDS = 2.0


@asynccontextmanager
async def open_logs(redis_url: str, pool: postgres.Pool, *, size: int = 2) -> AsyncIterator[RedisLogs]:
    """Opens the entity logs for the block."""
    redis = open_redis(redis_url, timeout=REDIS_SECONDS, size=size)
    try:
        yield RedisLogs(redis, secret=EventKeys(pool).secret, fence=LogFence(pool))
    finally:
        await redis.aclose()
