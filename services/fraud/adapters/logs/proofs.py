"""Knows of which streams all history is in the logs.

A stream is whole once it was swept: what had happened before was put into its logs. A log that began before the end of
that holds everything. One that is not there was never written, until Redis evicts or loses anything: the script of each
batch compares the proof of that with what is true in that moment.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from contextvars import Context
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.fraud.adapters.logs.names import WHOLE, stream_field
from services.fraud.adapters.logs.scripts import LogScripts
from services.fraud.ports import Stream

__all__ = ["StreamProofs"]

ASK_SECONDS = 1.0
STREAMS = 50_000


class _Swept(NamedTuple):
    """What is kept of a sweep."""

    proof: bytes
    """Epoch and evictions, which were the same from its beginning to its end."""
    until: int
    """When it ended (Unix seconds, by the clock of Redis)."""


class StreamProofs:
    """The proofs that this process knows. What it does not know it asks for once a second, beside the batches."""

    def __init__(self, redis: Redis, scripts: LogScripts) -> None:
        self._redis = redis
        self._scripts = scripts
        self._known: dict[Stream, _Swept] = {}
        self._asked: dict[Stream, float] = {}
        self._learning: asyncio.Task[None] | None = None

    def holds(self, stream: Stream) -> bool:
        """Tells whether a log of the stream that is not there was never written."""
        found = self._known.get(stream)
        return found is not None and found.proof == self._scripts.proof

    def swept(self, stream: Stream) -> int:
        """Returns until when the stream was swept (Unix seconds), 0 if it was not in this epoch."""
        found = self._known.get(stream)
        return found.until if found is not None and _epoch(found.proof) == _epoch(self._scripts.proof) else 0

    def held(self, streams: Collection[Stream]) -> set[Stream]:
        """Returns those that are proven now, and sees to it that the others are asked for soon."""
        held = {stream for stream in streams if self.holds(stream)}
        if len(held) < len(streams):
            now = time.monotonic()
            due = [each for each in streams if each not in held and self._asked.get(each, 0.0) <= now - ASK_SECONDS]
            if due and (self._learning is None or self._learning.done()):
                self._learning = asyncio.create_task(self._learn_quietly(due), context=Context())
        return held

    async def learn(self, streams: Collection[Stream]) -> None:
        """Reads the proofs of streams. Raises RedisError and OSError."""
        asked = list(streams)
        if len(self._known) + len(asked) > STREAMS:
            self._known.clear()
            self._asked.clear()
        now = time.monotonic()
        found: Any = await self._redis.hmget(WHOLE, [stream_field(stream) for stream in asked])
        for stream, proof in zip(asked, found, strict=True):
            self._asked[stream] = now
            if proof is not None:
                epoch, evictions, until = proof.split()
                self._known[stream] = _Swept(epoch + b" " + evictions, int(until))

    async def prove(self, streams: Collection[Stream], proof: bytes) -> bool:
        """Notes that streams were swept under a proof, if it still holds. Raises RedisError and OSError."""
        await self._scripts.adopt()
        if self._scripts.proof != proof:
            return False
        seconds, _ = await self._redis.time()
        value = proof + b" %d" % seconds
        await self._redis.hset(WHOLE, mapping={stream_field(stream): value for stream in streams})
        await self.learn(streams)
        return True

    async def _learn_quietly(self, streams: Collection[Stream]) -> None:
        try:
            await self.learn(streams)
        except (RedisError, OSError, TimeoutError):
            # Batches meet the same failure and say so.
            return


def _epoch(proof: bytes) -> bytes:
    return proof.partition(b" ")[0]
