"""Paces a replay: as fast as possible, at a rate, or at the speed of the file."""

from __future__ import annotations

import asyncio
from typing import Protocol

from console.replaying.records import Record


class Pace(Protocol):
    """Says when a record is due, in seconds after the first one sent. Records come in the order of the file."""

    def due(self, record: Record) -> float: ...


class FullSpeed:
    """Everything is due at once: the platform's limits and the concurrency set the pace."""

    def due(self, record: Record) -> float:
        return 0.0


class FixedRate:
    """A number of records per second."""

    def __init__(self, per_second: float) -> None:
        self._interval = 1 / per_second
        self._count = 0

    def due(self, record: Record) -> float:
        self._count += 1
        return (self._count - 1) * self._interval


class TimeScale:
    """The intervals of the events themselves, so many times faster."""

    def __init__(self, factor: float) -> None:
        self._factor = factor
        self._first: float | None = None

    def due(self, record: Record) -> float:
        if self._first is None:
            self._first = record.event_time
        return (record.event_time - self._first) / self._factor


class Clock:
    """Waits until a time, given in seconds after the first use."""

    def __init__(self) -> None:
        self._start: float | None = None

    async def wait_until(self, due: float) -> None:
        now = asyncio.get_running_loop().time()
        if self._start is None:
            self._start = now
        delay = self._start + due - now
        if delay > 0:
            await asyncio.sleep(delay)
