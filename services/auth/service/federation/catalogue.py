"""Keeps what providers say of themselves, and their keys: fetched when they are old, and never too often."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from meshkit.identity.jose.compact import UnverifiedJws
from meshkit.identity.jose.keys import PublicKey
from meshkit.identity.jose.keysets import KeySet, read_keys
from services.auth.domain.provider_metadata import ProviderFault, ProviderMetadata, document_url
from services.auth.ports.identity_providers import ProviderCalls

__all__ = ["ID_TOKEN_ALGORITHMS", "ProviderCatalogue"]

ID_TOKEN_ALGORITHMS = frozenset({"ES256", "RS256", "PS256", "EdDSA", "Ed25519"})
"""Not those with a shared secret, which a public key could be taken for, nor `none`."""
LIFE = 600.0
"""Seconds for which a document or key set counts: for so long a key counts that the provider has taken back."""
REFETCH_FLOOR = 10.0
"""Seconds between fetches for a key that is not there, and after a document that could not be used."""
MOST = 512
"""Providers of which something is kept."""
MOST_WAITING = 32
"""Sign-ins that wait for one fetch."""

_NEVER = float("-inf")

Kept = TypeVar("Kept")


class _Shelf(Generic[Kept]):
    """Keeps the latest things by their names, up to so many."""

    def __init__(self, make: Callable[[], Kept]) -> None:
        self._make = make
        self._kept: dict[str, Kept] = {}

    def take(self, name: str) -> Kept:
        found = self._kept.pop(name, None) or self._make()
        self._kept[name] = found
        while len(self._kept) > MOST:
            del self._kept[next(iter(self._kept))]
        return found


@dataclass(slots=True)
class _Entry(Generic[Kept]):
    """One thing that is fetched, by one at a time."""

    value: Kept | None = None
    fetched: float = _NEVER
    attempted: float = _NEVER
    why: str = ""
    """Why the latest attempt was in vain; empty if it was not."""
    waiting: int = 0
    turns: asyncio.Lock = field(default_factory=asyncio.Lock)

    def known(self, now: float) -> Kept | None:
        """Returns the thing if it is not old."""
        return self.value if now - self.fetched < LIFE else None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Waits until nobody else fetches. Raises ProviderFault where as many wait as may."""
        if self.waiting >= MOST_WAITING:
            raise ProviderFault("busy")
        self.waiting += 1
        try:
            async with self.turns:
                yield
        finally:
            self.waiting -= 1

    async def fetch(self, coming: Awaitable[Kept], clock: Callable[[], float]) -> Kept:
        """Waits for the thing and keeps it. Raises ProviderFault."""
        self.attempted, self.why = clock(), "timeout"
        try:
            self.value = await coming
        except ProviderFault as error:
            # That others ask at this moment says nothing of the provider.
            self.attempted, self.why = (_NEVER, "") if error.why == "busy" else (self.attempted, error.why)
            raise
        self.fetched, self.why = clock(), ""
        return self.value


class ProviderCatalogue:
    """Reads documents and keys of providers. `whose` is the tenant for which it is done."""

    def __init__(self, calls: ProviderCalls, clock: Callable[[], float]) -> None:
        self._calls = calls
        self._clock = clock
        self._documents: _Shelf[_Entry[ProviderMetadata]] = _Shelf(_Entry)
        self._keys: _Shelf[_Entry[KeySet]] = _Shelf(_Entry)

    async def metadata(self, issuer: str, whose: str, *, anew: bool = False) -> ProviderMetadata:
        """Returns what an issuer says of itself; `anew` as it is now. Raises ProviderFault."""
        kept = self._documents.take(f"{whose} {issuer}")
        if not anew and (known := kept.known(self._clock())) is not None:
            return known
        async with kept.turn():
            now = self._clock()
            if not anew and (known := kept.known(now)) is not None:
                return known
            if kept.why and now - kept.attempted < REFETCH_FLOOR and not anew:
                raise ProviderFault(kept.why)
            return await kept.fetch(self._document(issuer, whose), self._clock)

    async def keys(self, metadata: ProviderMetadata, token: UnverifiedJws, whose: str) -> Sequence[PublicKey]:
        """Returns the keys that may have signed a token, or none. Raises ProviderFault."""
        kept = self._keys.take(f"{whose} {metadata.jwks_uri}")
        if found := _fitting(kept.known(self._clock()), token):
            return found
        async with kept.turn():
            now = self._clock()
            if found := _fitting(kept.known(now), token):
                return found
            if now - kept.attempted >= REFETCH_FLOOR:
                return _fitting(await kept.fetch(self._key_set(metadata.jwks_uri, whose), self._clock), token)
            if kept.why:
                raise ProviderFault(kept.why)
            return ()

    async def _document(self, issuer: str, whose: str) -> ProviderMetadata:
        return ProviderMetadata.read(await self._calls.get_object(document_url(issuer), whose), issuer)

    async def _key_set(self, url: str, whose: str) -> KeySet:
        published = (await self._calls.get_object(url, whose)).get("keys")
        if not isinstance(published, list):
            raise ProviderFault("malformed")
        return read_keys(published, ID_TOKEN_ALGORITHMS, kid_required=False, ours=False)


def _fitting(keys: KeySet | None, token: UnverifiedJws) -> Sequence[PublicKey]:
    return keys.find(token.kid, token.algorithm) if keys is not None else ()
