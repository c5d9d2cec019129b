"""Stores of idempotency keys for tests: one that can be taken away, and claims to make in it."""

from __future__ import annotations

import secrets

from gateway.calls.idempotency.memory import MemoryIdempotencyStore
from gateway.calls.idempotency.store import Begun, Claim, IdempotencyStore, KeyStoreUnavailableError, StoredAnswer

__all__ = ["UnreliableKeyStore", "new_claim", "retry_of"]


class UnreliableKeyStore:
    """Another store that does not answer while `down`. `steps` counts what was asked of it."""

    def __init__(self, store: IdempotencyStore | None = None) -> None:
        self.store = store or MemoryIdempotencyStore()
        self.down = False
        self.steps = 0

    async def begin(self, claim: Claim, hold: float) -> Begun:
        self._step()
        return await self.store.begin(claim, hold)

    async def settle(self, claim: Claim, answer: StoredAnswer, keep: float) -> None:
        self._step()
        await self.store.settle(claim, answer, keep)

    async def release(self, claim: Claim) -> None:
        self._step()
        await self.store.release(claim)

    def _step(self) -> None:
        self.steps += 1
        if self.down:
            raise KeyStoreUnavailableError("down")


def new_claim() -> Claim:
    return Claim(secrets.token_bytes(16), secrets.token_bytes(16), secrets.token_bytes(16))


def retry_of(claim: Claim) -> Claim:
    """Returns the claim of the same request, sent again."""
    return Claim(claim.name, secrets.token_bytes(16), claim.fingerprint)
