"""Bounds how many watch at once and how fast they are served, so that watching never takes what deciding needs."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Gauge

from services.fraud.errors import too_many_watchers

__all__ = ["WatchLimits", "WatchPace"]

_open = Gauge("decision_watches", "Streams of decisions that are open.")


class WatchLimits:
    """Counts the watchers of a process and of each tenant."""

    def __init__(self, total: int, per_tenant: int) -> None:
        self._total = total
        self._per_tenant = per_tenant
        self._taken: Counter[str] = Counter()
        _open.set_function(self._taken.total)

    @contextmanager
    def taken(self, tenant_id: str) -> Iterator[None]:
        """Counts a watcher for the block. Raises OVERLOADED if there are as many as there may be."""
        if self._taken[tenant_id] >= self._per_tenant:
            raise too_many_watchers("the tenant")
        if self._taken.total() >= self._total:
            raise too_many_watchers("the service")
        self._taken[tenant_id] += 1
        try:
            yield
        finally:
            self._taken[tenant_id] -= 1
            if not self._taken[tenant_id]:
                del self._taken[tenant_id]


class WatchPace:
    """Spaces responses out once they come faster than `rate` a second; a tenth of a second's worth may come at once."""

    def __init__(self, rate: float) -> None:
        self._interval = 1.0 / rate
        self._slack = 0.1
        self._next = float("-inf")

    async def keep(self) -> None:
        """Waits for the next turn."""
        now = asyncio.get_running_loop().time()
        self._next = max(self._next, now - self._slack) + self._interval
        if self._next > now:
            await asyncio.sleep(self._next - now)
