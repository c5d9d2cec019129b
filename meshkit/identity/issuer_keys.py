"""Keeps the keys that an issuer signs with: fetched when they are old or one is missing, and never too often."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from meshkit.errors import MeshError, unavailable
from meshkit.identity.jose.keys import PublicKey
from meshkit.identity.jose.keysets import KeySet, read_keys

__all__ = ["REFRESH_SECONDS", "IssuerKeys", "KeySource"]

_log = logging.getLogger(__name__)

KeySource = Callable[[], Awaitable[Sequence[Mapping[str, Any]]]]
"""Returns the issuer's current public keys as JWK members; raises MeshError if it cannot be reached."""

REFRESH_SECONDS = 60.0
REFETCH_FLOOR = 10.0
RETRY_FLOOR = 1.0


class IssuerKeys:
    """The keys of one issuer, for certain algorithms."""

    def __init__(self, source: KeySource, algorithms: Collection[str], clock: Callable[[], float]) -> None:
        self._source = source
        self._algorithms = algorithms
        self._clock = clock
        self._keys = KeySet()
        self._fetched = float("-inf")
        self._attempted = float("-inf")
        self._fetching = asyncio.Lock()
        self._fetch_under_way: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._keys)

    async def find(self, kid: str, algorithm: str) -> Sequence[PublicKey]:
        """Returns the keys of a name, or none. Raises UNAVAILABLE while the issuer has no key at all that is known."""
        if not (found := self._keys.find(kid, algorithm)):
            async with self._fetching:
                found = self._keys.find(kid, algorithm)
                # Attempts count, not successes: tokens with invented keys must not add load to an issuer in trouble.
                floor = REFETCH_FLOOR if self._keys else RETRY_FLOOR
                if self._fetch_under_way is not None or (not found and self._clock() - self._attempted >= floor):
                    await self._fetch()
                    found = self._keys.find(kid, algorithm)
        if not self._keys:
            raise unavailable("auth")
        return found

    async def refresh(self) -> None:
        """Fetches the keys if they are a minute old. Failures keep the keys there are."""
        async with self._fetching:
            if self._clock() - self._fetched >= REFRESH_SECONDS:
                await self._fetch()

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
            self._keys = read_keys(await self._source(), self._algorithms)
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
