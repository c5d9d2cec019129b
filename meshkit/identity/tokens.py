"""Verifies access tokens: ES256 JWTs of one issuer (RFC 9068, RFC 8725), with keys from its JWKS.

size → segments, header → keys → signature → claims → revocations

Verified tokens are cached by their SHA-256 for the shorter of their life and a minute; refused ones never are. That a
token was good once is remembered longer: verifying it again is work for a known caller, not for whoever forges tokens.
A cached token is compared with the revocations once after each of their changes: one number tells that there were any.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from meshkit.context import Principal
from meshkit.identity.claims import TrustedIssuer, check_times, read_principal, token_invalid
from meshkit.identity.issuer_keys import REFRESH_SECONDS, IssuerKeys, KeySource
from meshkit.identity.jose.compact import JwsError, JwsKind, UnverifiedJws, read_object
from meshkit.identity.jose.keys import PublicKey
from meshkit.identity.revocations import Revocations, token_revoked

__all__ = ["ACCESS_TOKEN", "REFRESH_SECONDS", "KeySource", "Permit", "TokenVerifier"]

ACCESS_TOKEN = JwsKind(algorithms=frozenset({"ES256"}), types=frozenset({"at+jwt"}))
"""RFC 9068, section 2.1."""

Permit = Callable[[], None]
"""Called before any work is done for a token that was never good. Raises MeshError if it is not worth it."""

CACHE_SECONDS = 60.0
CACHE_ENTRIES = 20_000


class _Known(NamedTuple):
    """A token that was good once: nobody forged it, whatever became of its key since."""

    until: float
    """When it is to be verified again."""
    expiry: float
    principal: Principal
    version: int
    """Of the revocations that it was last compared with; -1 for those that have refused it."""


class TokenVerifier:
    """Verifies tokens of one issuer. One per process, and so are the revocations that it goes by."""

    def __init__(
        self,
        keys: KeySource,
        trusted: TrustedIssuer,
        *,
        revocations: Revocations | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = IssuerKeys(keys, ACCESS_TOKEN.algorithms, clock)
        self._trusted = trusted
        self._clock = clock
        self._cache: OrderedDict[bytes, _Known] = OrderedDict()
        self.revocations = revocations if revocations is not None else Revocations(clock=clock)

    def verify_cached(self, token: str) -> Principal | None:
        """Returns the principal of a token verified within the last minute and not revoked, without waiting."""
        return self._find(_name(token))

    async def verify(self, token: str, permit: Permit | None = None) -> Principal:
        """Returns the principal. Raises UNAUTHENTICATED, UNAVAILABLE while there is no usable key, and nothing else.

        `permit` can refuse a token that was never good before anything is computed for it. There is no wait between its
        last call and the outcome, so that a count of failures is up to date whenever it is asked.
        """
        name = _name(token)
        if (found := self._find(name)) is not None:
            return found
        if (known := self._cache.get(name)) is not None:
            self._check_known(known)
            permit = None
        if permit is not None:
            permit()
        unverified, kid = _take_apart(token)
        keys = await self._keys.find(kid, unverified.algorithm)
        if permit is not None:
            permit()
        if not keys:
            raise token_invalid("was signed with an unknown key")
        expiry, principal = self._read(unverified, keys)
        return self._remember(name, expiry, principal)

    def remaining(self, token: str) -> float:
        """Returns for how many seconds a token that was verified a moment ago is good; 0 for any other."""
        known = self._cache.get(_name(token))
        return max(0.0, known.expiry - self._clock()) if known is not None else 0.0

    async def refresh(self) -> None:
        """Fetches the keys if they are a minute old. Failures keep the keys there are."""
        await self._keys.refresh()

    @property
    def ready(self) -> bool:
        """Whether there is a usable key, and what is revoked has been told."""
        return len(self._keys) > 0 and self.revocations.ready

    def _read(self, unverified: UnverifiedJws, keys: Sequence[PublicKey]) -> tuple[float, Principal]:
        """Returns the expiry and the principal of a token that one of the keys has signed."""
        try:
            payload = unverified.verified(keys)
        except JwsError as error:
            raise token_invalid(str(error)) from error
        claims = _claims(payload)
        return check_times(claims, self._clock()), read_principal(claims, self._trusted)

    def _find(self, name: bytes) -> Principal | None:
        known = self._cache.get(name)
        if known is None or known.until <= self._clock():
            return None
        if known.version != self.revocations.version:
            if self.revocations.refuses(known.principal):
                return None
            self._cache[name] = known._replace(version=self.revocations.version)
        return known.principal

    def _check_known(self, known: _Known) -> None:
        """Refuses a token that was good once and cannot be again, for the price of a look-up."""
        if known.expiry <= self._clock():
            raise token_invalid("has expired")
        if self.revocations.refuses(known.principal):
            raise token_revoked()

    def _remember(self, name: bytes, expiry: float, principal: Principal) -> Principal:
        """Returns the principal of a good token. Raises TOKEN_REVOKED."""
        revoked = self.revocations.refuses(principal)
        version = -1 if revoked else self.revocations.version
        self._cache[name] = _Known(min(expiry, self._clock() + CACHE_SECONDS), expiry, principal, version)
        self._cache.move_to_end(name)
        if len(self._cache) > CACHE_ENTRIES:
            self._cache.popitem(last=False)
        if revoked:
            raise token_revoked()
        return principal


def _take_apart(token: str) -> tuple[UnverifiedJws, str]:
    try:
        unverified = ACCESS_TOKEN.read(token)
    except JwsError as error:
        raise token_invalid(str(error)) from error
    assert unverified.kid is not None, "an access token has one"
    return unverified, unverified.kid


def _claims(payload: bytes) -> Mapping[str, Any]:
    try:
        return read_object(payload)
    except ValueError as error:
        raise token_invalid("carries no claims") from error


def _name(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
