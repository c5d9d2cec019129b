"""Finds the reservations in Redis that nobody has settled, and withdraws from the logs what was never committed."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from typing import Any

from redis.asyncio import Redis

from services.fraud.adapters.logs.names import NAME_BYTES, PENDING
from services.fraud.adapters.logs.scripts import LogScripts
from services.fraud.adapters.logs.writes import RECORD_HEAD, reservations, withdrawal_instruction
from services.fraud.domain.check import Key
from services.fraud.domain.declared.records import attempt_of, withdrawal
from services.fraud.domain.event import transaction_hash
from services.fraud.ports import Overdue

__all__ = ["Reservations"]

MOST = 200
"""Batches that are looked at in one round."""
RETAIN_SECONDS = 86_400
"""Of a log that began with a withdrawal: it holds nothing else."""
IDLE_SECONDS = 300
LOOKED_THROUGH = 2_000
"""Batches of a process that are looked through for a transaction."""
_STAMP = struct.Struct("<q")
_LENGTH = struct.Struct("<I")
_LARGEST_MS = 10**14
"""A batch of before is stamped with milliseconds, and not with its place in the order of arrival."""


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
                if _order(data) < (now - seconds) * 1_000_000:
                    found.append(_overdue((process, name), data))
            await self._forget_if_idle(process, now, bool(fields) or bool(cursor))
        return found[:MOST]

    async def arrivals(self, attempts: Mapping[Key, int]) -> Mapping[Key, int]:
        """Returns where attempts at transactions stand that are reserved, in the order of arrival."""
        found = dict[Key, int]()
        processes: Any = await self._redis.smembers(PENDING)
        for process in processes:
            async for data in self._reserved(process):
                for place, key in enumerate(_transactions(data), _order(data)):
                    if key in attempts and _holds(data, key, attempts[key]):
                        found[key] = min(found.get(key, place), place)
        return found

    async def _reserved(self, process: bytes) -> AsyncIterator[bytes]:
        """Yields what the batches of a process reserve, not of all if there are very many."""
        cursor = 0
        for _ in range(LOOKED_THROUGH // MOST):
            scanned: Any = await self._redis.hscan(process, cursor, count=MOST)
            cursor, fields = scanned
            for data in fields.values():
                yield data
            if not cursor:
                return

    async def withdraw(self, batch: Overdue, gone: Collection[Key], own: bytes) -> None:
        """Appends what withdraws the transactions that are gone. `own` names the reservations of this process."""
        hashes = {transaction_hash(*key) for key in gone}
        writes = [
            (name, size, withdrawal(head, size)) for name, size, head in batch.records if attempt_of(head)[0] in hashes
        ]
        if writes:
            told = b"".join(withdrawal_instruction(size, RETAIN_SECONDS, record) for _, size, record in writes)
            field = b"w" + batch.place[1]
            names = [name for name, _, _ in writes]
            await self._scripts.run("append", [own, *names], [field, reservations([], [], b""), b"", told])
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
    return Overdue(place, _transactions(data), list(_records(data)))


def _order(data: bytes) -> int:
    stamp: int = _STAMP.unpack_from(data)[0]
    return stamp if stamp > _LARGEST_MS else stamp * 1_000


def _holds(data: bytes, key: Key, attempt: int) -> bool:
    """Tells whether a batch has appended records of an attempt at a transaction."""
    wanted = transaction_hash(*key), attempt
    return any(attempt_of(head) == wanted for _, _, head in _records(data))


def _transactions(data: bytes) -> Sequence[Key]:
    (length,), start = _LENGTH.unpack_from(data, _STAMP.size), _STAMP.size + _LENGTH.size
    words = data[start : start + length].decode().split("\0") if length else []
    return list(zip(words[::2], words[1::2], strict=True))


def _records(data: bytes) -> Iterator[tuple[bytes, int, bytes]]:
    (length,) = _LENGTH.unpack_from(data, _STAMP.size)
    at = _STAMP.size + _LENGTH.size + length
    while at < len(data):
        size, count = struct.unpack_from("<HH", data, at)
        name = data[at + 4 : at + 4 + NAME_BYTES]
        at += 4 + NAME_BYTES
        for _ in range(count):
            yield name, size, data[at : at + RECORD_HEAD]
            at += RECORD_HEAD
