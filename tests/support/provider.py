"""Another OpenID provider, as it should be or as hostile as a test wants it."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from meshkit.context import Principal
from meshkit.identity.roles import Roles
from services.auth.adapters.memory_identity_providers import MemoryIdentityProviders
from services.auth.adapters.memory_people import MemoryMembers, PeopleInMemory
from services.auth.adapters.sealing import AesSealer
from services.auth.domain.federation import ProviderAnswer
from services.auth.domain.identity_providers import GivenProvider, IdentityProvider, SecretMethod
from services.auth.domain.pkce import challenge_of
from services.auth.domain.provider_metadata import ProviderFault
from services.auth.ports import AuditTrail
from services.auth.ports.sign_in import TenantReader
from services.auth.service.federation.accounts import LinkedAccounts
from services.auth.service.federation.catalogue import ProviderCatalogue
from services.auth.service.federation.providers import IdentityProviders
from services.auth.service.federation.sealing import FederationSeals
from services.auth.service.federation.signing_in import Federation
from services.auth.service.federation.tokens import ProviderTokens
from tests.support.signers import signer
from tests.support.tokens import encode

__all__ = ["PROVIDER", "REDIRECT_URI", "SECRET", "FederationParts", "ProviderTwin", "given_provider", "half_hash"]

PROVIDER = "https://id.example/realms/staff"
CLIENT = "rampart"
SECRET = "kept: by the provider & us"
CALLBACK = "https://rampart.example/sign-in/callback"
REDIRECT_URI = f"{CALLBACK}/acme"
ACCESS_TOKEN = "opaque"


def given_provider(**changed: Any) -> GivenProvider:
    """Returns what a caller sets."""
    values: dict[str, Any] = {
        "issuer": PROVIDER, "client_id": CLIENT, "client_secret": SECRET, "method": SecretMethod.BASIC,
        "display_name": "Acme ID", "domains": frozenset({"acme.example"}), "roles": frozenset(),
        "email_trusted": False, "second_factor_trusted": False, "required": False,
    }  # fmt: skip
    return GivenProvider(**values | changed)


def half_hash(token: str, digest: str = "sha256") -> str:
    whole = hashlib.new(digest, token.encode()).digest()
    return encode(whole[: len(whole) // 2])


@dataclass
class ProviderTwin:
    """Implements `ProviderCalls` by a provider in memory, which signs whatever `claims` say."""

    clock: Callable[[], float]
    document: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    """Changes of the ID token; None leaves a claim out."""
    userinfo: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "ES256"
    kid: str = "key-1"
    published: list[dict[str, Any]] | None = None
    """The key set; None for the key that signs."""
    access_token: str = ACCESS_TOKEN
    forged: str = ""
    """An ID token in place of the own one."""
    fault: str = ""
    """Why nothing is answered any more."""
    refusal: tuple[int, dict[str, Any]] | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Addresses, and for whom."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.document = {
            "issuer": PROVIDER,
            "authorization_endpoint": f"{PROVIDER}/authorize",
            "token_endpoint": f"{PROVIDER}/token",
            "jwks_uri": f"{PROVIDER}/keys",
            "userinfo_endpoint": f"{PROVIDER}/userinfo",
            "authorization_response_iss_parameter_supported": True,
        } | self.document

    def answer(self, address: str, **changed: str) -> ProviderAnswer:
        """Signs in whoever comes by an authorization request, and returns what the browser brings back."""
        asked = dict(parse_qsl(urlsplit(address).query, strict_parsing=True))
        callback, _, tenant = asked["redirect_uri"].rpartition("/")
        assert callback == CALLBACK and asked["scope"] == "openid email profile"
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        return ProviderAnswer(
            **{"code": code, "state": asked["state"], "iss": PROVIDER, "error": "", "tenant": tenant} | changed
        )

    async def get_object(self, url: str, whose: str, token: str = "") -> Mapping[str, Any]:
        self._heard(url, whose)
        if url == f"{PROVIDER}/.well-known/openid-configuration":
            return self.document
        if url == f"{PROVIDER}/keys":
            own = [signer(self.algorithm).jwk | {"kid": self.kid}]
            return {"keys": own if self.published is None else self.published}
        assert url == f"{PROVIDER}/userinfo" and token == self.access_token, url
        return self.userinfo

    async def post_form(
        self, url: str, whose: str, fields: Mapping[str, str], authorization: str = ""
    ) -> tuple[int, Mapping[str, Any]]:
        self._heard(url, whose)
        if self.refusal is not None:
            return self.refusal
        asked = self.codes.pop(fields["code"], None)
        if asked is None or challenge_of(fields["code_verifier"]) != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        if not self._proven(fields, authorization):
            return 401, {"error": "invalid_client"}
        return 200, {"access_token": self.access_token, "id_token": self.forged or self.id_token(asked["nonce"])}

    def id_token(self, nonce: str) -> str:
        now = int(self.clock())
        claims = {
            "iss": PROVIDER, "aud": CLIENT, "sub": "sub-ann", "nonce": nonce, "iat": now, "exp": now + 300,
            "auth_time": now, "email": "ann@acme.example", "email_verified": True, "name": "Ann",
            "at_hash": half_hash(self.access_token),
        }  # fmt: skip
        told = {name: value for name, value in (claims | self.claims).items() if value is not None}
        header = {"alg": self.algorithm, "kid": self.kid} | self.header
        return signer(self.algorithm).sign(header, json.dumps(told).encode())

    def _heard(self, url: str, whose: str) -> None:
        self.asked.append((url, whose))
        if self.fault:
            raise ProviderFault(self.fault)

    def _proven(self, fields: Mapping[str, str], authorization: str) -> bool:
        if not authorization:
            return (fields["client_id"], fields["client_secret"]) == (CLIENT, SECRET)
        pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        return pair == "rampart:kept%3A+by+the+provider+%26+us"


class FederationParts:
    """The use cases of tenants' own providers, on a provider of the test's."""

    def __init__(
        self, people: PeopleInMemory, tenants: TenantReader, trail: AuditTrail, clock: Callable[[], datetime]
    ) -> None:
        self.roles = Roles.declared()
        self.outside = ProviderTwin(lambda: clock().timestamp())
        self.store, self.seals = MemoryIdentityProviders(people), FederationSeals(AesSealer(b"f" * 32))
        self.catalogue = ProviderCatalogue(self.outside, lambda: clock().timestamp())
        members = MemoryMembers(people)
        self.providers = IdentityProviders(
            self.store,
            members,
            tenants,
            self.catalogue,
            self.seals,
            roles=self.roles,
            callback=CALLBACK,
            clock=clock,
        )
        self.federation = Federation(
            store=self.store,
            tenants=tenants,
            catalogue=self.catalogue,
            tokens=ProviderTokens(self.outside, self.catalogue),
            accounts=LinkedAccounts(self.store, self.outside, clock),
            seals=self.seals,
            trail=trail,
            callback=CALLBACK,
            clock=clock,
        )

    def caller(self, tenant_id: str, *roles: str) -> Principal:
        """Returns a caller who may do what the roles may."""
        return Principal(
            tenant_id,
            "rampart-cli",
            self.roles.permitted(roles),
            100,
            "EUR",
            subject="operator",
            roles=frozenset(roles),
        )

    async def set(self, tenant_id: str, **changed: Any) -> IdentityProvider:
        """Sets the provider of a tenant, as an owner of it."""
        return await self.providers.set(self.caller(tenant_id, "owner"), given_provider(**changed))
