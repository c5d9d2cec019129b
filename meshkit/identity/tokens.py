"""Verifies access tokens: ES256 JWTs of our issuer (RFC 9068, RFC 8725), with keys from its JWKS.

Verified tokens are cached by their SHA-256 for the shorter of their life and a minute; refused ones never are. That a
token was good once is remembered longer: verifying it again is work for a known caller, not for whoever forges tokens.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from meshkit.context import SYSTEM_TENANT, Principal, Quota
from meshkit.errors import Kind, MeshError, unavailable

__all__ = ["KeySource", "Permit", "TokenVerifier"]

_log = logging.getLogger(__name__)

KeySource = Callable[[], Awaitable[list[dict[str, str]]]]
"""Returns the issuer's current public keys as JWK members; raises MeshError if it cannot be reached."""

Permit = Callable[[], None]
"""Called before any work is done for a token that was never good. Raises MeshError if it is not worth it."""

MAX_TOKEN_BYTES = 8192
CACHE_SECONDS = 60.0
CACHE_ENTRIES = 20_000
REFRESH_SECONDS = 60.0
REFETCH_FLOOR = 10.0
RETRY_FLOOR = 1.0
LEEWAY = 30.0
MAX_RATE = 1_000_000_000


class _Known(NamedTuple):
    """A token that was good once: nobody forged it, whatever became of its key since."""

    until: float
    """When it is to be verified again."""
    expiry: float
    principal: Principal


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
        self._cache: OrderedDict[bytes, _Known] = OrderedDict()

    def verify_cached(self, token: str) -> Principal | None:
        """Returns the principal of a token verified within the last minute, without waiting."""
        known = self._cache.get(hashlib.sha256(token.encode()).digest())
        return known.principal if known is not None and known.until > self._clock() else None

    async def verify(self, token: str, permit: Permit | None = None) -> Principal:
        """Returns the principal. Raises UNAUTHENTICATED, or UNAVAILABLE while no key was ever fetched.

        `permit` can refuse a token that was never good before anything is computed for it. There is no wait between its
        last call and the outcome, so that a count of failures is up to date whenever it is asked.
        """
        known = self._cache.get(hashlib.sha256(token.encode()).digest())
        if known is not None:
            if known.until > self._clock():
                return known.principal
            if known.expiry <= self._clock():
                raise _invalid("has expired")
            permit = None
        if permit is not None:
            permit()
        if len(token) > MAX_TOKEN_BYTES:
            raise _invalid("is too long")
        header = _header(token)
        key = await self._key(header["kid"])
        if permit is not None:
            permit()
        expiry, principal = self._claims(token, key)
        self._remember(token, expiry, principal)
        return principal

    def remaining(self, token: str) -> float:
        """Returns for how many seconds a token that was verified a moment ago is good; 0 for any other."""
        known = self._cache.get(hashlib.sha256(token.encode()).digest())
        return max(0.0, known.expiry - self._clock()) if known is not None else 0.0

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

    def _remember(self, token: str, expiry: float, principal: Principal) -> None:
        name = hashlib.sha256(token.encode()).digest()
        self._cache[name] = _Known(min(expiry, self._clock() + CACHE_SECONDS), expiry, principal)
        self._cache.move_to_end(name)
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
    if tenant == SYSTEM_TENANT:
        raise _invalid("names a reserved tenant")
    quota = _quota(claims.get("quota", {}))
    return Principal(tenant, client, frozenset(scope.split()), rate, currency, claims["sub"], quota)


def _quota(claim: Any) -> Quota:
    """Reads what the clients of a tenant may use together; absent means no limits."""
    if not isinstance(claim, dict):
        raise _invalid("carries an unusable quota")
    classes = claim.get("classes", {})
    if not isinstance(classes, dict):
        raise _invalid("carries an unusable quota")
    return Quota(
        tenant=_rate(claim.get("tenant", 0)),
        user=_rate(claim.get("user", 0)),
        classes=tuple((name, _rate(classes[name])) for name in sorted(classes)),
    )


def _rate(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_RATE:
        raise _invalid("carries an unusable quota")
    return value


def _number(claims: dict[str, Any], name: str, default: float | None = None) -> float:
    value = claims.get(name, default)
    # The range also refuses NaN, which no comparison with the time would.
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1e12:
        raise _invalid("lacks a required claim")
    return float(value)


def _invalid(what: str) -> MeshError:
    return MeshError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", f"the access token {what}")
