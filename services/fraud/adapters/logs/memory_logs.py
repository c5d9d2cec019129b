"""Keeps entity logs in memory: plain enough to be believed, to hold the real ones against."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from services.fraud.domain.check import Key
from services.fraud.ports import (
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

__all__ = ["MemoryLogs"]


@dataclass
class _MemoryLog:
    whole: bool
    size: int
    records: list[bytes] = field(default_factory=list)


class MemoryLogs:
    """Logs that never seal and never forget. `available` off stands for a Redis that does not answer."""

    def __init__(self, clock: Callable[[], float], *, whole: bool = True) -> None:
        """`clock` returns Unix seconds. `whole` says that logs which are not there were never written."""
        self._clock = clock
        self._logs: dict[LogKey, _MemoryLog] = {}
        self._whole = whole
        self._swept: set[LogStream] = set()
        self._losses = 0
        self._order = 0
        self._reserved: dict[bytes, tuple[int, Sequence[Key]]] = {}
        self.available = True

    def lose(self) -> None:
        """Forgets everything, as a server does that was emptied."""
        self._logs.clear()
        self._swept.clear()
        self._whole = False
        self._losses += 1

    async def append(self, transactions: Sequence[Key], writes: Sequence[LogWrite]) -> Appended:
        self._check()
        arrival, order = int(self._clock() * 1000), max(self._order, int(self._clock() * 1_000_000))
        self._order, name = order + len(transactions), b"%d" % len(self._reserved)
        self._reserved[name] = order, transactions
        return Appended(Ticket((name,)), arrival, [self._append(write, arrival) for write in writes], order=order)

    def settle(self, ticket: Ticket, withdrawn: Sequence[LogWrite]) -> None:
        for name in ticket.names:
            self._reserved[name] = 0, ()
        for write in withdrawn:
            self._append(write, int(self._clock() * 1000))

    async def restore(self, logs: Sequence[Restored], proof: LogProof | None = None) -> None:
        self._check()
        for each in logs:
            log = self._logs.get(each.key)
            if log is None and proof == await self.proof():
                log = self._logs[each.key] = _MemoryLog(False, each.size)
            if log is not None and not log.whole:
                log.records += _cut(each.records, each.size)
                log.whole = each.last

    async def proof(self) -> LogProof:
        self._check()
        return LogProof(self._losses, 0)

    async def prove_all(self, proof: LogProof) -> bool:
        """Says nothing that `prove` does not: a twin has few tenants."""
        return proof == await self.proof()

    async def prove(self, streams: Collection[LogStream], proof: LogProof) -> bool:
        if proof != await self.proof():
            return False
        self._swept |= set(streams)
        for key, log in self._logs.items():
            log.whole = log.whole or key.stream in streams
        return True

    async def first_arrivals(self, transactions: Collection[Key]) -> Mapping[Key, int]:
        self._check()
        found: dict[Key, int] = {}
        for order, reserved in self._reserved.values():
            for place, key in enumerate(reserved):
                if key in transactions:
                    found.setdefault(key, order + place)
        return found

    async def overdue(self, seconds: float) -> Sequence[Overdue]:
        return ()

    async def withdraw(self, batch: Overdue, gone: Collection[Key]) -> None:
        """There is never one."""

    async def load(
        self, key: LogKey, size: int, retain_seconds: int, after: LogPart | None = None
    ) -> AsyncIterator[LogSlice]:
        self._check()
        log = self._logs.get(key)
        if log is not None and log.whole and (after is None or _is_part(log, after)):
            place = after.read if after else 0
            yield LogSlice(0, place, b"".join(log.records[place:]))

    async def whole(self, streams: Collection[LogStream]) -> Mapping[LogStream, bool]:
        self._check()
        return {stream: self._whole or stream in self._swept for stream in streams}

    def _append(self, write: LogWrite, arrival: int) -> LogAnswer:
        records = _cut(write.records, write.size)
        if write.untimed:
            records = [struct.pack("<q", arrival) + record[8:] for record in records]
        log = self._logs.get(write.key)
        if log is None:
            whole = write.is_read and (self._whole or write.key.stream in self._swept)
            self._logs[write.key] = _MemoryLog(whole, write.size, records)
            return LogAnswer(LogState.WHOLE if whole else LogState.PARTIAL)
        before = list(log.records)
        log.records += records
        if write.seen is not None and not _is_part(log, write.seen):
            return LogAnswer(LogState.STALE)
        unseen = b"".join(before[write.seen.read if write.seen else 0 :])
        return LogAnswer(LogState.WHOLE if log.whole else LogState.PARTIAL, 0, unseen)

    def _check(self) -> None:
        if not self.available:
            raise LogsUnavailableError("the logs are made unavailable")


def _is_part(log: _MemoryLog, part: LogPart) -> bool:
    return part.start == 0 and (part.read == 0 or log.records[part.read - 1 : part.read] == [part.last])


def _cut(records: bytes, size: int) -> list[bytes]:
    return [records[at : at + size] for at in range(0, len(records), size)]
