"""The composition root of the user service: the only place that knows its adapters."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from rampart.user.v1 import user_service_pb2, user_service_pb2_grpc

from meshkit.identity.policy import policies
from meshkit.identity.tokens import TokenVerifier
from meshkit.rpc import keys
from meshkit.rpc.server import MeshServer
from meshkit.settings import Reader
from meshkit.storage import migrations, postgres
from meshkit.storage.changes import STREAM as CHANGES
from meshkit.storage.changes import ChangePublisher
from meshkit.storage.event_stream import MemoryStream, RedisStream
from meshkit.storage.redis import open_redis
from services.user.adapters.announced import AnnouncedWriter
from services.user.adapters.postgres import PostgresProfiles, PostgresUsers
from services.user.adapters.postgres_changes import PostgresWriter
from services.user.adapters.retention import RequestRetention
from services.user.service.once import Once
from services.user.service.users import UserService
from services.user.servicer import UserServicer
from services.user.settings import UserSettings

__all__ = ["migrate", "serve"]

MIGRATIONS = Path(__file__).parent / "migrations"
USER_SERVICE = user_service_pb2.DESCRIPTOR.services_by_name["UserService"]
BATCH_METHOD = "/rampart.user.v1.UserService/CoalesceGetRiskProfile"


async def migrate(reader: Reader) -> None:
    """Applies the migrations."""
    await migrations.migrate_service(reader, "user", MIGRATIONS)


async def serve(reader: Reader) -> None:
    """Serves until SIGTERM."""
    settings = UserSettings.read(reader)
    pool = await postgres.open_pool(settings.dsn)
    auth = keys.open_auth_channel(settings.auth_address, settings.mesh.tls)
    verifier = TokenVerifier(keys.remote_keys(auth), issuer=settings.mesh.issuer, audience=settings.mesh.audience)
    server = MeshServer(
        settings.mesh,
        listen=settings.listen,
        service=USER_SERVICE,
        verifier=verifier,
        checks={"postgres": partial(postgres.check, pool), "auth": partial(keys.check, verifier)},
    )
    service = UserService(users=PostgresUsers(pool), profiles=PostgresProfiles(pool), clock=lambda: datetime.now(UTC))
    redis = open_redis(settings.redis_url) if settings.redis_url else None
    # Without Redis there is nobody to tell.
    publisher = ChangePublisher(RedisStream(redis, CHANGES) if redis is not None else MemoryStream())
    writer = AnnouncedWriter(PostgresWriter(pool), publisher.publish)
    servicer = UserServicer(
        service, Once(writer), verifier=verifier, batch_policy=policies([USER_SERVICE])[BATCH_METHOD]
    )
    server.add(user_service_pb2_grpc.add_UserServiceServicer_to_server, servicer)
    try:
        async with keys.kept_fresh(verifier), _beside(RequestRetention(pool).run(), publisher.run()):
            await server.run()
    finally:
        await auth.close()
        if redis is not None:
            await redis.aclose()
        pool.terminate()


@contextlib.asynccontextmanager
async def _beside(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Runs tasks while the block runs."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
