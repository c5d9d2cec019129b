"""The use cases of the auth service about programs, on stores in memory and a clock that tests set."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from meshkit.context import Principal
from meshkit.identity.roles import Roles
from meshkit.identity.tokens import TokenVerifier
from services.auth.adapters.memory_api_keys import MemoryApiKeys
from services.auth.adapters.memory_assertions import MemoryAssertions
from services.auth.adapters.memory_clients import MemoryClients
from services.auth.adapters.memory_directory import MemoryDirectory
from services.auth.adapters.memory_keys import MemorySigningKeyStore
from services.auth.adapters.sealing import AesSealer
from services.auth.domain.api_keys import AskedKey, NewApiKey
from services.auth.domain.audit import AuditEvent
from services.auth.domain.clients import ClientSettings, NewClient
from services.auth.domain.keys import KeySchedule
from services.auth.domain.tenants import IssuedToken, Tenant
from services.auth.domain.token_requests import ClientProof
from services.auth.service.api_keys import ApiKeyKeeper
from services.auth.service.assertions import AssertionVerifier
from services.auth.service.auth import AuthService
from services.auth.service.authentication import ClientAuthenticator
from services.auth.service.clients import ClientKeeper
from services.auth.service.directory import DirectoryService
from services.auth.service.giving import GivenScopes
from services.auth.service.issuing import TokenIssuer
from services.auth.service.key_uses import KeyUses
from services.auth.service.keyring import Keyring
from tests.support.tokens import AUDIENCE, ISSUER, TRUSTED

__all__ = ["TOKEN_SECONDS", "ListedTrail", "ProgramWorld"]

TOKEN_SECONDS = 600
GIVEN = GivenScopes.of_platform()
ROLES = Roles.declared()


class CountingClients(MemoryClients):
    """Counts the look-ups of clients that are not known yet."""

    lookups = 0

    async def find(self, client_id: str):  # type: ignore[no-untyped-def]
        self.lookups += 1
        return await super().find(client_id)


class ListedTrail:
    """Implements `AuditTrail` with a list."""

    def __init__(self) -> None:
        self.events: list[AuditEvent] = []

    async def record(self, event: AuditEvent) -> None:
        self.events.append(event)


class ProgramWorld:
    """The services with their parts in the open. `boss` has every scope of an owner in the tenant "acme"."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.5
        self.directory = MemoryDirectory()
        self.clients = CountingClients(self.directory)
        self.keys = MemoryApiKeys(self.directory)
        self.used = MemoryAssertions(self.time)
        self.audit = ListedTrail()
        schedule, sealer = KeySchedule(180, 30 * 86_400, 3600), AesSealer(secrets.token_bytes(32))
        self.keyring = Keyring(MemorySigningKeyStore(), sealer, schedule, self.clock)
        self.uses = KeyUses(self.keys, self.time)
        self.authenticator = ClientAuthenticator(
            self.clients.find,
            AssertionVerifier(self.used, [ISSUER, f"{ISSUER}/api/v1/oauth/token"], self.clock),
            self.audit,
            self.time,
        )
        self.service = AuthService(
            authenticator=self.authenticator,
            issuer=TokenIssuer(self.keyring, issuer=ISSUER, audience=AUDIENCE, seconds=TOKEN_SECONDS, clock=self.clock),
            keys=self.keys,
            uses=self.uses,
            directory=self.directory,
            audit=self.audit,
            roles=ROLES,
            clock=self.time,
        )
        self.managed = DirectoryService(self.directory, clock=self.time)
        self.keeper = ClientKeeper(self.clients, GIVEN, token_seconds=TOKEN_SECONDS, clock=self.time)
        self.key_keeper = ApiKeyKeeper(self.keys, GIVEN, token_seconds=TOKEN_SECONDS, clock=self.time)
        self.verifier = TokenVerifier(self.keyring.public_keys, TRUSTED, clock=self.clock)

    async def begin(self) -> None:
        """Makes the keys and the tenant "acme"."""
        await self.keyring.refresh()
        self.tenant: Tenant = await self.managed.create_tenant("acme", "EUR")
        self.boss = Principal(self.tenant.tenant_id, "boss", ROLES.permitted(["owner"]), 100, "EUR")

    def clock(self) -> float:
        return self.now

    def time(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)

    def caller(self, *scopes: str) -> Principal:
        """Returns a caller of the tenant with these scopes alone."""
        return replace(self.boss, scopes=frozenset(scopes))

    async def client(
        self, settings: ClientSettings | None = None, scopes: Sequence[str] = (), caller: Principal | None = None
    ) -> NewClient:
        """Creates a client of the tenant."""
        async with self.clients.begin(self.tenant.tenant_id) as changes:
            return await self.keeper.create(changes, caller or self.boss, settings or ClientSettings(), scopes)

    async def key(
        self,
        scopes: Sequence[str] = (),
        caller: Principal | None = None,
        life: timedelta | None = None,
        name: str = "",
    ) -> NewApiKey:
        """Creates an API key of the tenant."""
        ends = None if life is None else self.time() + life
        async with self.keys.begin(self.tenant.tenant_id) as changes:
            return await self.key_keeper.create(changes, caller or self.boss, AskedKey(name, scopes, 0, ends))

    async def token(self, made: NewClient, scope: str = "") -> IssuedToken:
        """Gets a token for the client with its secret."""
        return await self.service.issue_token(ClientProof(made.client.client_id, made.secret), scope)
