"""Registers the open streams of a process: their limit, metrics and drain."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

from prometheus_client import Counter, Gauge

from gateway.edge.streams.relay import StreamRelay
from meshkit.errors import Kind, MeshError

__all__ = ["OpenStreams", "StreamMetrics"]

DRAIN_SECONDS = 2.0
RETRY_SECONDS = 1.0

_open = Gauge("streams_open", "Streams under way.", ["framing"], multiprocess_mode="livesum")
_messages = Counter("stream_messages", "Messages sent to clients.", ["route", "framing"])
_ended = Counter("streams_ended", "Streams that have begun and ended, by their last status.", ["route", "code"])


class StreamMetrics:
    """What is counted of one stream."""

    def __init__(self, route: str, framing: str) -> None:
        self._route = route
        self._framing = framing
        self._sent = _messages.labels(route, framing)

    def sent(self, messages: int) -> None:
        self._sent.inc(messages)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        gauge = _open.labels(self._framing)
        gauge.inc()
        try:
            yield
        finally:
            gauge.dec()

    def ended(self, error: MeshError | None) -> None:
        _ended.labels(self._route, error.kind.name if error is not None else "OK").inc()


class OpenStreams:
    """Holds at most `limit` streams. Each is a call in the mesh, and a connection there carries not many more."""

    def __init__(self, limit: int = 500) -> None:
        self._limit = limit
        self._draining = False
        self._open: dict[StreamRelay, asyncio.Task[Any] | None] = {}
        self._none_open = asyncio.Event()
        self._none_open.set()

    @property
    def count(self) -> int:
        return len(self._open)

    @contextlib.contextmanager
    def held(self, relay: StreamRelay) -> Iterator[None]:
        """Holds a place while the block runs. Raises MeshError if there is none, or if the process is stopping."""
        if self._draining:
            raise _stopping()
        if len(self._open) >= self._limit:
            raise MeshError(
                Kind.RESOURCE_EXHAUSTED,
                "OVERLOADED",
                f"{self._limit} streams are open, which is as many as there may be",
                retry_after=RETRY_SECONDS,
            )
        self._open[relay] = asyncio.current_task()
        self._none_open.clear()
        try:
            yield
        finally:
            del self._open[relay]
            if not self._open:
                self._none_open.set()

    async def drain(self) -> None:
        """Ends every stream with a status that says to come again. Streams whose clients do not take it are cut."""
        self._draining = True
        for relay in self._open:
            relay.interrupt(_stopping())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._none_open.wait()
        for task in self._open.values():
            if task is not None:
                task.cancel()


def _stopping() -> MeshError:
    return MeshError(
        Kind.UNAVAILABLE,
        "DEPENDENCY_UNAVAILABLE",
        "the gateway is stopping: connect again and go on after the last message",
        metadata={"dependency": "gateway"},
        retry_after=RETRY_SECONDS,
    )
