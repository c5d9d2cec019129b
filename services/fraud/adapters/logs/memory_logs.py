"""Keeps entity logs in memory: plain enough to be believed, to hold the real ones against."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from services.fraud.domain.check import Key
from services.fraud.domain.declared.records import attempt_of
from services.fraud.domain.event import transaction_hash
from services.fraud.ports import (
    Appended,
    LogAnswer,
    LogKey,
    LogPart,
    LogProof,
    LogShare,
    LogSlice,
    LogState,
    LogStream,
    LogsUnavailableError,
    LogWrite,
    Overdue,
    Restored,
    ShareState,
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
        self._all_at = 0
        """The turn of shares at which all that may be were found swept, if all were."""
        self._swept: dict[LogStream, int] = {}
        """The turn of shares at which the sweep began."""
        self.shares: dict[str, LogShare] = {}
        """By tenant."""
        self.turn = 0
        self._losses = 0
        self._order = 0
        self._reserved: dict[bytes, tuple[int, Sequence[Key], Collection[tuple[int, int]]]] = {}
        """By ticket: the place in the order of arrival, transactions, and attempts at them."""
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
        tried = {attempt_of(record) for write in writes for record in _cut(write.records, write.size)}
        self._reserved[name] = order, transactions, tried
        return Appended(Ticket((name,)), arrival, [self._append(write, arrival) for write in writes], order=order)

    def settle(self, ticket: Ticket, withdrawn: Sequence[LogWrite]) -> None:
        if not withdrawn:
            self._reserved.update(dict.fromkeys(ticket.names, (0, (), ())))
        for write in withdrawn:
            self._append(write, int(self._clock() * 1000))

    async def restore(self, logs: Sequence[Restored], proof: LogProof | None = None) -> None:
        self._check()
        for each in logs:
            log = self._logs.get(each.key)
            if log is None and proof is not None and self._holds(proof):
                log = self._logs[each.key] = _MemoryLog(False, each.size)
            began = each.first in (b"", b"".join(log.records[:1])[: len(each.first)]) if log is not None else False
            if log is not None and began and not log.whole:
                log.records += _cut(each.records, each.size)
                log.whole = each.last

    async def proof(self) -> LogProof:
        self._check()
        return LogProof(self._losses, 0, self.turn)

    async def prove_all(self, proof: LogProof) -> bool:
        """Says nothing that `prove` does not, but what is so already at a turn of shares: a twin has few tenants."""
        holds = self._holds(proof) and proof.turn == self.turn
        self._all_at = proof.turn if holds else self._all_at
        return holds

    async def prove(self, streams: Collection[LogStream], proof: LogProof) -> bool:
        if not self._holds(proof) or not all(self._is_open(each.tenant_id, proof.turn) for each in streams):
            return False
        self._swept.update(dict.fromkeys(streams, proof.turn))
        for key, log in self._logs.items():
            log.whole = log.whole or key.stream in streams
        return True

    async def may_be_swept(self, tenant_id: str) -> bool:
        self._check()
        return self._is_open(tenant_id, self.turn)

    async def arrivals(self, attempts: Mapping[Key, int]) -> Mapping[Key, int]:
        self._check()
        found: dict[Key, int] = {}
        for order, reserved, tried in self._reserved.values():
            for place, key in enumerate(reserved):
                if key in attempts and (transaction_hash(*key), attempts[key]) in tried:
                    found[key] = order + place
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
        return {stream: self._proven(stream) for stream in streams}

    def _append(self, write: LogWrite, arrival: int) -> LogAnswer:
        records = _cut(write.records, write.size)
        if write.untimed:
            records = [struct.pack("<q", arrival) + record[8:] for record in records]
        log = self._logs.get(write.key)
        if log is None:
            whole = write.is_read and self._proven(write.key.stream)
            self._logs[write.key] = _MemoryLog(whole, write.size, records)
            return LogAnswer(LogState.WHOLE if whole else LogState.PARTIAL)
        before = list(log.records)
        log.records += records
        if write.seen is not None and not _is_part(log, write.seen):
            return LogAnswer(LogState.STALE)
        unseen = b"".join(before[write.seen.read if write.seen else 0 :])
        return LogAnswer(LogState.WHOLE if log.whole else LogState.PARTIAL, 0, unseen)

    def _proven(self, stream: LogStream) -> bool:
        at = max(self._swept.get(stream, -1), self._all_at if self._whole else -1)
        return at >= 0 and self._is_open(stream.tenant_id, at)

    def _is_open(self, tenant_id: str, turn: int) -> bool:
        """Tells whether a tenant may be swept, and could already at a turn."""
        share = self.shares.get(tenant_id)
        return share is None or (share.state is ShareState.OPEN and share.turn <= turn)

    def _holds(self, proof: LogProof) -> bool:
        return (proof.epoch, proof.lost) == (self._losses, 0)

    def _check(self) -> None:
        if not self.available:
            raise LogsUnavailableError("the logs are made unavailable")


def _is_part(log: _MemoryLog, part: LogPart) -> bool:
    return part.start == 0 and (part.read == 0 or log.records[part.read - 1 : part.read] == [part.last])


def _cut(records: bytes, size: int) -> list[bytes]:
    return [records[at : at + size] for at in range(0, len(records), size)]
