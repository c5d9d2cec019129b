"""Stores idempotency records in memory: the twin of the store in Redis, and its stand-in."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from gateway.calls.idempotency import records
from gateway.calls.idempotency.store import Begun, Claim, StoredAnswer

__all__ = ["MemoryIdempotencyStore"]


class _Entry(NamedTuple):
    record: bytes
    until: float


class MemoryIdempotencyStore:
    """Implements `KeyStore`. The oldest entries go when there are more than `max_entries` or `max_bytes`."""

    def __init__(
        self, *, max_entries: int = 10_000, max_bytes: int = 16 << 20, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._clock = clock
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._bytes = 0

    async def begin(self, claim: Claim, hold: float) -> Begun:
        entry = self._entries.get(claim.name)
        if entry is not None and entry.until > self._clock():
            return records.read(entry.record)
        self._put(claim.name, records.claimed(claim), hold)
        return None

    async def settle(self, claim: Claim, answer: StoredAnswer, keep: float) -> None:
        if self._holds(claim):
            self._put(claim.name, records.settled(claim, answer), keep)

    async def release(self, claim: Claim) -> None:
        if self._holds(claim):
            self._drop(claim.name)

    def _holds(self, claim: Claim) -> bool:
        entry = self._entries.get(claim.name)
        return entry is not None and entry.until > self._clock() and entry.record == records.claimed(claim)

    def _put(self, name: bytes, record: bytes, seconds: float) -> None:
        self._drop(name)
        self._entries[name] = _Entry(record, self._clock() + seconds)
        self._bytes += len(record)
        while self._bytes > self._max_bytes or len(self._entries) > self._max_entries:
            self._drop(next(iter(self._entries)))

    def _drop(self, name: bytes) -> None:
        entry = self._entries.pop(name, None)
        if entry is not None:
            self._bytes -= len(entry.record)
