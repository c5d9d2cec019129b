"""Composes what is exported and erased of a tenant."""

from __future__ import annotations

from redis.asyncio import Redis

from meshkit.host import Host
from meshkit.identity.revocations import Revocations
from meshkit.rpc.server import MeshServer
from meshkit.settings import Reader
from meshkit.storage import postgres
from meshkit.storage.event_stream import RedisStream
from meshkit.tenants.serving import serve_tenant_data
from services.fraud.adapters.event_keys import EventKeys
from services.fraud.adapters.logs.erasing import ErasedLogs
from services.fraud.settings import FraudSettings

__all__ = ["serve_erasing"]


async def serve_erasing(
    host: Host,
    reader: Reader,
    settings: FraudSettings,
    server: MeshServer,
    redis: Redis,
    keys: EventKeys,
    revocations: Revocations,
) -> None:
    """Adds `TENANT_DATA_SERVICE`, which forgets a tenant in Redis too. It connects when one is erased."""
    cleaner = await host.open(postgres.pool(settings.cleaner_dsn, size=1), name="postgres of the tenants of logs")
    forget = ErasedLogs(redis, keys.secret, cleaner).forget, RedisStream(redis, "events:fraud").forget
    await serve_tenant_data(host, reader, server, "fraud", revocations, forget)
