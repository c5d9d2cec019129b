"""Appends to and reads from the event stream between services: a log that may lose entries, never the truth.

Whoever appends keeps the truth elsewhere and says in each entry what it follows, so that a reader notices what is
missing and asks for it. Redis Streams is the default; an entry is opaque bytes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from redis.asyncio import Redis
from redis.exceptions import RedisError

from meshkit.errors import unavailable

__all__ = ["START", "Entry", "EventStream", "MemoryStream", "RedisStream", "precedes"]

START = "0-0"
"""The id before every entry."""

_FIELD = b"data"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry and its id, which is greater than the ids of those before it (see `precedes`)."""

    id: str
    data: bytes


class EventStream(Protocol):
    """Every method raises MeshError UNAVAILABLE while the stream cannot be reached."""

    async def append(self, data: bytes) -> None:
        """Appends an entry; the oldest entries give way."""

    async def last(self) -> Entry | None:
        """Returns the newest entry, or None if there is none."""

    async def read(self, after: str, *, limit: int, wait: float) -> list[Entry]:
        """Returns up to `limit` entries after an id; waits up to `wait` seconds (more than 0) for the first."""

    async def check(self) -> None:
        """Raises if the stream cannot be reached."""


def precedes(one: str, other: str) -> bool:
    """Tells whether the id `one` comes before `other`."""
    return _number(one) < _number(other)


def _number(entry_id: str) -> tuple[int, int]:
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence)


class RedisStream:
    """A stream in Redis, trimmed to about `max_entries`.

    The client's socket timeout must be longer than any `wait`, or an idle stream looks like a dead one.
    """

    def __init__(self, redis: Redis, key: str, *, max_entries: int = 256) -> None:
        self._redis = redis
        self.key = key
        self._max_entries = max_entries

    async def append(self, data: bytes) -> None:
        async with _reachable():
            await self._redis.xadd(self.key, {_FIELD: data}, maxlen=self._max_entries, approximate=True)

    async def last(self) -> Entry | None:
        async with _reachable():
            found: Any = await self._redis.xrevrange(self.key, count=1)
        return _entry(found[0]) if found else None

    async def read(self, after: str, *, limit: int, wait: float) -> list[Entry]:
        async with _reachable():
            found: Any = await self._redis.xread({self.key: after}, count=limit, block=max(1, int(wait * 1000)))
        return [_entry(pair) for _, pairs in found for pair in pairs]

    async def forget(self, part: str) -> None:
        """Deletes the entries that have a text in them: their readers notice that they are missing, as ever."""
        async with _reachable():
            entries: Any = await self._redis.xrange(self.key)
            found = [name for name, fields in entries if part.encode() in (fields or {}).get(_FIELD, b"")]
            if found:
                await self._redis.xdel(self.key, *found)

    async def check(self) -> None:
        async with _reachable():
            await self._redis.ping()


class MemoryStream:
    """A stream within one process, with the behaviour of `RedisStream`."""

    def __init__(self, *, max_entries: int = 256) -> None:
        self._entries: deque[Entry] = deque(maxlen=max_entries)
        self._count = 0
        self._appended = asyncio.Condition()

    async def append(self, data: bytes) -> None:
        async with self._appended:
            self._count += 1
            self._entries.append(Entry(f"{self._count}-0", data))
            self._appended.notify_all()

    async def last(self) -> Entry | None:
        return self._entries[-1] if self._entries else None

    async def read(self, after: str, *, limit: int, wait: float) -> list[Entry]:
        async with self._appended:
            try:
                async with asyncio.timeout(wait):
                    await self._appended.wait_for(lambda: bool(self._entries) and precedes(after, self._entries[-1].id))
            except TimeoutError:
                return []
            return [entry for entry in self._entries if precedes(after, entry.id)][:limit]

    async def check(self) -> None:
        return None


def _entry(pair: tuple[bytes, dict[bytes, bytes] | None]) -> Entry:
    # An entry that something else wrote reads as empty; what reads it skips what it cannot understand.
    entry_id, fields = pair
    return Entry(entry_id.decode(), (fields or {}).get(_FIELD, b""))


@asynccontextmanager
async def _reachable() -> AsyncIterator[None]:
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise unavailable("event stream") from error
