"""Verifies access tokens: ES256 JWTs of our issuer (RFC 9068, RFC 8725), with keys from its JWKS.

Verified tokens are cached by their SHA-256 for the shorter of their life and a minute; refused ones never are. That a
token was good once is remembered longer: verifying it again is work for a known caller, not for whoever forges tokens.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from meshkit.context import Principal
from meshkit.errors import MeshError, unavailable
from meshkit.identity.claims import TrustedIssuer, check_times, read_principal, token_invalid
from meshkit.identity.jose.compact import extract, read_claims
from meshkit.identity.jwks import ALGORITHM, VerificationKeys, read_keys

__all__ = ["KeySource", "Permit", "TokenVerifier"]

_log = logging.getLogger(__name__)

KeySource = Callable[[], Awaitable[Sequence[Mapping[str, Any]]]]
"""Returns the issuer's current public keys as JWK members; raises MeshError if it cannot be reached."""

Permit = Callable[[], None]
"""Called before any work is done for a token that was never good. Raises MeshError if it is not worth it."""

MAX_TOKEN_BYTES = 8192
CACHE_SECONDS = 60.0
CACHE_ENTRIES = 20_000
REFRESH_SECONDS = 60.0
REFETCH_FLOOR = 10.0
RETRY_FLOOR = 1.0


class _Known(NamedTuple):
    """A token that was good once: nobody forged it, whatever became of its key since."""

    until: float
    """When it is to be verified again."""
    expiry: float
    principal: Principal


class TokenVerifier:
    """Verifies tokens of one issuer. One per process."""

    def __init__(self, keys: KeySource, trusted: TrustedIssuer, *, clock: Callable[[], float] = time.time) -> None:
        self._source = keys
        self._trusted = trusted
        self._clock = clock
        self._keys: VerificationKeys = {}
        self._fetched = float("-inf")
        self._attempted = float("-inf")
        self._fetching = asyncio.Lock()
        self._fetch_under_way: asyncio.Task[None] | None = None
        self._cache: OrderedDict[bytes, _Known] = OrderedDict()

    def verify_cached(self, token: str) -> Principal | None:
        """Returns the principal of a token verified within the last minute, without waiting."""
        known = self._cache.get(_name(token))
        return known.principal if known is not None and known.until > self._clock() else None

    async def verify(self, token: str, permit: Permit | None = None) -> Principal:
        """Returns the principal. Raises UNAUTHENTICATED, UNAVAILABLE while there is no usable key, and nothing else.

        `permit` can refuse a token that was never good before anything is computed for it. There is no wait between its
        last call and the outcome, so that a count of failures is up to date whenever it is asked.
        """
        known = self._cache.get(_name(token))
        if known is not None:
            if known.until > self._clock():
                return known.principal
            if known.expiry <= self._clock():
                raise token_invalid("has expired")
            permit = None
        if permit is not None:
            permit()
        if len(token) > MAX_TOKEN_BYTES:
            raise token_invalid("is too long")
        signed, kid = extract(token)
        keys = await self._keys_of(kid)
        if permit is not None:
            permit()
        expiry, principal = self._claims(signed, keys)
        self._remember(token, expiry, principal)
        return principal

    def remaining(self, token: str) -> float:
        """Returns for how many seconds a token that was verified a moment ago is good; 0 for any other."""
        known = self._cache.get(_name(token))
        return max(0.0, known.expiry - self._clock()) if known is not None else 0.0

    async def refresh(self) -> None:
        """Fetches the keys if they are a minute old. Failures keep the keys there are."""
        async with self._fetching:
            if self._clock() - self._fetched >= REFRESH_SECONDS:
                await self._fetch()

    @property
    def ready(self) -> bool:
        return bool(self._keys)

    async def _keys_of(self, kid: str) -> Sequence[ECKey]:
        if kid not in self._keys:
            async with self._fetching:
                # Attempts count, not successes: tokens with invented keys must not add load to an issuer in trouble.
                floor = REFETCH_FLOOR if self._keys else RETRY_FLOOR
                if self._fetch_under_way is not None or (
                    kid not in self._keys and self._clock() - self._attempted >= floor
                ):
                    await self._fetch()
        if not self._keys:
            raise unavailable("auth")
        if kid not in self._keys:
            raise token_invalid("was signed with an unknown key")
        return self._keys[kid]

    async def _fetch(self) -> None:
        """Fetches for all who wait: the deadline of the one that began it ends its own wait alone."""
        if self._fetch_under_way is None:
            self._fetch_under_way = asyncio.create_task(self._fetch_now())
        await asyncio.shield(self._fetch_under_way)

    async def _fetch_now(self) -> None:
        try:
            await self._fetch_keys()
        finally:
            self._fetch_under_way = None

    async def _fetch_keys(self) -> None:
        """Fetches the keys. A set without one that can be used is taken at its word: nothing verifies any more."""
        self._attempted = self._clock()
        try:
            self._keys = read_keys(await self._source())
        except MeshError as error:
            _log.warning("the verification keys cannot be fetched: %s", error.message)
            return
        except Exception:
            _log.exception("the verification keys cannot be fetched")
            return
        if self._keys:
            self._fetched = self._clock()
        else:
            _log.error("the issuer publishes no usable verification key: no access token can be verified")

    def _claims(self, signed: jws.CompactSignature, keys: Sequence[ECKey]) -> tuple[float, Principal]:
        """Returns the expiry and the principal of a token that one of the keys has signed."""
        if not any(_signs(key, signed) for key in keys):
            raise token_invalid("has a wrong signature")
        claims = read_claims(signed.payload)
        return check_times(claims, self._clock()), read_principal(claims, self._trusted)

    def _remember(self, token: str, expiry: float, principal: Principal) -> None:
        name = _name(token)
        self._cache[name] = _Known(min(expiry, self._clock() + CACHE_SECONDS), expiry, principal)
        self._cache.move_to_end(name)
        if len(self._cache) > CACHE_ENTRIES:
            self._cache.popitem(last=False)


def _name(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


def _signs(key: ECKey, signed: jws.CompactSignature) -> bool:
    try:
        return jws.validate_compact(signed, key, algorithms=[ALGORITHM])
    except (JoseError, ValueError):
        return False
