"""The composition root of the data service: the only place that knows its adapters."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

from rampart.data.v1 import data_service_pb2, data_service_pb2_grpc

from meshkit.identity.tokens import TokenVerifier
from meshkit.rpc import keys
from meshkit.rpc.channel import open_channel
from meshkit.rpc.server import MeshServer
from meshkit.settings import Reader
from meshkit.storage import migrations, postgres
from meshkit.storage.event_stream import RedisStream
from meshkit.storage.leader import Leader, Session
from meshkit.storage.redis import open_redis
from services.data.adapters.postgres import PostgresLedger
from services.data.adapters.postgres_writer import PostgresLedgerWriter
from services.data.adapters.remote import FRAUD_POLICIES, RemoteOutbox
from services.data.service.consumer import STREAM_WAIT, Consumer
from services.data.service.ledger import LedgerService
from services.data.servicer import DataServicer
from services.data.settings import DataSettings

__all__ = ["migrate", "serve"]

MIGRATIONS = Path(__file__).parent / "migrations"
DATA_SERVICE = data_service_pb2.DESCRIPTOR.services_by_name["DataService"]
STREAM_KEY = "events:fraud"


async def migrate(reader: Reader) -> None:
    """Applies the migrations."""
    await migrations.migrate_service(reader, "data", MIGRATIONS)


async def serve(reader: Reader) -> None:
    """Serves until SIGTERM."""
    settings = DataSettings.read(reader)
    tls, mesh = settings.mesh.tls, settings.mesh
    async with contextlib.AsyncExitStack() as stack:
        pool = await postgres.open_pool(settings.dsn)
        stack.callback(pool.terminate)
        # An idle stream is silent for as long as a read waits, so the client waits longer.
        redis = await stack.enter_async_context(open_redis(settings.redis_url, timeout=STREAM_WAIT + 1.0))
        auth = await stack.enter_async_context(keys.open_auth_channel(settings.auth_address, tls))
        fraud = await stack.enter_async_context(open_channel(settings.fraud_address, tls, FRAUD_POLICIES))
        verifier = TokenVerifier(keys.remote_keys(auth), issuer=mesh.issuer, audience=mesh.audience)
        stream = RedisStream(redis, STREAM_KEY)
        consumer = Consumer(stream, RemoteOutbox(fraud))
        following = await stack.enter_async_context(_running(_leader(settings.dsn, consumer).run))
        await stack.enter_async_context(keys.kept_fresh(verifier))
        server = MeshServer(
            mesh,
            listen=settings.listen,
            service=DATA_SERVICE,
            verifier=verifier,
            checks={
                "postgres": partial(postgres.check, pool),
                "redis": stream.check,
                "auth": partial(keys.check, verifier),
                "consumer": partial(_check_running, following),
            },
        )
        server.add(
            data_service_pb2_grpc.add_DataServiceServicer_to_server, DataServicer(LedgerService(PostgresLedger(pool)))
        )
        await server.run()


def _leader(dsn: str, consumer: Consumer) -> Leader:
    async def follow(session: Session) -> None:
        await consumer.follow(PostgresLedgerWriter(session))

    return Leader(dsn, "ledger", follow)


@contextlib.asynccontextmanager
async def _running(work: Callable[[], Awaitable[None]]) -> AsyncIterator[asyncio.Task[None]]:
    """Runs a task beside the block."""
    task = asyncio.ensure_future(work())
    try:
        yield task
    finally:
        # Again until it ends: before Python 3.12, asyncio.wait_for may swallow a cancellation (bpo-37658).
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=1.0)


async def _check_running(task: asyncio.Task[None]) -> None:
    if task.done():
        raise RuntimeError("the task has ended")
