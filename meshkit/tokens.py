"""Verification of access tokens: ES256 JWTs of our issuer (RFC 9068, RFC 8725), with keys from its JWKS.

Verified tokens are cached by their SHA-256 for the shorter of their life and a minute; refused ones never are.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from meshkit.context import Principal
from meshkit.errors import Kind, MeshError, unavailable

__all__ = ["KeySource", "TokenVerifier"]

_log = logging.getLogger(__name__)

KeySource = Callable[[], Awaitable[list[dict[str, str]]]]
"""Returns the issuer's current public keys as JWK members; raises MeshError if it cannot be reached."""

MAX_TOKEN_BYTES = 8192
CACHE_SECONDS = 60.0
CACHE_ENTRIES = 20_000
REFRESH_SECONDS = 60.0
REFETCH_FLOOR = 10.0
RETRY_FLOOR = 1.0
LEEWAY = 30.0


class TokenVerifier:
    """Verifies tokens of one issuer for one audience. One per process."""

    def __init__(self, keys: KeySource, *, issuer: str, audience: str, clock: Callable[[], float] = time.time) -> None:
        self._source = keys
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._keys: dict[str, ECKey] = {}
        self._fetched = float("-inf")
        self._attempted = float("-inf")
        self._fetching = asyncio.Lock()
        self._cache: OrderedDict[bytes, tuple[float, Principal]] = OrderedDict()

    def verify_cached(self, token: str) -> Principal | None:
        """Returns the principal of a token verified within the last minute, without waiting."""
        entry = self._cache.get(hashlib.sha256(token.encode()).digest())
        return entry[1] if entry is not None and entry[0] > self._clock() else None

    async def verify(self, token: str) -> Principal:
        """Returns the principal. Raises UNAUTHENTICATED, or UNAVAILABLE while no key was ever fetched."""
        known = self.verify_cached(token)
        if known is not None:
            return known
        if len(token) > MAX_TOKEN_BYTES:
            raise _invalid("is too long")
        header = _header(token)
        claims = self._claims(token, await self._key(header["kid"]))
        self._remember(token, claims)
        return claims[1]

    async def refresh(self) -> None:
        """Fetches the keys if they are a minute old. Failures keep the keys there are."""
        async with self._fetching:
            if self._clock() - self._fetched >= REFRESH_SECONDS:
                await self._fetch()

    @property
    def ready(self) -> bool:
        return bool(self._keys)

    async def _key(self, kid: str) -> ECKey:
        if kid not in self._keys:
            async with self._fetching:
                # Attempts count, not successes: tokens with invented keys must not add load to an issuer in trouble.
                floor = REFETCH_FLOOR if self._keys else RETRY_FLOOR
                if kid not in self._keys and self._clock() - self._attempted >= floor:
                    await self._fetch()
        if not self._keys:
            raise unavailable("auth")
        if kid not in self._keys:
            raise _invalid("was signed with an unknown key")
        return self._keys[kid]

    async def _fetch(self) -> None:
        self._attempted = self._clock()
        try:
            fetched = await self._source()
        except MeshError as error:
            _log.warning("the verification keys cannot be fetched: %s", error.message)
            return
        self._fetched = self._clock()
        self._keys = {jwk["kid"]: ECKey.import_key(dict(jwk)) for jwk in fetched if jwk.get("crv") == "P-256"}

    def _claims(self, token: str, key: ECKey) -> tuple[float, Principal]:
        try:
            claims = json.loads(jws.deserialize_compact(token, key, algorithms=["ES256"]).payload)
        except (JoseError, ValueError) as error:
            raise _invalid("has a wrong signature") from error
        if not isinstance(claims, dict):
            raise _invalid("carries no claims")
        return self._expiry(claims), _principal(claims)

    def _expiry(self, claims: dict[str, Any]) -> float:
        """Checks issuer, audience and times, and returns when the token expires."""
        now = self._clock()
        audience = claims.get("aud")
        if claims.get("iss") != self._issuer:
            raise _invalid("is from another issuer")
        if self._audience not in (audience if isinstance(audience, list) else [audience]):
            raise _invalid("is for another audience")
        if not (isinstance(claims.get("jti"), str) and isinstance(claims.get("sub"), str)):
            raise _invalid("lacks a required claim")
        expiry, issued = _number(claims, "exp"), _number(claims, "iat")
        if expiry <= now:
            raise _invalid("has expired")
        if max(issued, _number(claims, "nbf", issued)) > now + LEEWAY:
            raise _invalid("is not valid yet")
        return expiry

    def _remember(self, token: str, claims: tuple[float, Principal]) -> None:
        expiry, principal = claims
        until = min(expiry, self._clock() + CACHE_SECONDS)
        self._cache[hashlib.sha256(token.encode()).digest()] = (until, principal)
        if len(self._cache) > CACHE_ENTRIES:
            self._cache.popitem(last=False)


def _header(token: str) -> dict[str, Any]:
    """Reads the protected header and refuses everything but what our issuer writes (RFC 8725, section 3)."""
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError) as error:
        raise _invalid("is malformed") from error
    if header.get("alg") != "ES256" or header.get("typ") != "at+jwt":
        raise _invalid("is not an access token")
    if "crit" in header or not isinstance(header.get("kid"), str):
        raise _invalid("has an unusable header")
    return dict(header)


def _principal(claims: dict[str, Any]) -> Principal:
    tenant, client, scope = claims.get("tenant_id"), claims.get("client_id"), claims.get("scope")
    rate, currency = claims.get("rate_limit"), claims.get("currency")
    if not (isinstance(tenant, str) and isinstance(client, str) and isinstance(scope, str)):
        raise _invalid("lacks a required claim")
    if not (isinstance(rate, int) and not isinstance(rate, bool) and isinstance(currency, str)):
        raise _invalid("lacks a required claim")
    return Principal(tenant, client, frozenset(scope.split()), rate, currency)


def _number(claims: dict[str, Any], name: str, default: float | None = None) -> float:
    value = claims.get(name, default)
    # The range also refuses NaN, which no comparison with the time would.
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1e12:
        raise _invalid("lacks a required claim")
    return float(value)


def _invalid(what: str) -> MeshError:
    return MeshError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", f"the access token {what}")
