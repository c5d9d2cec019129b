"""Knows of which streams all history is in the logs.

A stream is whole once it was swept: what had happened before was put into its logs. A log that began before the end of
that holds everything. One that is not there was never written, until Redis evicts or loses anything, or the tenant gets
more than its share: the script of each batch compares what this process knows of that with what is true in that moment.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextvars import Context
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.fraud.adapters.logs.names import ALL, WHOLE, LogNames, stream_field, tenant_field
from services.fraud.adapters.logs.scripts import LogScripts
from services.fraud.ports import LogProof, LogShare, LogStream, ShareState

__all__ = ["StreamProofs"]

ASK_SECONDS = 1.0
STREAMS = 50_000
UNKNOWN = LogShare(ShareState.CROWDED, 0, 0, 0)
"""Of a tenant whose logs this process has no names for yet."""


class _Swept(NamedTuple):
    """What is kept of a sweep."""

    proof: LogProof
    """When it began, and when it ended: its turn counts for the tenant alone, or for all."""
    until: int
    """When it ended (Unix seconds, by the clock of Redis)."""


class StreamProofs:
    """The proofs that this process knows. What it does not know it asks for once a second, beside the batches."""

    def __init__(self, redis: Redis, scripts: LogScripts, names: Callable[[], Awaitable[LogNames]]) -> None:
        self._redis = redis
        self._scripts = scripts
        self._names = names
        self._tag: Callable[[str], bytes] | None = None
        """None until the names are known."""
        self._known: dict[bytes, _Swept] = {}
        self._asked: dict[LogStream, float] = {}
        self._learning: asyncio.Task[None] | None = None

    def holds(self, stream: LogStream) -> bool:
        """Tells whether a log of the stream that is not there was never written."""
        known, proof = self._scripts.shares, self._scripts.proof
        share = self._share(stream) if known.by_tag else None
        if share is not None and share.state is not ShareState.OPEN:
            return False
        oldest = share.turn if share is not None else 0
        found = self._of(stream, lambda swept: _is_of(swept.proof, proof) and swept.proof.turn >= oldest)
        return found is not None

    async def may_be_swept(self, tenant_id: str) -> bool:
        """Tells whether logs of a tenant do not go early, as far as this process knows. Raises what the names raise."""
        share = self._scripts.shares.by_tag.get((await self._names()).tag(tenant_id))
        return share is None or share.state is ShareState.OPEN

    def swept(self, stream: LogStream) -> int:
        """Returns until when the stream was swept (Unix seconds), 0 if it was not in this epoch."""
        epoch = self._scripts.proof.epoch
        found = self._of(stream, lambda swept: swept.proof.epoch == epoch)
        if found is None or (found is self._known.get(ALL) and not self._was_among_all(stream, found.proof.turn)):
            return 0
        return found.until

    def _was_among_all(self, stream: LogStream, turn: int) -> bool:
        """Tells whether a tenant was not left out when all were found swept at a turn of shares."""
        known = self._scripts.shares
        share = self._share(stream) if known.by_tag else None
        return turn <= known.turn and (share is None or (share.state is ShareState.OPEN and share.turn <= turn))

    def _share(self, stream: LogStream) -> LogShare | None:
        return self._scripts.shares.by_tag.get(self._tag(stream.tenant_id)) if self._tag is not None else UNKNOWN

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
        self._tag = (await self._names()).tag
        if len(self._known) + len(streams) > STREAMS:
            self._known.clear()
            self._asked.clear()
        tenants = {tenant_field(stream.tenant_id) for stream in streams}
        fields = [ALL, *tenants, *(stream_field(stream) for stream in streams)]
        found: Any = await self._redis.hmget(WHOLE, fields)
        for field, value in zip(fields, found, strict=True):
            if value is not None:
                *proof, until = map(int, value.split())
                self._known[field] = _Swept(LogProof(*proof), until)
        self._asked.update(dict.fromkeys(streams, time.monotonic()))

    async def prove(self, streams: Collection[LogStream], proof: LogProof) -> bool:
        """Notes that streams of one tenant were swept, if nothing was lost since the proof.

        Raises RedisError and OSError.
        """
        tenants = {stream.tenant_id for stream in streams}
        fields = [*map(tenant_field, tenants), *map(stream_field, streams)]
        names = await self._names()
        return not fields or await self._note(fields, proof, b"".join(map(names.tag, tenants)))

    async def prove_all(self, proof: LogProof) -> bool:
        """Notes that all tenants were swept that have decisions and may be, if nothing was lost since the proof."""
        return await self._note([ALL], proof, b"")

    async def _note(self, fields: Sequence[bytes], proof: LogProof, tag: bytes) -> bool:
        told = [b"%d %d" % proof[:2], b"%d" % proof.turn, tag, *fields]
        seconds = await self._scripts.run("prove", [WHOLE], told)
        if seconds:
            self._known.update(dict.fromkeys(fields, _Swept(proof, seconds)))
        return bool(seconds)

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


def _is_of(swept: LogProof, present: LogProof) -> bool:
    """Tells whether no log was evicted since, and no other lost."""
    return swept.epoch == present.epoch and swept.lost == present.lost
