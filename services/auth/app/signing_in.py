"""Composes the authorization server: how people sign in, and how clients get tokens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from rampart.auth.v1 import (
    identity_provider_service_pb2_grpc,
    oauth_service_pb2_grpc,
    session_service_pb2_grpc,
    sign_in_service_pb2_grpc,
)

from meshkit.descriptors import read_descriptors
from meshkit.host import Host
from meshkit.identity.policy import SCOPE_OPTION
from meshkit.identity.tokens import TokenVerifier
from meshkit.periodic import Periodic
from meshkit.rpc.server import MeshServer
from meshkit.storage.postgres import Pool
from meshkit.timestamps import utc_now
from services.auth.adapters.named_rows import clean_up
from services.auth.adapters.postgres_attempts import PostgresAttempts
from services.auth.adapters.postgres_consents import PostgresConsents
from services.auth.adapters.postgres_devices import PostgresDevices, PostgresSeenProofs
from services.auth.adapters.postgres_grants import PostgresGrants, PostgresRevocationLog
from services.auth.adapters.postgres_members import PostgresMembers
from services.auth.adapters.postgres_sessions import PostgresSessions
from services.auth.app.federation import Federated
from services.auth.app.people import People
from services.auth.app.programs import Programs
from services.auth.domain.grants import RefreshLimits
from services.auth.domain.sessions import SessionLimits
from services.auth.ports import Directory
from services.auth.service.keyring import Keyring
from services.auth.service.oauth.server import AuthorizationServer, ServerPorts, ServerRules
from services.auth.servicer.identity_provider_service import IdentityProviderServicer
from services.auth.servicer.oauth_service import OAuthServicer
from services.auth.servicer.session_service import SessionServicer
from services.auth.servicer.sign_in_service import SignInServicer
from services.auth.settings import AuthSettings

__all__ = ["Around", "SigningIn"]


@dataclass(frozen=True, slots=True)
class Around:
    """What the authorization server stands among."""

    directory: Directory
    keyring: Keyring
    verifier: TokenVerifier
    people: People
    programs: Programs
    federated: Federated


@dataclass(frozen=True, slots=True)
class SigningIn:
    """What is served."""

    oauth: OAuthServicer
    sign_in: SignInServicer
    sessions: SessionServicer
    providers: IdentityProviderServicer

    @classmethod
    def compose(cls, host: Host, settings: AuthSettings, pool: Pool, around: Around) -> SigningIn:
        """Puts it together. Its background work is the host's."""
        server = AuthorizationServer(_ports(pool, around), _rules(settings), utc_now)
        host.background("end of grants", Periodic("the deletion of old grants", partial(clean_up, pool)).run)
        return cls(
            OAuthServicer(server),
            SignInServicer(server, around.people.links, _scope_words()),
            SessionServicer(server.account),
            around.federated.providers,
        )

    def serve(self, server: MeshServer) -> None:
        """Adds the services."""
        server.add(oauth_service_pb2_grpc.add_OAuthServiceServicer_to_server, self.oauth)
        server.add(sign_in_service_pb2_grpc.add_SignInServiceServicer_to_server, self.sign_in)
        server.add(session_service_pb2_grpc.add_SessionServiceServicer_to_server, self.sessions)
        server.add(identity_provider_service_pb2_grpc.add_IdentityProviderServiceServicer_to_server, self.providers)


def _ports(pool: Pool, around: Around) -> ServerPorts:
    return ServerPorts(
        attempts=PostgresAttempts(pool),
        sessions=PostgresSessions(pool),
        consents=PostgresConsents(pool),
        grants=PostgresGrants(pool),
        devices=PostgresDevices(pool),
        proofs=PostgresSeenProofs(pool),
        log=PostgresRevocationLog(pool),
        members=PostgresMembers(pool),
        tenants=around.directory,
        authenticator=around.programs.authenticator,
        authentication=around.people.authentication,
        guard=around.people.guard,
        verifier=around.verifier,
        keyring=around.keyring,
        issuer=around.programs.issuer,
        federation=around.federated.signing_in,
    )


def _rules(settings: AuthSettings) -> ServerRules:
    return ServerRules(
        issuer=settings.mesh.issuer,
        audience=settings.mesh.audience,
        token_seconds=settings.token_seconds,
        refresh_key=settings.derived_key("refresh tokens"),
        user_code_key=settings.derived_key("user codes"),
        sessions=SessionLimits(
            timedelta(seconds=settings.session_seconds), timedelta(seconds=settings.session_idle_seconds)
        ),
        refreshes=RefreshLimits(
            timedelta(seconds=settings.grant_seconds),
            timedelta(seconds=settings.grant_idle_seconds),
            timedelta(seconds=settings.refresh_grace_seconds),
        ),
    )


def _scope_words() -> dict[str, str]:
    """Returns what all scopes of the platform let do, by their names."""
    services = [service for file in read_descriptors().file for service in file.service]
    described = [scope for service in services for scope in service.options.Extensions[SCOPE_OPTION]]
    return {scope.name: scope.description for scope in described}
