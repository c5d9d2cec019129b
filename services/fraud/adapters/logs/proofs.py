"""Knows of which streams all history is in the logs.

A stream is whole once it was swept: what had happened before was put into its logs. A log that began before the end of
that holds everything. One that is not there was never written, until Redis evicts or loses anything: the script of each
batch compares the proof of that with what is true in that moment.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from contextvars import Context
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.fraud.adapters.logs.names import ALL, WHOLE, stream_field, tenant_field
from services.fraud.adapters.logs.scripts import LogScripts, proof_of
from services.fraud.ports import LogProof, LogStream

__all__ = ["StreamProofs"]

ASK_SECONDS = 1.0
STREAMS = 50_000


class _Swept(NamedTuple):
    """What is kept of a sweep."""

    proof: LogProof
    """The same from its beginning to its end."""
    until: int
    """When it ended (Unix seconds, by the clock of Redis)."""


class StreamProofs:
    """The proofs that this process knows. What it does not know it asks for once a second, beside the batches."""

    def __init__(self, redis: Redis, scripts: LogScripts) -> None:
        self._redis = redis
        self._scripts = scripts
        self._known: dict[bytes, _Swept] = {}
        self._asked: dict[LogStream, float] = {}
        self._learning: asyncio.Task[None] | None = None

    def holds(self, stream: LogStream) -> bool:
        """Tells whether a log of the stream that is not there was never written."""
        return self._of(stream, lambda swept: swept.proof == self._scripts.proof) is not None

    def swept(self, stream: LogStream) -> int:
        """Returns until when the stream was swept (Unix seconds), 0 if it was not in this epoch."""
        found = self._of(stream, lambda swept: swept.proof.epoch == self._scripts.proof.epoch)
        return found.until if found is not None else 0

    def held(self, streams: Collection[LogStream]) -> set[LogStream]:
        """Returns those that are proven now, and sees to it that the others are asked for soon."""
        held = {stream for stream in streams if self.holds(stream)}
        if len(held) < len(streams):
            now = time.monotonic()
            due = [each for each in streams if each not in held and self._asked.get(each, 0.0) <= now - ASK_SECONDS]
            if due and (self._learning is None or self._learning.done()):
                self._learning = asyncio.create_task(self._learn_quietly(due), context=Context())
        return held

    async def meet(self, streams: Collection[LogStream]) -> None:
        """Reads the proofs of streams that were never asked for. Raises RedisError and OSError."""
        unmet = {stream for stream in streams if stream not in self._asked}
        if unmet:
            await self.learn(unmet)

    async def learn(self, streams: Collection[LogStream]) -> None:
        """Reads the proofs of streams. Raises RedisError and OSError."""
        if len(self._known) + len(streams) > STREAMS:
            self._known.clear()
            self._asked.clear()
        tenants = {tenant_field(stream.tenant_id) for stream in streams}
        fields = [ALL, *tenants, *(stream_field(stream) for stream in streams)]
        found: Any = await self._redis.hmget(WHOLE, fields)
        for field, value in zip(fields, found, strict=True):
            if value is not None:
                proof, _, until = value.rpartition(b" ")
                self._known[field] = _Swept(proof_of(proof), int(until))
        self._asked.update(dict.fromkeys(streams, time.monotonic()))

    async def prove(self, streams: Collection[LogStream], proof: LogProof) -> bool:
        """Notes that streams were swept under a proof, if it still holds. Raises RedisError and OSError."""
        tenants = {tenant_field(stream.tenant_id) for stream in streams}
        return await self._note([*tenants, *(stream_field(stream) for stream in streams)], proof)

    async def prove_all(self, proof: LogProof) -> bool:
        """Notes that all tenants were swept under a proof that have decisions, if it still holds."""
        return await self._note([ALL], proof)

    async def _note(self, fields: Sequence[bytes], proof: LogProof) -> bool:
        await self._scripts.adopt()
        if self._scripts.proof != proof:
            return False
        seconds, _ = await self._redis.time()
        value = b"%d %d %d" % (*proof, seconds)
        await self._redis.hset(WHOLE, mapping=dict.fromkeys(fields, value))
        self._known.update(dict.fromkeys(fields, _Swept(proof, seconds)))
        return True

    def _of(self, stream: LogStream, holds: Callable[[_Swept], bool]) -> _Swept | None:
        """Returns the sweep of a stream, or of all tenants if its own was not among them: then it had no history."""
        own = self._known.get(stream_field(stream))
        if own is not None and holds(own):
            return own
        of_all, of_tenant = self._known.get(ALL), self._known.get(tenant_field(stream.tenant_id))
        if of_all is None or not holds(of_all) or (of_tenant is not None and holds(of_tenant)):
            return None
        return of_all

    async def _learn_quietly(self, streams: Collection[LogStream]) -> None:
        try:
            await self.learn(streams)
        except (RedisError, OSError, TimeoutError):
            # Batches meet the same failure and say so.
            return
