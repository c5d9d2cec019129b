"""Falls back from the shared idempotency store to that of the process while the first cannot be reached."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from prometheus_client import Counter

from gateway.calls.idempotency.store import Begun, Claim, IdempotencyStore, KeyStoreUnavailableError, StoredAnswer

__all__ = ["FallbackIdempotencyStore"]

_log = logging.getLogger(__name__)
_unavailable = Counter("idempotency_store_unavailable", "Steps that the shared store of keys did not take.", ["reason"])

PAUSE_SECONDS = 1.0
"""After a failure the shared store is left alone for this long, so that one that hangs costs one timeout a second."""


class FallbackIdempotencyStore:
    """Implements `KeyStore` and never raises. `own` serialises what reaches this process; the services do the rest."""

    def __init__(
        self, shared: IdempotencyStore, own: IdempotencyStore, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._shared = shared
        self._own = own
        self._clock = clock
        self._paused_until = 0.0

    async def begin(self, claim: Claim, hold: float) -> Begun:
        if self._usable():
            try:
                return await self._shared.begin(claim, hold)
            except KeyStoreUnavailableError as error:
                self._pause(error)
        return await self._own.begin(claim, hold)

    async def settle(self, claim: Claim, answer: StoredAnswer, keep: float) -> None:
        # One of the two holds the claim; for the other this means nothing.
        await self._own.settle(claim, answer, keep)
        if self._usable():
            try:
                await self._shared.settle(claim, answer, keep)
            except KeyStoreUnavailableError as error:
                self._pause(error)

    async def release(self, claim: Claim) -> None:
        await self._own.release(claim)
        if self._usable():
            try:
                await self._shared.release(claim)
            except KeyStoreUnavailableError as error:
                self._pause(error)

    def _usable(self) -> bool:
        if self._clock() >= self._paused_until:
            return True
        _unavailable.labels("paused").inc()
        return False

    def _pause(self, error: KeyStoreUnavailableError) -> None:
        self._paused_until = self._clock() + PAUSE_SECONDS
        _unavailable.labels("failed").inc()
        _log.warning("keys are remembered in this process only: %s", error)
