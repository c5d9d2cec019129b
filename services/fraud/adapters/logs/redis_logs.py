"""Keeps entity logs in Redis: a few commands for each log of a batch, all batches of a process in one order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count

from prometheus_client import Counter
from redis.asyncio import Redis
from redis.exceptions import RedisError

from meshkit.ids import uuid7
from services.fraud.adapters.logs.batches import LogBatches, Written
from services.fraud.adapters.logs.histories import portions, restore_call
from services.fraud.adapters.logs.loading import LogGone, StoredLog, load_log
from services.fraud.adapters.logs.names import PENDING, LogNames
from services.fraud.adapters.logs.proofs import StreamProofs
from services.fraud.adapters.logs.redis_shares import RedisLogShares
from services.fraud.adapters.logs.reservations import Reservations
from services.fraud.adapters.logs.scripts import LogScripts
from services.fraud.adapters.logs.sealing import LogSealing
from services.fraud.adapters.logs.settling import LogSettling
from services.fraud.adapters.logs.writes import timed
from services.fraud.domain.check import Key
from services.fraud.ports import (
    WRITES_AT_ONCE,
    Appended,
    LogAnswer,
    LogKey,
    LogPart,
    LogProof,
    LogSlice,
    LogState,
    LogStream,
    LogsUnavailableError,
    LogWrite,
    Overdue,
    Restored,
    Ticket,
)

__all__ = ["WRITES_AT_ONCE", "RedisLogs"]

_log = logging.getLogger(__name__)
_unavailable = Counter("logs_unavailable", "Batches without their entity logs.", ["reason"])

# After a failure the logs are left alone for this long, so that a hanging Redis costs one timeout a second.
PAUSE_SECONDS = 1.0
# Whoever looks for reservations forgets a process that has none.
REGISTER_SECONDS = 5.0
_STALE = LogAnswer(LogState.STALE)
_FAILURES = (RedisError, OSError, TimeoutError)


class RedisLogs:
    """Implements `EntityLogs`.

    `secret` returns what keys the hashes under which values are kept. `fence` tells the store of a generation of the
    logs before it is used.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        secret: Callable[[], Awaitable[bytes]],
        fence: Callable[[bytes], Awaitable[None]],
    ) -> None:
        self._redis = redis
        self._scripts = LogScripts(redis, fence)
        self._proofs = StreamProofs(redis, self._scripts, self._names)
        self._reservations = Reservations(redis, self._scripts)
        self._sealing = LogSealing(redis, self._scripts, self._proofs)
        self._batches = LogBatches(self._scripts, self._proofs, self._sealing)
        self.shares = RedisLogShares(redis, self._scripts, self._names, self._failing)
        """What tenants have of the memory of these logs."""
        self._secret = secret
        self._known_names: LogNames | None = None
        self._pending = f"{PENDING}:{uuid7()}".encode()
        self._registered = b""
        self._register_at = 0.0
        self._numbers = count()
        self._paused_until = 0.0
        self._order = asyncio.Lock()
        self._settling = LogSettling(redis, self._pending, self._withdraw_writes)

    async def append(self, transactions: Sequence[Key], writes: Sequence[LogWrite]) -> Appended:
        self._check_pause()
        with self._failing():
            # A check that comes again must not see the attempts of others of its batch that were taken back.
            await self._settling.withdrawals()
            # Answers of two connections come in any order: who came later would be read first, and the other one as of
            # when it came.
            async with self._order:
                self._check_pause()
                return await self._append(transactions, writes)

    async def restore(self, logs: Sequence[Restored], proof: LogProof | None = None) -> None:
        self._check_pause()
        with self._failing():
            names = await self._names()
            for part in portions(logs):
                await self._scripts.run("restore", *restore_call(part, names.of, proof))

    async def load(
        self, key: LogKey, size: int, retain_seconds: int, after: LogPart | None = None
    ) -> AsyncIterator[LogSlice]:
        self._check_pause()
        with self._failing():
            generation, swept = await self._scripts.present(), self._proofs.swept(key.stream)
            if after is not None and after.generation != generation:
                return
            log = StoredLog((await self._names()).of(key), generation, size, retain_seconds, swept)
            async for part in load_log(self._redis, log, after):
                yield part

    async def whole(self, streams: Collection[LogStream]) -> Mapping[LogStream, bool]:
        with self._failing():
            await self._proofs.learn(streams)
        return {stream: self._proofs.holds(stream) for stream in streams}

    async def proof(self) -> LogProof:
        with self._failing():
            await self._scripts.adopt()
        return self._scripts.proof

    async def prove(self, streams: Collection[LogStream], proof: LogProof) -> bool:
        with self._failing():
            return await self._proofs.prove(streams, proof)

    async def prove_all(self, proof: LogProof) -> bool:
        with self._failing():
            return await self._proofs.prove_all(proof)

    async def may_be_swept(self, tenant_id: str) -> bool:
        with self._failing():
            return await self._proofs.may_be_swept(tenant_id)

    async def overdue(self, seconds: float) -> Sequence[Overdue]:
        with self._failing():
            return await self._reservations.overdue(seconds)

    async def arrivals(self, attempts: Mapping[Key, int]) -> Mapping[Key, int]:
        with self._failing():
            return await self._reservations.arrivals(attempts)

    async def withdraw(self, batch: Overdue, gone: Collection[Key]) -> None:
        with self._failing():
            await self._reservations.withdraw(batch, gone, self._pending)

    def settle(self, ticket: Ticket, withdrawn: Sequence[LogWrite]) -> None:
        self._settling.settle(ticket, withdrawn)

    async def _append(self, transactions: Sequence[Key], writes: Sequence[LogWrite]) -> Appended:
        await self._register()
        await self._proofs.meet({write.key.stream for write in writes if write.is_read})
        names: list[bytes] = []
        answers: list[LogAnswer] = []
        first: Written | None = None
        reserved = _packed(transactions)
        for start in range(0, len(writes), WRITES_AT_ONCE) or (0,):
            part = writes[start : start + WRITES_AT_ONCE]
            if first is not None:
                part = [timed(write, first.arrival_ms) for write in part]
            names.append(b"%d" % next(self._numbers))
            written = await self._write(names[-1], part, reserved, 0 if first else len(transactions))
            first = first or written
            # What was seen counts in the generation of the first part alone.
            answers += written.answers if written.generation == first.generation else [_STALE] * len(part)
        assert first is not None, "there is at least one part"
        return Appended(Ticket(tuple(names)), first.arrival_ms, answers, first.generation, first.order)

    async def _write(self, batch: bytes, writes: Sequence[LogWrite], reserved: bytes, checks: int = 0) -> Written:
        names = list(map((await self._names()).of, [write.key for write in writes]))
        return await self._batches.write(self._pending, batch, names, writes, reserved, checks)

    async def _names(self) -> LogNames:
        if self._known_names is None:
            self._known_names = LogNames(await self._secret())
        return self._known_names

    async def _register(self) -> None:
        """Makes the reservations of this process known to whoever withdraws what is left of them."""
        generation, now = self._scripts.generation, asyncio.get_running_loop().time()
        if not generation or self._registered != generation or self._register_at <= now:
            served = await self._scripts.adopt()
            await self._redis.sadd(PENDING, self._pending)
            self._registered, self._register_at = served.generation, now + REGISTER_SECONDS

    async def _withdraw_writes(self, writes: Sequence[LogWrite]) -> bytes:
        name = b"%d" % next(self._numbers)
        await self._write(name, writes, _packed([]))
        return name

    def _check_pause(self) -> None:
        if asyncio.get_running_loop().time() < self._paused_until:
            _unavailable.labels("paused").inc()
            raise LogsUnavailableError("redis failed a moment ago")

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Turns failures of Redis into what the port says, and leaves it alone for a while after one."""
        try:
            yield
        except LogGone as error:
            raise LogsUnavailableError("a log went while it was read") from error
        except _FAILURES as error:
            self._paused_until = asyncio.get_running_loop().time() + PAUSE_SECONDS
            _unavailable.labels("failed").inc()
            raise LogsUnavailableError(f"redis cannot be used: {type(error).__name__}") from error


def _packed(transactions: Sequence[Key]) -> bytes:
    return "\0".join(part for key in transactions for part in key).encode()
