"""The composition root of the user service: the only place that knows its adapters."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rampart.user.v1 import user_service_pb2, user_service_pb2_grpc

from meshkit import keys, migrations, postgres
from meshkit.policy import policies
from meshkit.server import MeshServer
from meshkit.settings import Reader
from meshkit.tokens import TokenVerifier
from services.user.adapters.postgres import PostgresProfiles, PostgresUsers
from services.user.service import UserService
from services.user.servicer import UserServicer
from services.user.settings import Settings

__all__ = ["migrate", "serve"]

MIGRATIONS = Path(__file__).parent / "migrations"
USER_SERVICE = user_service_pb2.DESCRIPTOR.services_by_name["UserService"]
BATCH_METHOD = "/rampart.user.v1.UserService/CoalesceGetRiskProfile"


async def migrate(reader: Reader) -> None:
    """Applies the migrations."""
    await migrations.migrate_service(reader, "user", MIGRATIONS)


async def serve(reader: Reader) -> None:
    """Serves until SIGTERM."""
    settings = Settings.read(reader)
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
    servicer = UserServicer(service, verifier=verifier, batch_policy=policies([USER_SERVICE])[BATCH_METHOD])
    server.add(user_service_pb2_grpc.add_UserServiceServicer_to_server, servicer)
    try:
        async with keys.kept_fresh(verifier):
            await server.run()
    finally:
        await auth.close()
        pool.terminate()
