"""The composition root of the user service: the only place that knows its adapters."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from rampart.user.v1 import user_service_pb2, user_service_pb2_grpc

from meshkit.continuations import Continuations
from meshkit.host import Host
from meshkit.identity.policy import policies
from meshkit.named_requests import IdempotentChanges
from meshkit.pages import Pages
from meshkit.periodic import Periodic
from meshkit.rpc import keys
from meshkit.rpc.auditing import remote_audit
from meshkit.rpc.server import MeshServer
from meshkit.settings import Reader
from meshkit.storage import migrations, postgres
from meshkit.storage.changes import STREAM as CHANGES
from meshkit.storage.changes import ChangePublisher
from meshkit.storage.event_stream import MemoryStream, RedisStream
from meshkit.storage.named_requests import RequestRetention
from meshkit.storage.reads import read_pool
from meshkit.storage.redis import open_redis
from meshkit.tenants.serving import TENANT_DATA_SERVICE, serve_tenant_data
from services.user.adapters.postgres import PostgresProfiles, PostgresUsers
from services.user.adapters.postgres_changes import PostgresWriter
from services.user.adapters.publishing import PublishingWriter
from services.user.service.users import UserService
from services.user.servicer import UserServicer
from services.user.settings import UserSettings

__all__ = ["migrate", "serve"]

MIGRATIONS = Path(__file__).parent / "migrations"
USER_SERVICE = user_service_pb2.DESCRIPTOR.services_by_name["UserService"]
SERVED = [USER_SERVICE, TENANT_DATA_SERVICE]
PROFILES_POOL_SIZE = 4
BATCH_METHOD = "/rampart.user.v1.UserService/CoalesceGetRiskProfile"


async def migrate(_: Host, reader: Reader) -> None:
    """Applies the migrations."""
    await migrations.migrate_service(reader, "user", MIGRATIONS)


async def serve(host: Host, reader: Reader) -> None:
    """Serves until SIGTERM."""
    settings = UserSettings.read(reader)
    pool = await host.open(postgres.pool(settings.dsn), name="postgres", check=postgres.check)
    reads = await host.open(read_pool(settings.dsn, settings.reads), name="postgres of reads")
    # Decisions wait for profiles, so these wait for no change and no list.
    profiles = await host.open(postgres.pool(settings.dsn, size=PROFILES_POOL_SIZE), name="postgres of profiles")
    identity = host.identity(settings.mesh)
    verifier = await host.open(
        keys.remote_verifier(settings.mesh, identity, settings.auth_address), name="auth", check=keys.check
    )
    # Without Redis there is nobody to tell.
    redis = await host.open(open_redis(settings.redis_url)) if settings.redis_url else None
    publisher = ChangePublisher(RedisStream(redis, CHANGES) if redis is not None else MemoryStream())
    host.background("change publisher", publisher.run)
    host.background("request retention", Periodic("request retention", RequestRetention(pool).delete).run)
    service = UserService(
        users=PostgresUsers(reads, settings.reads),
        profiles=PostgresProfiles(profiles),
        clock=lambda: datetime.now(UTC),
    )
    idempotent = IdempotentChanges(PublishingWriter(PostgresWriter(pool), publisher.publish))
    pages, batch_policy = Pages(Continuations(settings.continuation_keys)), policies([USER_SERVICE])[BATCH_METHOD]
    audit = await host.open(remote_audit(identity, settings.auth_address), name="audit log")
    server = MeshServer(
        settings.mesh, identity, listen=settings.listen, services=SERVED, verifier=verifier, audit=audit
    )
    server.add(
        user_service_pb2_grpc.add_UserServiceServicer_to_server,
        UserServicer(service, idempotent, pages=pages, verifier=verifier, batch_policy=batch_policy),
    )
    forget = [RedisStream(redis, CHANGES).forget] if redis is not None else []
    await serve_tenant_data(host, reader, server, "user", verifier.revocations, forget)
    await host.serve(server, admin=settings.mesh.admin_listen)
