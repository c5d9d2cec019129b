"""Finds the reservations in Redis that nobody has settled, and withdraws from the logs what was never committed."""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from redis.asyncio import Redis

from services.fraud.adapters.logs.names import NAME_BYTES, PENDING
from services.fraud.adapters.logs.scripts import LogScripts
from services.fraud.adapters.logs.writes import RECORD_HEAD, withdrawal_instruction
from services.fraud.domain.check import Key
from services.fraud.domain.declared.records import withdrawal
from services.fraud.domain.event import transaction_hash
from services.fraud.ports import Overdue

__all__ = ["Reservations"]

MOST = 200
"""Batches that are looked at in one round."""
RETAIN_SECONDS = 86_400
"""Of a log that began with a withdrawal: it holds nothing else."""
IDLE_SECONDS = 300
_STAMP = struct.Struct("<q")


class Reservations:
    """The reservations of all processes. Every method raises RedisError and OSError."""

    def __init__(self, redis: Redis, scripts: LogScripts) -> None:
        self._redis = redis
        self._scripts = scripts
        self._idle: dict[bytes, int] = {}

    async def overdue(self, seconds: float) -> Sequence[Overdue]:
        found: list[Overdue] = []
        now, _ = await self._redis.time()
        processes: Any = await self._redis.smembers(PENDING)
        for process in processes:
            scanned: Any = await self._redis.hscan(process, count=MOST)
            cursor, fields = scanned
            for name, data in fields.items():
                if _STAMP.unpack_from(data)[0] < (now - seconds) * 1000:
                    found.append(_overdue((process, name), data[_STAMP.size :]))
            await self._forget_if_idle(process, now, bool(fields) or bool(cursor))
        return found[:MOST]

    async def withdraw(self, batch: Overdue, gone: Collection[Key], own: bytes) -> None:
        """Appends what withdraws the transactions that are gone. `own` names the reservations of this process."""
        hashes = {transaction_hash(*key) for key in gone}
        writes = [
            (name, size, withdrawal(head, size))
            for name, size, head in batch.records
            if int.from_bytes(head[8:16], "little") in hashes
        ]
        if writes:
            told = b"".join(withdrawal_instruction(size, RETAIN_SECONDS, record) for _, size, record in writes)
            field = b"w" + batch.place[1]
            await self._scripts.run("append", [own, *[name for name, _, _ in writes]], [field, b"", b"", told])
            await self._redis.hdel(own, field)
        await self._redis.hdel(batch.place[0], batch.place[1])

    async def _forget_if_idle(self, process: bytes, now: int, busy: bool) -> None:
        """Forgets a process without reservations after a while: one that lives makes itself known again before."""
        since = self._idle.setdefault(process, now)
        if busy:
            del self._idle[process]
        elif since < now - IDLE_SECONDS:
            del self._idle[process]
            await self._redis.srem(PENDING, process)


def _overdue(place: tuple[bytes, bytes], data: bytes) -> Overdue:
    (length,) = struct.unpack_from("<I", data)
    words = data[4 : 4 + length].decode().split("\0") if length else []
    return Overdue(place, list(zip(words[::2], words[1::2], strict=True)), list(_records(data, 4 + length)))


def _records(data: bytes, at: int) -> Iterator[tuple[bytes, int, bytes]]:
    while at < len(data):
        size, count = struct.unpack_from("<HH", data, at)
        name = data[at + 4 : at + 4 + NAME_BYTES]
        at += 4 + NAME_BYTES
        for _ in range(count):
            yield name, size, data[at : at + RECORD_HEAD]
            at += RECORD_HEAD
