"""Loads a log in slices, sealed chunks first."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from redis.asyncio import Redis

from services.fraud.adapters.logs.names import chunk_name
from services.fraud.adapters.logs.scripts import GENERATION_BYTES
from services.fraud.adapters.logs.writes import HEAD_BYTES, LogHead
from services.fraud.ports import LogPart, LogSlice

__all__ = ["LogGone", "StoredLog", "load_log"]

SLICE_RECORDS = 1_024


class LogGone(Exception):
    """A log went while it was read."""


class StoredLog(NamedTuple):
    """Where a log is kept, and how."""

    name: bytes
    generation: bytes
    size: int
    """Bytes of a record."""
    retain_seconds: int
    swept: int
    """Until when its history was put into it, if it had begun (Unix seconds)."""


class _Place(NamedTuple):
    """Where to read on: in which part, which begins after how many records, and at which of its records."""

    part: int
    start: int
    record: int


async def load_log(redis: Redis, log: StoredLog, after: LogPart | None) -> AsyncIterator[LogSlice]:
    """Yields the records of a log, oldest arrival first (see `EntityLogs.load`). Raises LogGone."""
    head = await _head(redis, log.name)
    if head is None or not head.whole_by(log.swept) or head.generation != log.generation:
        return
    place = await (_beginning(redis, log, head) if after is None else _after(redis, log, head, after))
    if place is None:
        return
    while True:
        now, records = await _slice(redis, log, place, head)
        if place.part == head.chunks < now.chunks:
            # The open part became a chunk: what was read is of the next one.
            head = now
            continue
        if records or place.part == head.chunks:
            yield LogSlice(place.start, place.start + place.record, records)
        if len(records) == SLICE_RECORDS * log.size:
            place = place._replace(record=place.record + SLICE_RECORDS)
        elif place.part == head.chunks:
            return
        else:
            read = place.start + place.record + len(records) // log.size
            place = _Place(place.part + 1, read, 0)


async def _slice(redis: Redis, log: StoredLog, place: _Place, head: LogHead) -> tuple[LogHead, bytes]:
    """Reads the head and a slice in one moment. Raises LogGone."""
    name = log.name if place.part == head.chunks else chunk_name(log.name, place.part)
    first = HEAD_BYTES + place.record * log.size
    pipe = redis.pipeline(transaction=True)
    pipe.getrange(log.name, 0, HEAD_BYTES - 1)
    pipe.getrange(name, first, first + SLICE_RECORDS * log.size - 1)
    data, records = await pipe.execute()
    if data[:GENERATION_BYTES] != log.generation:
        raise LogGone
    return LogHead(data), records


async def _beginning(redis: Redis, log: StoredLog, head: LogHead) -> _Place | None:
    """Returns the first part from which on all are there, None if one before it is gone before its time."""
    part, start, sealed = head.chunks, head.before, head.sealed
    while part > 0:
        before = await _head(redis, chunk_name(log.name, part - 1))
        if before is None:
            return _Place(part, start, 0) if sealed + log.retain_seconds <= time.time() else None
        part, start, sealed = part - 1, before.before, before.sealed
    return _Place(0, 0, 0)


async def _after(redis: Redis, log: StoredLog, head: LogHead, after: LogPart) -> _Place | None:
    """Returns where what was read ends, None if the log is another one."""
    part, start = head.chunks, head.before
    while part > 0 and start > after.start:
        part -= 1
        before = await _head(redis, chunk_name(log.name, part))
        if before is None:
            return None
        start = before.before
    if start != after.start:
        return None
    if after.read:
        name = log.name if part == head.chunks else chunk_name(log.name, part)
        first = HEAD_BYTES + (after.read - 1) * log.size
        if await redis.getrange(name, first, first + log.size - 1) != after.last:
            return None
    return _Place(part, start, after.read)


async def _head(redis: Redis, name: bytes) -> LogHead | None:
    data: Any = await redis.getrange(name, 0, HEAD_BYTES - 1)
    return LogHead(data) if len(data) == HEAD_BYTES else None
