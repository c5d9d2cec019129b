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
    "open_records",
    "reservations",
    "timed",
    "withdrawal_instruction",
]

HEAD_BYTES = 20
RECORD_HEAD = 24
"""Bytes of a record that say which transaction and which attempt of it (see `domain.logs.records`)."""
BEHIND_ALL = 2**32 - 1
"""An offset that no log reaches."""
MORE = b"more"
"""What is said of a log with more than is read at once."""
CREATES_WHOLE, UNTIMED, REFRESH = 1, 2, 4
_UNREAD = {
    b"": LogAnswer(LogState.PARTIAL),
    MORE: LogAnswer(LogState.STALE),
    b"sealed": LogAnswer(LogState.STALE),
}
_INSTRUCTION = struct.Struct("<IHIIB")
_HEAD = struct.Struct("<8sIII")
_TIME = struct.Struct("<q")
_COUNT = struct.Struct("<HH")
_WHOLE = LogState.WHOLE
_new = tuple.__new__


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
    pack = _INSTRUCTION.pack
    for (_, records, size, seconds, seen, untimed, refresh, is_read), whole in zip(writes, creates_whole, strict=True):
        flags = CREATES_WHOLE * whole + UNTIMED * untimed + REFRESH * refresh
        # From the last record that is known, to know the log again.
        offset = HEAD_BYTES + (seen.read - 1) * size if seen is not None and seen.read else 0
        parts += (pack(offset if is_read else BEHIND_ALL, size, len(records), seconds, flags), records)
    return b"".join(parts)


def timed(write: LogWrite, milliseconds: int) -> LogWrite:
    """Returns a write whose records have the time of their arrival, if they have none of their own."""
    if not write.untimed:
        return write
    stamp, size, records = _TIME.pack(milliseconds), write.size, write.records
    stamped = b"".join([stamp + records[at + _TIME.size : at + size] for at in range(0, len(records), size)])
    return write._replace(records=stamped, untimed=False)


def withdrawal_instruction(size: int, retain_seconds: int, record: bytes) -> bytes:
    """Packs a write to a log of which nothing is known."""
    return _INSTRUCTION.pack(0, size, len(record), retain_seconds, 0) + record


def reservations(names: Sequence[bytes], writes: Sequence[LogWrite], transactions: bytes) -> bytes:
    """Packs what is to be withdrawn if a batch is never settled: transactions, then logs with heads of records."""
    parts = [struct.pack("<I", len(transactions)), transactions]
    pack = _COUNT.pack
    for name, (_, records, size, *_) in zip(names, writes, strict=True):
        if len(records) == size:
            parts += (pack(size, 1), name, records[:RECORD_HEAD])
            continue
        parts += (pack(size, len(records) // size), name)
        parts += [records[at : at + RECORD_HEAD] for at in range(0, len(records), size)]
    return b"".join(parts)


def answer_of(write: LogWrite, found: bytes | int, swept: int) -> LogAnswer:
    """Tells what the script found of a log, before the records of the write.

    `swept` is until when the history of its stream was put into the logs that there were (Unix seconds).
    """
    if isinstance(found, int):
        return LogAnswer(LogState.WHOLE) if found else LogAnswer(LogState.BROKEN)
    seen = write.seen
    if seen is not None and found == seen.last and found:
        return _new(LogAnswer, (_WHOLE, seen.start, b""))
    if found in _UNREAD:
        return _UNREAD[found]
    if seen is not None and seen.read:
        return _after(seen, write.size, found)
    head, records = LogHead(found), found[HEAD_BYTES:]
    if len(records) % write.size:
        return LogAnswer(LogState.BROKEN)
    if not head.whole_by(swept):
        return LogAnswer(LogState.PARTIAL, head.before, records)
    if head.before != (write.seen.start if write.seen else 0):
        return LogAnswer(LogState.STALE)
    return LogAnswer(LogState.WHOLE, head.before, records)


def open_records(write: LogWrite, found: bytes | int) -> int:
    """Returns how many records the open part of a log has after a write, as far as what the script found tells."""
    if found == MORE:
        return BEHIND_ALL
    if isinstance(found, int) or found in _UNREAD:
        return len(write.records) // write.size
    if write.seen is not None and write.seen.read:
        return write.seen.read - 1 + (len(found) + len(write.records)) // write.size
    return (len(found) - HEAD_BYTES + len(write.records)) // write.size


def _after(seen: LogPart, size: int, found: bytes) -> LogAnswer:
    if found[:size] != seen.last or len(found) % size:
        return LogAnswer(LogState.STALE)
    return LogAnswer(LogState.WHOLE, seen.start, found[size:])
