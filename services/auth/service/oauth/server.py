"""Puts the authorization server together from its ports."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from meshkit.identity.roles import Roles
from meshkit.identity.scopes import Scopes
from meshkit.identity.tokens import TokenVerifier
from services.auth.domain.devices import user_code_hash
from services.auth.domain.grants import RefreshLimits
from services.auth.domain.oauth_clients import platform_clients
from services.auth.domain.sessions import SessionLimits
from services.auth.ports.grants import DeviceStore, GrantStore, RevocationLog, SeenProofs
from services.auth.ports.sign_in import AttemptStore, ConsentStore, MemberReader, SessionStore, TenantReader
from services.auth.service.authentication import ClientAuthenticator
from services.auth.service.federation.signing_in import Federation
from services.auth.service.issuing import TokenIssuer
from services.auth.service.keyring import Keyring
from services.auth.service.oauth.account import AccountSessions
from services.auth.service.oauth.attempts import SignInAttempts
from services.auth.service.oauth.authorizations import Authorizations
from services.auth.service.oauth.clients import OAuthClients
from services.auth.service.oauth.code_grant import CodeGrant
from services.auth.service.oauth.consents import Consents
from services.auth.service.oauth.device_grant import DeviceGrant
from services.auth.service.oauth.enrolment import Enrolment
from services.auth.service.oauth.granting import Granting
from services.auth.service.oauth.identity_tokens import IdentityTokens
from services.auth.service.oauth.introspection import Introspection
from services.auth.service.oauth.people import UserInfo
from services.auth.service.oauth.proofs import Proofs
from services.auth.service.oauth.refresh_grant import RefreshGrant
from services.auth.service.oauth.revocation import TokenRevocation
from services.auth.service.oauth.sessions import SessionKeeper
from services.auth.service.oauth.settling import Settling
from services.auth.service.oauth.sign_in import SignIn
from services.auth.service.oauth.tokens import TokenEndpoint
from services.auth.service.oauth.views import SignInViews
from services.auth.service.people.authentication import Authentication
from services.auth.service.people.guard import AttemptGuard
from services.auth.service.programs import ProgramGrant

__all__ = ["AuthorizationServer", "ServerPorts", "ServerRules"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPorts:
    """What the authorization server needs from outside."""

    attempts: AttemptStore
    sessions: SessionStore
    consents: ConsentStore
    grants: GrantStore
    devices: DeviceStore
    proofs: SeenProofs
    log: RevocationLog
    members: MemberReader
    tenants: TenantReader
    authenticator: ClientAuthenticator
    authentication: Authentication
    guard: AttemptGuard
    verifier: TokenVerifier
    keyring: Keyring
    issuer: TokenIssuer
    federation: Federation


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRules:
    """By what the authorization server goes."""

    issuer: str
    audience: str
    token_seconds: int
    """Life of an access token."""
    refresh_key: bytes = field(repr=False)
    """Proves refresh tokens; a grant has a seed besides."""
    user_code_key: bytes = field(repr=False)
    """Hashes what people type for a device."""
    sessions: SessionLimits = field(default_factory=SessionLimits)
    refreshes: RefreshLimits = field(default_factory=RefreshLimits)
    scopes: frozenset[str] = field(default_factory=lambda: Scopes.declared_by_methods().declared)
    roles: Roles = field(default_factory=Roles.declared)

    @property
    def token_life(self) -> timedelta:
        return timedelta(seconds=self.token_seconds)


class AuthorizationServer:
    """The use cases of signing in and of OAuth, put together."""

    def __init__(
        self,
        ports: ServerPorts,
        rules: ServerRules,
        clock: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._ports, self._rules, self._clock = ports, rules, clock
        self._settling = Settling(clock, sleep)
        issuer = ports.issuer
        self._user_code_hash = partial(user_code_hash, key=rules.user_code_key)
        self._clients = OAuthClients(ports.authenticator, platform_clients(rules.scopes))
        self._proofs = Proofs(ports.proofs, clock)
        self._granting = self._make_granting(issuer)
        self._make_sign_in()
        self._make_tokens(issuer)
        self.account = AccountSessions(
            sessions=self._keeper,
            grants=ports.grants,
            consents=ports.consents,
            granting=self._granting,
            clients=self._clients,
            tenants=ports.tenants,
            issuer=issuer,
            settling=self._settling,
            roles=rules.roles,
            clock=clock,
        )

    def _make_granting(self, issuer: TokenIssuer) -> Granting:
        ports, rules = self._ports, self._rules
        return Granting(
            issuer=issuer,
            identities=IdentityTokens(ports.keyring, rules.issuer, self._clock),
            members=ports.members,
            tenants=ports.tenants,
            roles=rules.roles,
            limits=rules.refreshes,
            token_life=rules.token_life,
            key=rules.refresh_key,
            settling=self._settling,
            clock=self._clock,
        )

    def _make_sign_in(self) -> None:
        ports, rules, clock = self._ports, self._rules, self._clock
        self._keeper = SessionKeeper(
            ports.sessions, ports.members, limits=rules.sessions, token_life=rules.token_life, clock=clock
        )
        attempts, enrolment = SignInAttempts(ports.attempts, clock), Enrolment(ports.authentication)
        consents = Consents(
            ports.grants,
            ports.devices,
            ports.consents,
            roles=rules.roles,
            issuer=rules.issuer,
            user_code_hash=self._user_code_hash,
            clock=clock,
        )
        self.authorizations = Authorizations(
            clients=self._clients,
            tenants=ports.tenants,
            sessions=self._keeper,
            attempts=attempts,
            consents=consents,
            enrolment=enrolment,
            clock=clock,
        )
        self.sign_in = SignIn(
            authentication=ports.authentication,
            guard=ports.guard,
            tenants=ports.tenants,
            sessions=self._keeper,
            attempts=attempts,
            consents=consents,
            enrolment=enrolment,
            views=self._views(consents),
            federation=ports.federation,
        )

    def _views(self, consents: Consents) -> SignInViews:
        ports = self._ports
        return SignInViews(
            authentication=ports.authentication,
            clients=self._clients,
            tenants=ports.tenants,
            members=ports.members,
            consents=consents,
            provider=ports.federation.name,
        )

    def _make_tokens(self, issuer: TokenIssuer) -> None:
        ports, rules, clock = self._ports, self._rules, self._clock
        refreshes = RefreshGrant(ports.grants, self._granting, self._keeper, key=rules.refresh_key, clock=clock)
        self.devices = DeviceGrant(
            ports.devices, self._clients, self._granting, user_code_hash=self._user_code_hash, clock=clock
        )
        self.tokens = TokenEndpoint(
            clients=self._clients,
            programs=ProgramGrant(issuer),
            codes=CodeGrant(ports.grants, self._granting, self._keeper, clock),
            refreshes=refreshes,
            devices=self.devices,
            proofs=self._proofs,
        )
        self.introspection = Introspection(
            clients=self._clients,
            verifier=ports.verifier,
            grants=ports.grants,
            refreshes=refreshes,
            issuer=rules.issuer,
            audience=rules.audience,
            clock=clock,
        )
        self.revocation = TokenRevocation(
            clients=self._clients,
            verifier=ports.verifier,
            grants=ports.grants,
            refreshes=refreshes,
            log=ports.log,
            token_life=rules.token_life,
            clock=clock,
        )
        self.userinfo = UserInfo(
            verifier=ports.verifier, grants=ports.grants, granting=self._granting, proofs=self._proofs
        )
