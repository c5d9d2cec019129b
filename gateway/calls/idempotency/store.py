"""The port of idempotency stores: claims under way, and answers kept for a while."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["Begun", "Claim", "IdempotencyStore", "KeyStoreUnavailableError", "Known", "StoredAnswer", "Under"]


class KeyStoreUnavailableError(Exception):
    """The store cannot be used now. The message says why, for the log."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to answer a key, held by one request."""

    name: bytes
    """Of the key, 16 bytes."""
    owner: bytes
    """16 random bytes that only the holder knows."""
    fingerprint: bytes
    """Of the request, 16 bytes."""


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What a request was answered."""

    request_id: str
    """Of the exchange in which it was answered first."""
    payload: bytes | None
    """The serialised response or error; None for one too large to be kept."""
    failed: bool = False
    """The payload is a `google.rpc.Status`."""


@dataclass(frozen=True, slots=True)
class Under:
    """A request with the key is under way."""

    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Known:
    """A request with the key has been answered."""

    fingerprint: bytes
    answer: StoredAnswer


Begun = Under | Known | None


class IdempotencyStore(Protocol):
    """Remembers. Each step is atomic; everything may be forgotten early."""

    async def begin(self, claim: Claim, hold: float) -> Begun:
        """Claims a key for `hold` seconds and returns None; or returns what is known of it, which stays as it is.

        Raises KeyStoreUnavailableError.
        """
        ...

    async def settle(self, claim: Claim, answer: StoredAnswer, keep: float) -> None:
        """Replaces a claim by the answer, for `keep` seconds. Nothing happens if the claim is not held any more.

        Raises KeyStoreUnavailableError.
        """
        ...

    async def release(self, claim: Claim) -> None:
        """Gives up a claim, so that the next request is the first. Nothing happens if it is not held any more.

        Raises KeyStoreUnavailableError.
        """
        ...
