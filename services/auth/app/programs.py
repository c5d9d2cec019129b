"""Composes what programs need: clients, API keys, and the tokens for both."""

from __future__ import annotations

import time
from dataclasses import dataclass

from meshkit.continuations import Continuations
from meshkit.host import Host
from meshkit.identity.roles import Roles
from meshkit.named_requests import IdempotentChanges
from meshkit.pages import Pages
from meshkit.periodic import Periodic
from meshkit.storage.named_requests import RequestRetention
from meshkit.storage.postgres import Pool
from meshkit.timestamps import utc_now
from services.auth.adapters.postgres_api_keys import PostgresApiKeys
from services.auth.adapters.postgres_assertions import PostgresAssertions
from services.auth.adapters.postgres_clients import PostgresClients
from services.auth.adapters.sealing import AesSealer
from services.auth.ports import ApiKeyStore, AuditTrail, ClientStore, Directory
from services.auth.service.api_keys import ApiKeyKeeper
from services.auth.service.assertions import AssertionVerifier
from services.auth.service.auth import AuthService
from services.auth.service.authentication import ClientAuthenticator
from services.auth.service.clients import ClientKeeper
from services.auth.service.giving import GivenScopes
from services.auth.service.issuing import TokenIssuer
from services.auth.service.key_uses import INTERVAL_SECONDS, KeyUses
from services.auth.service.keyring import Keyring
from services.auth.servicer.api_key_service import ApiKeyServicer
from services.auth.servicer.client_service import ClientServicer
from services.auth.settings import AuthSettings

__all__ = ["Programs"]

TOKEN_PATH = "/api/v1/oauth/token"
"""Where the edge has the token endpoint: assertions may be addressed to it."""


@dataclass(frozen=True, slots=True)
class Programs:
    """The use cases about programs."""

    tokens: AuthService
    clients: ClientServicer
    keys: ApiKeyServicer
    authenticator: ClientAuthenticator
    issuer: TokenIssuer

    @classmethod
    def compose(
        cls,
        host: Host,
        settings: AuthSettings,
        pool: Pool,
        keyring: Keyring,
        directory: Directory,
        trail: AuditTrail,
    ) -> Programs:
        """Puts them together. Their background work is the host's."""
        sealer = AesSealer(settings.derived_key("named requests"))
        clients, keys = PostgresClients(pool, sealer), PostgresApiKeys(pool, sealer)
        issuer = TokenIssuer(
            keyring,
            issuer=settings.mesh.issuer,
            audience=settings.mesh.audience,
            seconds=settings.token_seconds,
            clock=time.time,
        )
        authenticator = _authenticator(host, settings, pool, clients, trail)
        tokens = _tokens(host, authenticator, issuer, keys, directory, trail)
        host.background("request retention", Periodic("request retention", RequestRetention(pool).delete).run)
        return cls(tokens, *_servicers(settings, clients, keys), authenticator, issuer)


def _authenticator(
    host: Host, settings: AuthSettings, pool: Pool, clients: ClientStore, trail: AuditTrail
) -> ClientAuthenticator:
    used = PostgresAssertions(pool)
    host.background("used assertions", Periodic("the deletion of used assertions", used.delete_expired).run)
    issuer = settings.mesh.issuer
    assertions = AssertionVerifier(used, [issuer, issuer.rstrip("/") + TOKEN_PATH], time.time)
    return ClientAuthenticator(clients.find, assertions, trail, utc_now)


def _tokens(
    host: Host,
    authenticator: ClientAuthenticator,
    issuer: TokenIssuer,
    keys: ApiKeyStore,
    directory: Directory,
    trail: AuditTrail,
) -> AuthService:
    uses = KeyUses(keys, utc_now)
    host.background("uses of API keys", Periodic("uses of API keys", uses.write, interval=INTERVAL_SECONDS).run)
    return AuthService(
        authenticator=authenticator,
        issuer=issuer,
        keys=keys,
        uses=uses,
        directory=directory,
        audit=trail,
        roles=Roles.declared(),
        clock=utc_now,
    )


def _servicers(
    settings: AuthSettings, clients: ClientStore, keys: ApiKeyStore
) -> tuple[ClientServicer, ApiKeyServicer]:
    scopes, seconds = GivenScopes.of_platform(), settings.token_seconds
    pages = Pages(Continuations([settings.derived_key("page tokens")]))
    client_keeper = ClientKeeper(clients, scopes, token_seconds=seconds, clock=utc_now)
    key_keeper = ApiKeyKeeper(keys, scopes, token_seconds=seconds, clock=utc_now)
    return (
        ClientServicer(client_keeper, IdempotentChanges(clients), pages),
        ApiKeyServicer(key_keeper, IdempotentChanges(keys), pages),
    )
