"""Cache invalidation between processes: changes are published on a stream, and caches drop what was read before them.

    service: commit → publish ──▶ stream ──▶ feed → `Freshness` of a cache

Changes are hints, sent after the commit and lost at worst: what is kept has an end of its own besides. A cache that
cannot hear of them knows that (`Freshness.live`).
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import NamedTuple, Protocol

from prometheus_client import Counter

from meshkit.errors import MeshError
from meshkit.storage.event_stream import START, EventStream

__all__ = ["STREAM", "Change", "ChangeFeed", "ChangeListener", "ChangePublisher", "Freshness"]

STREAM = "changes"
"""Key of the stream that all processes share."""

MAX_PENDING = 10_000
PUBLISH_SECONDS = 0.1
RETRY_SECONDS = 1.0
READ_SECONDS = 1.0
READ_MARGIN = 2.0
READ_LIMIT = 1000

_log = logging.getLogger(__name__)
_published = Counter("changes_published", "Changes that others were told of.", ["topic"])
_unpublished = Counter("changes_unpublished", "Changes that others could not be told of at once.", ["topic"])


class Change(NamedTuple):
    """Something of a tenant has changed."""

    topic: str
    """What kind of thing, for example "user"."""
    tenant_id: str
    key: str
    """Which one."""

    def encode(self) -> bytes:
        return json.dumps(self, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, data: bytes) -> Change:
        """Raises ValueError."""
        found = json.loads(data)
        if not isinstance(found, list) or len(found) != 3 or not all(isinstance(each, str) for each in found):
            raise ValueError("not a change")
        return cls(*found)


class ChangePublisher:
    """Tells of changes. It never fails and never waits long: the change itself has been committed."""

    def __init__(self, stream: EventStream) -> None:
        self._stream = stream
        self._pending: dict[Change, None] = {}

    async def publish(self, change: Change) -> None:
        """Tells of a change now, or later if that cannot be done now."""
        if not await self._append(change):
            _unpublished.labels(change.topic).inc()
            self._pending[change] = None
            if len(self._pending) > MAX_PENDING:
                del self._pending[next(iter(self._pending))]

    async def run(self) -> None:
        """Goes on trying what could not be told. Runs until it is cancelled."""
        while True:
            await asyncio.sleep(RETRY_SECONDS)
            while self._pending and await self._append(change := next(iter(self._pending))):
                self._pending.pop(change, None)

    async def _append(self, change: Change) -> bool:
        try:
            async with asyncio.timeout(PUBLISH_SECONDS):
                await self._stream.append(change.encode())
        except (MeshError, TimeoutError):
            return False
        _published.labels(change.topic).inc()
        return True


class ChangeListener(Protocol):
    """Is told of changes by a `ChangeFeed`."""

    live: bool
    """True while every change is heard of, within two or three seconds even if the connection dies silently."""

    def heard(self, change: Change) -> None:
        """Is called for each change, in their order."""
        ...

    def everything_changed(self) -> None:
        """Is called when changes may have been missed, also at the start."""
        ...


class ChangeFeed:
    """Reads changes from the stream and tells a listener of them."""

    def __init__(self, stream: EventStream, listener: ChangeListener) -> None:
        self._stream = stream
        self._listener = listener

    async def run(self) -> None:
        """Listens until it is cancelled. The stream's client must wait longer than `READ_SECONDS`."""
        while True:
            try:
                async with asyncio.timeout(READ_MARGIN):
                    last = await self._stream.last()
                self._listener.everything_changed()
                self._listener.live = True
                await self._follow(last.id if last is not None else START)
            except (MeshError, TimeoutError):
                if self._listener.live:
                    _log.warning("changes cannot be heard of; what depends on them is not kept until they can")
            finally:
                self._listener.live = False
            await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self, position: str) -> None:
        while True:
            async with asyncio.timeout(READ_SECONDS + READ_MARGIN):
                entries = await self._stream.read(position, limit=READ_LIMIT, wait=READ_SECONDS)
            if len(entries) == READ_LIMIT:
                # We are far behind, and the oldest entries may have given way already.
                self._listener.everything_changed()
            for entry in entries:
                position = entry.id
                self._pass_on(entry.data)

    def _pass_on(self, data: bytes) -> None:
        try:
            self._listener.heard(Change.decode(data))
        except ValueError:
            _log.warning("an entry of the stream of changes cannot be read")
            self._listener.everything_changed()


class Freshness:
    """Tells whether something that was read is still true, by numbering changes. The listener of a cache's feed.

    Whoever reads takes `now()` first and keeps the result only if `holds` afterwards: a change that arrives while the
    read is under way is never missed. `key` says which key a change is noted under, None for one that does not matter.
    """

    def __init__(
        self, max_keys: int = 100_000, *, key: Callable[[Change], tuple[str, ...] | None] = lambda change: change
    ) -> None:
        self._max_keys = max_keys
        self._key = key
        self._number = 0
        self._floor = 0
        self._changed: dict[tuple[str, ...], int] = {}
        self.live = False
        """True while a feed tells of every change; False without a feed."""

    def heard(self, change: Change) -> None:
        """Notes a change that a feed tells of."""
        key = self._key(change)
        if key is not None:
            self.changed(*key)

    def now(self) -> int:
        return self._number

    def last(self, *key: str) -> int:
        """Returns the number of the last change of something; it may be too high, never too low."""
        return max(self._changed.get(key, 0), self._floor)

    def changed(self, *key: str) -> None:
        """Notes a change."""
        self._number += 1
        # The latest changes stay: where room ends, everything older counts as changed.
        self._changed.pop(key, None)
        self._changed[key] = self._number
        if len(self._changed) > self._max_keys:
            self._floor = self._changed.pop(next(iter(self._changed)))

    def everything_changed(self) -> None:
        """Notes that anything may have changed."""
        self._number += 1
        self._floor = self._number
        self._changed.clear()

    def holds(self, since: int, *key: str) -> bool:
        """Tells whether something read at `since` has not changed."""
        return self.last(*key) <= since
