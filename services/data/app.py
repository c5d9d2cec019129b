"""The composition root of the data service: the only place that knows its adapters."""

from __future__ import annotations

from pathlib import Path

from rampart.data.v1 import data_service_pb2, data_service_pb2_grpc

from meshkit.continuations import Continuations
from meshkit.following.consumer import STREAM_WAIT, Consumer
from meshkit.following.decisions import FRAUD_EVENTS, FRAUD_POLICIES, RemoteDecisions, RemoteOutbox, StreamedBatches
from meshkit.host import Host
from meshkit.pages import Pages
from meshkit.rpc import keys
from meshkit.rpc.auditing import remote_audit
from meshkit.rpc.channel import open_channel
from meshkit.rpc.server import MeshServer
from meshkit.settings import Reader
from meshkit.storage import migrations, postgres
from meshkit.storage.event_stream import RedisStream
from meshkit.storage.leader import Leader, Session
from meshkit.storage.reads import read_pool
from meshkit.storage.redis import open_redis
from meshkit.tenants.serving import TENANT_DATA_SERVICE, serve_tenant_data
from services.data.adapters.postgres import PostgresLedger
from services.data.adapters.postgres_desk import PostgresDesk
from services.data.adapters.postgres_writer import PostgresLedgerWriter
from services.data.convert import transaction_from_event
from services.data.domain.ledger import Transaction
from services.data.ports import LedgerWriter
from services.data.service.following import LEDGER_WATCH
from services.data.service.ledger import LedgerService
from services.data.service.rebuilding import Rebuilder
from services.data.servicer import DataServicer
from services.data.settings import DataSettings

__all__ = ["migrate", "serve"]

MIGRATIONS = Path(__file__).parent / "migrations"
DATA_SERVICE = data_service_pb2.DESCRIPTOR.services_by_name["DataService"]
SERVED = [DATA_SERVICE, TENANT_DATA_SERVICE]


async def migrate(_: Host, reader: Reader) -> None:
    """Applies the migrations."""
    await migrations.migrate_service(reader, "data", MIGRATIONS)


async def serve(host: Host, reader: Reader) -> None:
    """Serves until SIGTERM."""
    settings = DataSettings.read(reader)
    mesh = settings.mesh
    # The session of the consumer is another: what is entered waits for no read.
    pool = await host.open(read_pool(settings.dsn, settings.reads), name="postgres", check=postgres.check)
    # An idle stream is silent for as long as a read waits, so the client waits longer.
    redis = await host.open(open_redis(settings.redis_url, timeout=STREAM_WAIT + 1.0))
    stream = RedisStream(redis, FRAUD_EVENTS)
    host.check("redis", stream.check)
    identity = host.identity(mesh)
    verifier = await host.open(
        keys.remote_verifier(mesh, identity, settings.auth_address), name="auth", check=keys.check
    )
    fraud = await host.open(open_channel(settings.fraud_address, identity, FRAUD_POLICIES, service="fraud", rare=True))
    read = transaction_from_event
    rebuilder = Rebuilder(RemoteDecisions(fraud, read))
    consumer = Consumer(StreamedBatches(stream, read), RemoteOutbox(fraud, "data", read), rebuilder, LEDGER_WATCH)
    host.background("consumer", _leader(settings.dsn, consumer).run)
    desk = PostgresDesk(pool)
    host.warn("ledger", desk.check)
    audit = await host.open(remote_audit(identity, settings.auth_address), name="audit log")
    server = MeshServer(mesh, identity, listen=settings.listen, services=SERVED, verifier=verifier, audit=audit)
    ledger = LedgerService(PostgresLedger(pool, settings.reads))
    servicer = DataServicer(ledger, desk, Pages(Continuations(settings.continuation_keys)))
    server.add(data_service_pb2_grpc.add_DataServiceServicer_to_server, servicer)
    await serve_tenant_data(host, reader, server, "data", verifier.revocations)
    await host.serve(server, admin=mesh.admin_listen)


def _leader(dsn: str, consumer: Consumer[Transaction, LedgerWriter]) -> Leader:
    async def follow(session: Session) -> None:
        await consumer.follow(PostgresLedgerWriter(session))

    return Leader(dsn, "ledger", follow)
