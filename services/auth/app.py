"""The composition root of the auth service: the only place that knows its adapters."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from pathlib import Path

from rampart.auth.v1 import auth_service_pb2_grpc

from meshkit.identity.tokens import TokenVerifier
from meshkit.rpc.keys import AUTH_SERVICE
from meshkit.rpc.server import MeshServer
from meshkit.settings import Reader, SettingsError
from meshkit.storage import migrations, postgres
from services.auth.adapters.postgres import PostgresDirectory, PostgresSigningKeyStore
from services.auth.adapters.sealing import Sealer
from services.auth.service.auth import AuthService
from services.auth.service.keyring import Keyring
from services.auth.servicer import AuthServicer
from services.auth.settings import AuthSettings

__all__ = ["migrate", "serve"]

MIGRATIONS = Path(__file__).parent / "migrations"


async def migrate(reader: Reader) -> None:
    """Applies the migrations."""
    await migrations.migrate_service(reader, "auth", MIGRATIONS)


async def serve(reader: Reader) -> None:
    """Serves until SIGTERM."""
    settings = AuthSettings.read(reader)
    pool = await postgres.open_pool(settings.dsn)
    keyring = Keyring(PostgresSigningKeyStore(pool), Sealer(settings.sealing_key), settings.schedule, time.time)
    service = AuthService(
        directory=PostgresDirectory(pool),
        keyring=keyring,
        issuer=settings.mesh.issuer,
        audience=settings.mesh.audience,
        token_seconds=settings.token_seconds,
        clock=time.time,
    )
    server = MeshServer(
        settings.mesh,
        listen=settings.listen,
        service=AUTH_SERVICE,
        verifier=TokenVerifier(keyring.public_keys, issuer=settings.mesh.issuer, audience=settings.mesh.audience),
        checks={"postgres": partial(postgres.check, pool), "signing_keys": keyring.check},
    )
    server.add(auth_service_pb2_grpc.add_AuthServiceServicer_to_server, AuthServicer(service))
    try:
        await _run(server, keyring, settings.key_check_seconds)
    finally:
        pool.terminate()


async def _run(server: MeshServer, keyring: Keyring, interval: int) -> None:
    """Serves while the keys are kept. Keys that cannot be decrypted end it; a store that is down does not."""
    try:
        async with asyncio.TaskGroup() as tasks:
            upkeep = tasks.create_task(keyring.keep(interval))
            await server.run()
            upkeep.cancel()
    except ExceptionGroup as group:
        refused = group.subgroup(SettingsError)
        raise (refused or group).exceptions[0] from group
