"""Wakes what waits for news of the store: workers for tasks, watchers for changes, leases for their cancellation."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Signal", "Signals"]


class Signal:
    """Tells one waiter that there may be news. News that come while nobody waits are kept."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals
        self._event = asyncio.Event()

    def set(self) -> None:
        self._event.set()

    async def wait(self, timeout: float) -> None:
        """Returns at the next news, at once if there were some since the last wait; after `timeout` seconds anyway."""
        if not self._signals.closed:
            try:
                async with asyncio.timeout(max(0.0, timeout)):
                    await self._event.wait()
            except TimeoutError:
                pass
        self._event.clear()


class Signals:
    """Hands news to whoever listens for their topics. News are hints: who waits also looks now and then."""

    def __init__(self) -> None:
        self._listeners: defaultdict[str, set[Signal]] = defaultdict(set)
        self.closed = False
        """True from when the process stops: nobody waits any more."""

    @contextmanager
    def listening(self, *topics: str) -> Iterator[Signal]:
        """Lends a signal that is set by the news of some topics."""
        signal = Signal(self)
        for topic in topics:
            self._listeners[topic].add(signal)
        try:
            yield signal
        finally:
            for topic in topics:
                self._listeners[topic].discard(signal)
                if not self._listeners[topic]:
                    del self._listeners[topic]

    def tell(self, topic: str) -> None:
        for signal in self._listeners.get(topic, ()):
            signal.set()

    def tell_all(self) -> None:
        """Wakes everyone: news may have been missed."""
        for listeners in self._listeners.values():
            for signal in listeners:
                signal.set()

    def close(self) -> None:
        """Ends every wait, and those to come."""
        self.closed = True
        self.tell_all()
