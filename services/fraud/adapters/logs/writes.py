"""Packs what the scripts of the entity logs are told, one text for a whole batch, and reads what they answer."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from services.fraud.ports import LogAnswer, LogPart, LogState, LogWrite

__all__ = [
    "HEAD_BYTES",
    "RECORD_HEAD",
    "LogHead",
    "answer_of",
    "instructions",
    "reservations",
    "withdrawal_instruction",
]

HEAD_BYTES = 20
RECORD_HEAD = 24
"""Bytes of a record that say which transaction and which attempt of it (see `domain.logs.records`)."""
BEHIND_ALL = 2**32 - 1
"""An offset that no log reaches."""
CREATES_WHOLE, UNTIMED, REFRESH = 1, 2, 4
_UNREAD = {
    b"": LogAnswer(LogState.PARTIAL),
    b"more": LogAnswer(LogState.STALE),
    b"sealed": LogAnswer(LogState.STALE),
}
_INSTRUCTION = struct.Struct("<IHIIB")
_HEAD = struct.Struct("<8sIII")


class LogHead:
    """What stands at the beginning of a log: generation, whether it is whole, sealed chunks, records in them.

    `sealed` is when the last chunk was sealed, of a log without any when it began (Unix seconds).
    """

    __slots__ = ("before", "chunks", "generation", "sealed", "whole")

    def __init__(self, data: bytes) -> None:
        self.generation, flags, self.before, self.sealed = _HEAD.unpack_from(data)
        self.whole, self.chunks = bool(flags & 0xFF), flags >> 8

    def whole_by(self, swept: int) -> bool:
        """Tells whether the log is whole, given until when its stream was swept (Unix seconds)."""
        return self.whole or self.sealed < swept


def instructions(writes: Sequence[LogWrite], creates_whole: Sequence[bool]) -> bytes:
    """Packs writes for the script, each with whether a log that is not there is whole when it begins."""
    parts: list[bytes] = []
    for write, whole in zip(writes, creates_whole, strict=True):
        flags = CREATES_WHOLE * whole + UNTIMED * write.untimed + REFRESH * write.refresh
        parts += (
            _INSTRUCTION.pack(_offset(write), write.size, len(write.records), write.retain_seconds, flags),
            write.records,
        )
    return b"".join(parts)


def withdrawal_instruction(size: int, retain_seconds: int, record: bytes) -> bytes:
    """Packs a write to a log of which nothing is known."""
    return _INSTRUCTION.pack(0, size, len(record), retain_seconds, 0) + record


def reservations(names: Sequence[bytes], writes: Sequence[LogWrite], transactions: bytes) -> bytes:
    """Packs what is to be withdrawn if a batch is never settled: transactions, then logs with heads of records."""
    parts = [struct.pack("<I", len(transactions)), transactions]
    for name, write in zip(names, writes, strict=True):
        count = len(write.records) // write.size
        parts += (struct.pack("<HH", write.size, count), name)
        parts += [write.records[at : at + RECORD_HEAD] for at in range(0, len(write.records), write.size)]
    return b"".join(parts)


def answer_of(write: LogWrite, found: bytes | int, swept: int) -> LogAnswer:
    """Tells what the script found of a log, before the records of the write.

    `swept` is until when the history of its stream was put into the logs that there were (Unix seconds).
    """
    if isinstance(found, int):
        return LogAnswer(LogState.WHOLE) if found else LogAnswer(LogState.BROKEN)
    if found in _UNREAD:
        return _UNREAD[found]
    if write.seen is not None and write.seen.read:
        return _after(write.seen, write.size, found)
    head, records = LogHead(found), found[HEAD_BYTES:]
    if len(records) % write.size:
        return LogAnswer(LogState.BROKEN)
    if not head.whole_by(swept):
        return LogAnswer(LogState.PARTIAL, head.before, records)
    if head.before != (write.seen.start if write.seen else 0):
        return LogAnswer(LogState.STALE)
    return LogAnswer(LogState.WHOLE, head.before, records)


def _offset(write: LogWrite) -> int:
    """Where to read from: at the last record that is known, to know the log again; behind all if nothing is read."""
    if not write.is_read:
        return BEHIND_ALL
    if write.seen is None or not write.seen.read:
        return 0
    return HEAD_BYTES + (write.seen.read - 1) * write.size


def _after(seen: LogPart, size: int, found: bytes) -> LogAnswer:
    if found[:size] != seen.last or len(found) % size:
        return LogAnswer(LogState.STALE)
    return LogAnswer(LogState.WHOLE, seen.start, found[size:])
