"""Composes the auth service."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from rampart.auth.v1 import (
    account_service_pb2,
    account_service_pb2_grpc,
    api_key_service_pb2,
    api_key_service_pb2_grpc,
    audit_service_pb2_grpc,
    auth_service_pb2_grpc,
    client_service_pb2,
    client_service_pb2_grpc,
    identity_provider_service_pb2,
    member_service_pb2,
    member_service_pb2_grpc,
    oauth_service_pb2,
    session_service_pb2,
    sign_in_service_pb2,
)

from meshkit.host import Host
from meshkit.identity.claims import TrustedIssuer
from meshkit.identity.revocations import Revocations
from meshkit.identity.tokens import TokenVerifier
from meshkit.rpc.auditing import AUDIT_SERVICE
from meshkit.rpc.keys import AUTH_SERVICE
from meshkit.rpc.server import MeshServer
from meshkit.settings import Reader
from meshkit.storage import migrations, postgres
from meshkit.timestamps import utc_now
from services.auth.adapters.postgres_directory import PostgresDirectory
from services.auth.adapters.postgres_keys import PostgresSigningKeyStore
from services.auth.adapters.sealing import AesSealer
from services.auth.app.approving import APPROVAL_SERVICE, Approving
from services.auth.app.auditing import audit_log, audit_trail, own_calls
from services.auth.app.federation import Federated
from services.auth.app.people import People
from services.auth.app.programs import Programs
from services.auth.app.revoking import follow_revocations, known_at_once
from services.auth.app.signing_in import Around, SigningIn
from services.auth.app.tenants import TENANT_SERVICES, serve_tenants
from services.auth.service.directory import DirectoryService
from services.auth.service.keyring import Keyring
from services.auth.servicer.auth_service import AuthServicer
from services.auth.settings import AuthSettings

__all__ = ["migrate", "serve"]

MIGRATIONS = Path(__file__).parents[1] / "migrations"
SERVICES = [
    AUTH_SERVICE,
    client_service_pb2.DESCRIPTOR.services_by_name["ClientService"],
    api_key_service_pb2.DESCRIPTOR.services_by_name["ApiKeyService"],
    member_service_pb2.DESCRIPTOR.services_by_name["MemberService"],
    account_service_pb2.DESCRIPTOR.services_by_name["AccountService"],
    AUDIT_SERVICE,
    oauth_service_pb2.DESCRIPTOR.services_by_name["OAuthService"],
    sign_in_service_pb2.DESCRIPTOR.services_by_name["SignInService"],
    session_service_pb2.DESCRIPTOR.services_by_name["SessionService"],
    APPROVAL_SERVICE,
    identity_provider_service_pb2.DESCRIPTOR.services_by_name["IdentityProviderService"],
    *TENANT_SERVICES,
]


async def migrate(_: Host, reader: Reader) -> None:
    """Applies the migrations."""
    await migrations.migrate_service(reader, "auth", MIGRATIONS, notary="RAMPART_AUTH_NOTARY_DSN")


async def serve(host: Host, reader: Reader) -> None:
    """Serves until SIGTERM."""
    settings = AuthSettings.read(reader)
    pool = await host.open(postgres.pool(settings.dsn), name="postgres", check=postgres.check)
    keyring = Keyring(PostgresSigningKeyStore(pool), AesSealer(settings.sealing_key), settings.schedule, time.time)
    host.check("signing_keys", keyring.check)
    host.background("signing keys", partial(keyring.keep, settings.key_check_seconds))
    directory, trail = PostgresDirectory(pool), await audit_trail(host, settings)
    programs = Programs.compose(host, settings, pool, keyring, directory, trail)
    people = await People.compose(host, settings, pool, directory, trail)
    revoked = Revocations(awaited=True)
    feed = follow_revocations(host, pool, revoked)
    managed = DirectoryService(directory, clock=utc_now)
    auth = AuthServicer(programs.tokens, keyring, managed, feed)
    verifier = _verifier(settings, keyring, revoked)
    federated = await Federated.compose(host, settings, pool, directory, trail)
    around = Around(directory, keyring, verifier, people, programs, federated)
    signing_in = SigningIn.compose(host, settings, pool, around)
    approving = Approving.compose(settings, pool, SERVICES)
    log = await audit_log(host, settings, pool, trail)
    server = MeshServer(
        settings.mesh,
        host.identity(settings.mesh),
        listen=settings.listen,
        services=SERVICES,
        verifier=verifier,
        audit=await own_calls(host, trail),
        approvals=approving.desk,
        innermost=[known_at_once(feed)],
    )
    server.add(auth_service_pb2_grpc.add_AuthServiceServicer_to_server, auth)
    server.add(client_service_pb2_grpc.add_ClientServiceServicer_to_server, programs.clients)
    server.add(api_key_service_pb2_grpc.add_ApiKeyServiceServicer_to_server, programs.keys)
    server.add(member_service_pb2_grpc.add_MemberServiceServicer_to_server, people.members)
    server.add(account_service_pb2_grpc.add_AccountServiceServicer_to_server, people.account)
    server.add(audit_service_pb2_grpc.add_AuditServiceServicer_to_server, log)
    approving.serve(server)
    signing_in.serve(server)
    await serve_tenants(host, reader, server, pool, revoked)
    await host.serve(server, admin=settings.mesh.admin_listen)


def _verifier(settings: AuthSettings, keyring: Keyring, revoked: Revocations) -> TokenVerifier:
    trusted = TrustedIssuer.own(settings.mesh.issuer, settings.mesh.audience)
    return TokenVerifier(keyring.public_keys, trusted, revocations=revoked)
