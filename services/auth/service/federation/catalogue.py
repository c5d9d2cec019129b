"""Keeps what providers say of themselves, and their keys: fetched when they are old, and never too often."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
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
class _Document:
    metadata: ProviderMetadata | None = None
    fetched: float = float("-inf")
    failed: float = float("-inf")
    why: str = ""


@dataclass(slots=True)
class _Keys:
    keys: KeySet = field(default_factory=KeySet)
    fetched: float = float("-inf")
    attempted: float = float("-inf")
    turns: asyncio.Lock = field(default_factory=asyncio.Lock)


class ProviderCatalogue:
    """Reads documents and keys of providers. `whose` is the tenant for which it is done."""

    def __init__(self, calls: ProviderCalls, clock: Callable[[], float]) -> None:
        self._calls = calls
        self._clock = clock
        self._documents: _Shelf[_Document] = _Shelf(_Document)
        self._keys: _Shelf[_Keys] = _Shelf(_Keys)

    async def metadata(self, issuer: str, whose: str, *, anew: bool = False) -> ProviderMetadata:
        """Returns what an issuer says of itself; `anew` as it is now. Raises ProviderFault."""
        kept, now = self._documents.take(f"{whose} {issuer}"), self._clock()
        if kept.metadata is not None and now - kept.fetched < LIFE and not anew:
            return kept.metadata
        if now - kept.failed < REFETCH_FLOOR and not anew:
            raise ProviderFault(kept.why)
        try:
            found = ProviderMetadata.read(await self._calls.get_object(document_url(issuer), whose), issuer)
        except ProviderFault as error:
            # That others ask at this moment says nothing of the provider.
            if error.why != "busy":
                kept.failed, kept.why = self._clock(), error.why
            raise
        kept.metadata, kept.fetched = found, self._clock()
        return found

    async def keys(self, metadata: ProviderMetadata, token: UnverifiedJws, whose: str) -> Sequence[PublicKey]:
        """Returns the keys that may have signed a token, or none. Raises ProviderFault."""
        kept = self._keys.take(f"{whose} {metadata.jwks_uri}")
        async with kept.turns:
            now = self._clock()
            found = kept.keys.find(token.kid, token.algorithm) if now - kept.fetched < LIFE else ()
            if not found and now - kept.attempted >= REFETCH_FLOOR:
                kept.attempted = now
                kept.keys = await self._fetch(metadata.jwks_uri, whose)
                kept.fetched = self._clock()
                found = kept.keys.find(token.kid, token.algorithm)
        return found

    async def _fetch(self, url: str, whose: str) -> KeySet:
        published = (await self._calls.get_object(url, whose)).get("keys")
        if not isinstance(published, list):
            raise ProviderFault("malformed")
        return read_keys(published, ID_TOKEN_ALGORITHMS, kid_required=False, ours=False)
