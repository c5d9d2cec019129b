"""Verifies the assertions by which clients prove who they are (RFC 7523, sections 2.2 and 3: private_key_jwt)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from meshkit.identity.jose.compact import JwsError, JwsKind, read_object
from meshkit.identity.jose.keys import PublicKey
from meshkit.json import JsonError
from services.auth.domain.clients import AuthenticationMethod, Client
from services.auth.ports import UsedAssertions
from services.auth.service.client_keys import ASSERTION_ALGORITHMS, keys_named

__all__ = ["AssertionVerifier"]

MAX_LIFE = 300.0
"""Seconds by which `exp` may be ahead: for so long a used assertion is remembered."""
LEEWAY = 30.0
"""Seconds by which `iat` and `nbf` may be ahead of our clock, and `exp` beyond its longest."""
MAX_JTI = 256

_TYPES = frozenset({"jwt", "client-authentication+jwt"})
_KIND = JwsKind(ASSERTION_ALGORITHMS, _TYPES, typ_required=False, kid_required=False)
# What an assertion of no client is verified with, so that it costs what one of a client does.
_NOBODY = [PublicKey(None, frozenset({"ES256"}), ec.generate_private_key(ec.SECP256R1()).public_key())]


class AssertionVerifier:
    """Tells whether an assertion is a client's. `audiences` are the issuer and its token endpoint."""

    def __init__(self, used: UsedAssertions, audiences: Collection[str], clock: Callable[[], float]) -> None:
        self._used = used
        self._audiences = frozenset(audiences)
        self._clock = clock

    def subject(self, assertion: str) -> str:
        """Returns whom an assertion says that it is of, which is still to be proven; empty if it says nothing."""
        try:
            subject = read_object(_KIND.read(assertion).payload).get("sub")
        except (JwsError, JsonError):
            return ""
        return subject if isinstance(subject, str) else ""

    async def proves(self, assertion: str, client: Client | None) -> bool:
        """Tells whether the client has signed this assertion, for us and for now, and has not shown it before."""
        usable = client is not None and client.settings.method is AuthenticationMethod.PRIVATE_KEY_JWT
        try:
            unverified = _KIND.read(assertion)
            keys = keys_named(client.settings.keys, unverified.kid) if client is not None and usable else []
            payload = unverified.verified(keys or _NOBODY)
            claims = _Claims.read(payload, self._audiences, self._clock())
        except (JwsError, JsonError, _WrongClaimError):
            return False
        if client is None or not keys or claims.subject != client.client_id:
            return False
        until = datetime.fromtimestamp(claims.expiry + LEEWAY, UTC)
        return await self._used.use(client.tenant_id, client.client_id, claims.jti, until)


class _WrongClaimError(Exception):
    """A claim is missing, of another type, or says that the assertion is not for us or not for now."""


@dataclass(frozen=True, slots=True)
class _Claims:
    subject: str
    jti: str
    expiry: float

    @classmethod
    def read(cls, payload: bytes, audiences: Collection[str], now: float) -> _Claims:
        claims = read_object(payload)
        subject, jti = _text(claims, "sub"), _text(claims, "jti")
        if claims.get("iss") != subject or not _for_us(claims.get("aud"), audiences) or len(jti) > MAX_JTI:
            raise _WrongClaimError
        expiry = _time(claims, "exp")
        begun = max(_time(claims, "iat", now), _time(claims, "nbf", now))
        if not now < expiry <= now + MAX_LIFE + LEEWAY or begun > now + LEEWAY:
            raise _WrongClaimError
        return cls(subject, jti, expiry)


def _for_us(audience: Any, ours: Collection[str]) -> bool:
    """Tells whether an assertion is for us and for nobody else, who could show it to us."""
    named = audience if isinstance(audience, list) else [audience]
    return len(named) == 1 and isinstance(named[0], str) and named[0] in ours


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not (isinstance(value, str) and value):
        raise _WrongClaimError
    return value


def _time(claims: Mapping[str, Any], name: str, absent: float | None = None) -> float:
    value = claims.get(name, absent)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise _WrongClaimError
    return float(value)
