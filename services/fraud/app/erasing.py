"""Composes what is forgotten of a tenant besides its rows."""

from __future__ import annotations

from collections.abc import Sequence

from redis.asyncio import Redis

from meshkit.host import Host
from meshkit.storage import postgres
from meshkit.storage.event_stream import RedisStream
from meshkit.tenants.servicer import Forget
from services.fraud.adapters.event_keys import EventKeys
from services.fraud.adapters.logs.erasing import ErasedLogs
from services.fraud.settings import FraudSettings

__all__ = ["open_erasing"]


async def open_erasing(host: Host, settings: FraudSettings, redis: Redis, keys: EventKeys) -> Sequence[Forget]:
    """Returns what forgets a tenant in Redis. Its connections are opened when one is erased."""
    cleaner = await host.open(postgres.pool(settings.cleaner_dsn, size=1), name="postgres of the tenants of logs")
    return ErasedLogs(redis, keys.secret, cleaner).forget, RedisStream(redis, "events:fraud").forget
