"""The composition root of the auth service: the only place that knows its adapters."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rampart.auth.v1 import audit_service_pb2_grpc, auth_service_pb2_grpc

from meshkit.continuations import Continuations
from meshkit.host import Host
from meshkit.identity.claims import TrustedIssuer
from meshkit.identity.revocations import Revocations
from meshkit.identity.scopes import Scopes
from meshkit.identity.tokens import TokenVerifier
from meshkit.pages import Pages
from meshkit.periodic import Periodic
from meshkit.rpc.auditing import AUDIT_SERVICE, audited_calls
from meshkit.rpc.keys import AUTH_SERVICE
from meshkit.rpc.server import MeshServer
from meshkit.settings import Reader
from meshkit.storage import migrations, postgres
from meshkit.storage.postgres import Pool
from services.auth.adapters.audit_reporting import OwnReporter
from services.auth.adapters.audit_sealing import HmacAuditSealer
from services.auth.adapters.postgres_audit import PostgresAuditLog, PostgresAuditNotary, PostgresAuditTrail
from services.auth.adapters.postgres_directory import PostgresDirectory
from services.auth.adapters.postgres_keys import PostgresSigningKeyStore
from services.auth.adapters.postgres_revocations import PostgresRevocations
from services.auth.adapters.sealing import AesSealer
from services.auth.convert.revocations import revocation_to_tokens
from services.auth.ports import AuditTrail
from services.auth.service.audit_log import AuditDesk
from services.auth.service.audit_notary import NotaryDuty
from services.auth.service.auth import AuthService
from services.auth.service.directory import DirectoryService
from services.auth.service.keyring import Keyring
from services.auth.service.revoking.feed import RevocationFeed
from services.auth.servicer.audit_service import AuditServicer
from services.auth.servicer.auth_service import AuthServicer
from services.auth.settings import AuthSettings

__all__ = ["migrate", "serve"]

MIGRATIONS = Path(__file__).parent / "migrations"


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
    scopes = Scopes.declared_by_methods()
    directory = PostgresDirectory(pool)
    service = AuthService(
        directory=directory,
        keyring=keyring,
        issuer=settings.mesh.issuer,
        audience=settings.mesh.audience,
        token_seconds=settings.token_seconds,
        clock=time.time,
    )
    managed = DirectoryService(directory, scopes=scopes.declared, default_scopes=scopes.ordinary, clock=time.time)
    revoked = Revocations(awaited=True)
    trusted = TrustedIssuer.own(settings.mesh.issuer, settings.mesh.audience)
    verifier = TokenVerifier(keyring.public_keys, trusted, revocations=revoked)
    # Of its own, so that no change that waits for its turn keeps a refused sign-in out of the log.
    trail = PostgresAuditTrail(await host.open(postgres.pool(settings.dsn, size=2), name="postgres of the audit log"))
    server = await _server(host, settings, pool, verifier, trail)
    servicer = AuthServicer(service, managed, _revocations(host, pool, revoked))
    server.add(auth_service_pb2_grpc.add_AuthServiceServicer_to_server, servicer)
    await host.serve(server, admin=settings.mesh.admin_listen)


async def _server(
    host: Host, settings: AuthSettings, pool: Pool, verifier: TokenVerifier, trail: AuditTrail
) -> MeshServer:
    """Composes the server, which tells the audit log of calls, and serves that log."""
    log = await _audit_log(host, settings, pool, trail)
    audit = await host.open(audited_calls(OwnReporter(trail), ahead=False), name="audit log")
    served = [AUTH_SERVICE, AUDIT_SERVICE]
    identity = host.identity(settings.mesh)
    server = MeshServer(
        settings.mesh, identity, listen=settings.listen, services=served, verifier=verifier, audit=audit
    )
    server.add(audit_service_pb2_grpc.add_AuditServiceServicer_to_server, log)
    return server


async def _audit_log(host: Host, settings: AuthSettings, pool: Pool, trail: AuditTrail) -> AuditServicer:
    """Composes the audit log, and the notary's work on it."""
    sealer = HmacAuditSealer(settings.audit_keys)
    notary_pool = await host.open(postgres.pool(settings.notary_dsn, size=1), name="postgres of the notary")
    notary = NotaryDuty(PostgresAuditNotary(notary_pool), sealer, kept_days=settings.audit_days, clock=time.time)
    host.background("audit anchors", Periodic("anchoring", notary.anchor, interval=settings.audit_anchor_seconds).run)
    host.background("audit retention", Periodic("audit retention", notary.prune).run)
    # What was recorded since the last interval is anchored before the process ends.
    host.closing(notary.anchor)
    desk = AuditDesk(trail=trail, log=PostgresAuditLog(pool), sealer=sealer)
    return AuditServicer(desk, Pages(Continuations(settings.continuation_keys)))


def _revocations(host: Host, pool: postgres.Pool, own: Revocations) -> RevocationFeed:
    """Follows the revocations, by which this process goes as well, and deletes those that are over."""
    source = PostgresRevocations(pool)
    feed = RevocationFeed(source, lambda: datetime.now(UTC), lambda told: own.replace(map(revocation_to_tokens, told)))
    host.check("revocations", feed.check)
    host.background("revocation feed", feed.follow)
    host.background("end of revocations", Periodic("the deletion of old revocations", source.forget).run)
    return feed
