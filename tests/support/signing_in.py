"""An authorization server with its parts in the open, and people who sign in to it."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Awaitable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from meshkit.errors import MeshError
from meshkit.identity.jose import base64url
from meshkit.identity.roles import Roles
from meshkit.identity.tokens import TokenVerifier
from meshkit.ids import uuid7
from services.auth import errors
from services.auth.adapters.memory_consents import MemoryConsents
from services.auth.adapters.memory_factors import MemoryFailureCounts
from services.auth.adapters.memory_keys import MemorySigningKeyStore
from services.auth.adapters.memory_people import PeopleInMemory
from services.auth.adapters.memory_sign_in import (
    MemoryAttempts,
    MemoryDevices,
    MemoryGrants,
    MemoryRevocationLog,
    MemorySeenProofs,
    MemorySessions,
    SignInMemory,
)
from services.auth.adapters.sealing import AesSealer
from services.auth.domain.authorization import AuthorizationParameters
from services.auth.domain.clients import ClientSettings, GrantType
from services.auth.domain.keys import KeySchedule
from services.auth.domain.members import Member, Proven, SecondFactor
from services.auth.domain.oauth_clients import OAuthClient
from services.auth.domain.origins import OriginKeys, SignInOrigin
from services.auth.domain.sign_in import AttemptKey, SignInStep, SignInView
from services.auth.domain.sign_in_input import Browser, GivenPassword
from services.auth.domain.tenants import Tenant
from services.auth.domain.token_answers import GrantedTokens
from services.auth.domain.token_requests import ClientProof, TokenRequest
from services.auth.service.authentication import ClientAuthenticator
from services.auth.service.issuing import TokenIssuer
from services.auth.service.keyring import Keyring
from services.auth.service.oauth.server import AuthorizationServer, ServerPorts, ServerRules
from services.auth.service.people.authentication import Authentication, VouchedAttempt
from services.auth.service.people.guard import AttemptAdmission, AttemptGuard
from tests.support.programs import ListedTrail
from tests.support.provider import FederationParts
from tests.support.tokens import AUDIENCE, ISSUER, TRUSTED

__all__ = [
    "CALLBACK",
    "PASSWORD",
    "SignInWorld",
    "TwinAuthentication",
    "challenge_of",
    "claims_of",
    "query_of",
    "reason_of",
]

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CALLBACK = "https://shop.example/callback?kept=1"
PASSWORD = "correct horse battery"
TOTP = "123456"
RECOVERY = "abcd-efgh"
SECRET = "rcs_secret"
VERIFIER = "v" * 43
SCOPES = frozenset({"case:read", "case:write", "decision:read", "account:read", "account:write"})
SHOP_SCOPES = frozenset({"case:read", "case:write"})
ROLES = Roles({"owner": SCOPES, "viewer": frozenset({"case:read", "decision:read"}), "service": SCOPES})


def challenge_of(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def claims_of(token: str) -> dict[str, Any]:
    """Returns what a token says, without a look at its signature."""
    claims: dict[str, Any] = json.loads(base64url.decode(token.split(".")[1].encode()))
    return claims


def query_of(uri: object) -> dict[str, str]:
    assert isinstance(uri, str), uri
    return dict(parse_qsl(urlsplit(uri).query, strict_parsing=True))


async def reason_of(awaited: Awaitable[Any]) -> str:
    """Returns the reason for which a call is refused."""
    try:
        await awaited
    except MeshError as error:
        return error.reason
    raise AssertionError("the call is not refused")


class TwinAuthentication(Authentication):
    """Proves members in memory, by one password and one code for all."""

    def __init__(self) -> None:
        self.members: dict[str, Member] = {}
        self.tenants: dict[str, Tenant] = {}
        self.has: dict[str, frozenset[SecondFactor]] = {}
        self.required: set[str] = set()
        self.noted: list[str] = []
        self.admitted = 0
        """Attempts that were counted and not taken back."""
        self.throttled = False

    async def check_password(self, tenant: str, email: str, password: str, address: str, device: str = "") -> Proven:
        owner = self.tenants.get(tenant)
        found = [each for each in self.members.values() if owner and each.tenant_id == owner.tenant_id]
        named = [each for each in found if each.email == email and each.may_sign_in]
        if not named or password != PASSWORD:
            raise errors.sign_in_refused()
        return Proven(named[0], frozenset({"pwd"}))

    async def check_totp(self, member_id: str, code: str, address: str, device: str = "") -> Proven:
        return self._coded(member_id, code == TOTP, "otp")

    async def check_recovery_code(self, member_id: str, code: str, address: str, device: str = "") -> Proven:
        return self._coded(member_id, code == RECOVERY, "rc")

    async def begin_passkey(self, tenant_id: str | None, member_id: str | None) -> tuple[str, bytes]:
        return '{"challenge": "x"}', f"{tenant_id}/{member_id}".encode()

    async def finish_passkey(self, state: bytes, response_json: str, address: str, device: str = "") -> Proven:
        return self._coded(response_json, response_json in self.members, "hwk")

    async def factors(self, member: Member) -> frozenset[SecondFactor]:
        return self.has.get(member.member_id, frozenset())

    async def second_factor_required(self, tenant_id: str) -> bool:
        return tenant_id in self.required

    def _coded(self, member_id: str, right: bool, method: str) -> Proven:
        if not right:
            raise errors.sign_in_refused()
        return Proven(self.members[member_id], frozenset({method}))

    async def admit(self, address: str, device: str) -> VouchedAttempt:
        if self.throttled:
            raise errors.sign_in_throttled(1.0)
        self.admitted += 1
        return VouchedAttempt(AttemptAdmission((), frozenset()), SignInOrigin(None, None))

    async def release(self, attempt: VouchedAttempt) -> None:
        self.admitted -= 1

    async def accept(self, attempt: VouchedAttempt, member: Member, *, fully: bool) -> None:
        await self.release(attempt)
        self.noted += [member.member_id] * fully

    async def find_member(self, tenant_id: str, member_id: str) -> Member | None:
        found = self.members.get(member_id)
        return found if found is not None and found.tenant_id == tenant_id else None

    async def find_tenant(self, name: str) -> Tenant | None:
        return self.tenants.get(name)

    async def get_tenant(self, tenant_id: str) -> Tenant | None:
        return next((each for each in self.tenants.values() if each.tenant_id == tenant_id), None)


class TwinRegistry(ClientAuthenticator):
    """Knows clients in memory, all with one secret."""

    def __init__(self) -> None:
        self.clients: dict[str, OAuthClient] = {}

    async def find(self, client_id: str) -> OAuthClient | None:
        return self.clients.get(client_id)

    async def authenticate(self, shown: ClientProof) -> OAuthClient:
        client = self.clients.get(shown.client_id)
        if client is None or shown.secret != ("" if client.public else SECRET):
            raise errors.client_invalid()
        return client


@dataclass
class SignInWorld:
    """A server with one tenant, its people and its programs. Stores are in memory unless others are given."""

    stores: dict[str, Any] = field(default_factory=dict)
    now: datetime = START
    people: TwinAuthentication = field(default_factory=TwinAuthentication)
    registry: TwinRegistry = field(default_factory=TwinRegistry)
    memory: SignInMemory = field(default_factory=SignInMemory)

    def __post_init__(self) -> None:
        self.tenant = self.add_tenant("acme")
        self.ann = self.add_member("ann@acme.example", "owner")
        self.shop = self.add_client("shop-1")
        sealer = AesSealer(secrets.token_bytes(32))
        self.keyring = Keyring(MemorySigningKeyStore(), sealer, KeySchedule(180, 30 * 86_400, 3600), self.seconds)
        self.verifier = TokenVerifier(self.keyring.public_keys, TRUSTED, clock=self.seconds)
        self.trail = ListedTrail()
        self.kept_people = PeopleInMemory(members=self.people.members)
        self.federation = FederationParts(self.kept_people, self.people, self.trail, self.clock)
        self.server = AuthorizationServer(self._ports(), self.rules(), self.clock, self.sleep)

    def rules(self) -> ServerRules:
        return ServerRules(
            issuer=ISSUER,
            audience=AUDIENCE,
            token_seconds=600,
            refresh_key=b"k" * 32,
            user_code_key=b"u" * 32,
            scopes=SCOPES,
            roles=ROLES,
        )

    def _ports(self) -> ServerPorts:
        memory = self.memory
        stores: dict[str, Any] = {
            "attempts": MemoryAttempts(memory),
            "sessions": MemorySessions(memory),
            "consents": MemoryConsents(memory),
            "grants": MemoryGrants(memory),
            "devices": MemoryDevices(memory),
            "proofs": MemorySeenProofs(memory),
            "log": MemoryRevocationLog(memory),
        } | self.stores
        return ServerPorts(
            **stores,
            members=self.people,
            tenants=self.people,
            authenticator=self.registry,
            authentication=self.people,
            guard=AttemptGuard(MemoryFailureCounts(), OriginKeys(b"o" * 32), self.clock),
            verifier=self.verifier,
            keyring=self.keyring,
            issuer=TokenIssuer(self.keyring, issuer=ISSUER, audience=AUDIENCE, seconds=600, clock=self.seconds),
            federation=self.federation.federation,
        )

    def clock(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.wait(seconds=seconds)

    def wait(self, **span: float) -> None:
        self.now += timedelta(**span)

    def add_tenant(self, name: str) -> Tenant:
        tenant = Tenant(str(uuid7()), name, "EUR", START)
        self.people.tenants[name] = tenant
        return tenant

    def add_member(self, email: str, *roles: str, tenant: Tenant | None = None) -> Member:
        owner = tenant or self.tenant
        member = Member(str(uuid7()), owner.tenant_id, email, "A Person", frozenset(roles), START, START,
                        activated_at=START)  # fmt: skip
        self.people.members[member.member_id] = member
        return member

    def change(self, member: Member, **changed: Any) -> Member:
        self.people.members[member.member_id] = after = replace(member, **changed)
        return after

    def add_client(self, client_id: str, **changed: Any) -> OAuthClient:
        tenant_id = changed.pop("tenant_id", self.tenant.tenant_id)
        tenant = next(each for each in self.people.tenants.values() if each.tenant_id == tenant_id)
        defaults = ClientSettings("The Shop", SHOP_SCOPES, grant_types=frozenset(GrantType), redirect_uris=(CALLBACK,))
        client = OAuthClient(client_id, replace(defaults, **changed), tenant)
        self.registry.clients[client_id] = client
        return client

    def asked(self, **changed: Any) -> AuthorizationParameters:
        """Returns the parameters of a good request of the shop."""
        return AuthorizationParameters(
            **{
                "client_id": "shop-1",
                "redirect_uri": CALLBACK,
                "response_type": "code",
                "scope": "case:read",
                "state": "st",
                "code_challenge": challenge_of(VERIFIER),
                "code_challenge_method": "S256",
            }
            | changed
        )

    async def start(self, session: str = "", **changed: Any) -> AttemptKey | str | Any:
        return await self.server.authorizations.start(self.asked(**changed), session)

    async def begin(self, session: str = "", **changed: Any) -> AttemptKey:
        key = await self.start(session, **changed)
        assert isinstance(key, AttemptKey), key
        return key

    async def password(self, key: AttemptKey, email: str = "ann@acme.example", password: str = PASSWORD) -> SignInView:
        return await self.server.sign_in.password(key, GivenPassword("acme", email, password), Browser("192.0.2.1"))

    async def signed_in(self, email: str = "ann@acme.example", **changed: Any) -> SignInView:
        """Signs in and allows what is asked; returns the last view, with the session of the first."""
        key = await self.begin(**changed)
        view = await self.password(key, email)
        if view.step is SignInStep.DONE:
            return view
        return replace(await self.server.sign_in.consent(key, True), session=view.session)

    async def code(self, email: str = "ann@acme.example", **changed: Any) -> str:
        return query_of((await self.signed_in(email, **changed)).redirect_uri)["code"]

    async def grant(self, grant_type: str, client_id: str = "shop-1", **given: Any) -> GrantedTokens:
        client = self.registry.clients.get(client_id)
        proof = ClientProof(client_id, SECRET if client is not None and not client.public else "")
        return await self.server.tokens.grant(TokenRequest(proof, grant_type, **given))

    async def redeem(self, code: str, client_id: str = "shop-1", **changed: Any) -> GrantedTokens:
        given = {"code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER} | changed
        return await self.grant(GrantType.AUTHORIZATION_CODE.value, client_id, **given)

    async def refresh(self, token: str, client_id: str = "shop-1", **given: Any) -> GrantedTokens:
        return await self.grant(GrantType.REFRESH_TOKEN.value, client_id, refresh_token=token, **given)
