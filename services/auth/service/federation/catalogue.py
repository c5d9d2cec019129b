"""Keeps what providers say of themselves, and their keys: fetched when they are old, and never too often."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
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
    turns: asyncio.Lock = field(default_factory=asyncio.Lock)

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
        async with kept.turns:
            now = self._clock()
            if kept.value is not None and now - kept.fetched < LIFE and not anew:
                return kept.value
            if kept.why and now - kept.attempted < REFETCH_FLOOR and not anew:
                raise ProviderFault(kept.why)
            return await kept.fetch(self._document(issuer, whose), self._clock)

    async def keys(self, metadata: ProviderMetadata, token: UnverifiedJws, whose: str) -> Sequence[PublicKey]:
        """Returns the keys that may have signed a token, or none. Raises ProviderFault."""
        kept = self._keys.take(f"{whose} {metadata.jwks_uri}")
        async with kept.turns:
            now = self._clock()
            known = kept.value if kept.value is not None and now - kept.fetched < LIFE else KeySet()
            if found := known.find(token.kid, token.algorithm):
                return found
            if now - kept.attempted >= REFETCH_FLOOR:
                fetched = await kept.fetch(self._key_set(metadata.jwks_uri, whose), self._clock)
                return fetched.find(token.kid, token.algorithm)
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
