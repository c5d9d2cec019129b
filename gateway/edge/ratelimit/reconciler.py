"""Reconciles the limiters of several gateways: each decides at once, and a moment later all know the same.

Every period the keys that are in use here go to the shared state with what was used since the last exchange, and what
all limiters together have used comes back. With n limiters that each exchange a use within d seconds, a limit of rate R
and burst B holds for all of them together up to

    R·T + n·B + (n − 1)·R·d        units in any T seconds,

that is (n − 1)·(B + R·d) more than one limiter alone would allow, once: what was too much is a backlog that has to pass
first (ADR 0009 has the proof).

While the shared state is away each limiter allows its part of every limit, and nothing of that becomes a debt.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable

from prometheus_client import Counter, Gauge

from gateway.edge.ratelimit.shared import LimitsUnavailableError, SharedLimits
from meshkit.limits import MemoryRateLimiter

__all__ = ["PERIOD_SECONDS", "Reconciler"]

_log = logging.getLogger(__name__)
_exchanges = Counter("rate_limit_exchanges", "Exchanges of use between limiters.", ["result"])
_alone = Gauge(
    "rate_limits_local",
    "Workers whose limits are their local share only.",
    multiprocess_mode="livesum",
)

PERIOD_SECONDS = 0.1
"""Longest time from a use to its exchange, but for the time that Redis takes."""
HASTE_SECONDS = 0.01
"""Shortest time between two exchanges."""
MEETING_SECONDS = 1.0
"""How often a limiter says that it lives, also when it has nothing to exchange."""
RETRY_SECONDS = 1.0
MAX_KEYS = 1_000
"""Most keys in one exchange; the others wait for the next, which then follows at once."""


class Reconciler:
    """Keeps one limiter up to date. While there is no exchange at least `workers` limiters are reckoned with."""

    def __init__(self, shared: SharedLimits, *, workers: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        self._haste = asyncio.Event()
        self.limiter = MemoryRateLimiter(sharers=workers, hasten=self._haste.set)
        self._shared = shared
        self._workers = workers
        self._peers = workers
        self._clock = clock
        self._member = secrets.token_hex(8)
        self._met = float("-inf")
        self._connected = False
        _alone.set(1)

    @property
    def connected(self) -> bool:
        """True while limits are held together with the other limiters."""
        return self._connected

    async def run(self) -> None:
        """Exchanges for ever."""
        while True:
            await self.exchange()
            await self._pause()

    async def exchange(self) -> None:
        """Exchanges once. A failure is noted, never raised."""
        self._haste.clear()
        try:
            await self._meet()
            await self._share()
        except LimitsUnavailableError as error:
            _exchanges.labels("failed").inc()
            self._lose(error)

    async def _meet(self) -> None:
        if self._connected and self._clock() - self._met < MEETING_SECONDS:
            return
        self._peers = max(self._workers, await self._shared.meet(self._member))
        self._met = self._clock()
        if not self._connected:
            self._find()

    async def _share(self) -> None:
        used = self.limiter.drain(MAX_KEYS, self._clock())
        if not used:
            return
        backlogs = await self._shared.exchange(used)
        now = self._clock()
        for key, backlog in zip(used, backlogs, strict=True):
            self.limiter.learn(key, backlog, now)
        _exchanges.labels("done").inc()

    async def _pause(self) -> None:
        if not self._connected:
            await asyncio.sleep(RETRY_SECONDS)
            return
        await asyncio.sleep(HASTE_SECONDS)
        if self.limiter.due <= MAX_KEYS:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PERIOD_SECONDS - HASTE_SECONDS):
                    await self._haste.wait()

    def _find(self) -> None:
        # What was used before was allowed out of a share of its own.
        self.limiter.forget_use()
        self.limiter.sharers = 1
        self._connected = True
        _alone.set(0)
        _log.info("rate limits are shared with %d limiters", self._peers)

    def _lose(self, error: LimitsUnavailableError) -> None:
        self.limiter.forget_use()
        self.limiter.sharers = self._peers
        if self._connected:
            _log.warning("rate limits fall back to one part in %d: the shared state failed: %s", self._peers, error)
        self._connected = False
        _alone.set(1)
