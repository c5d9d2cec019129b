"""Limits in Redis before the call, for classes that must never exceed their limit anywhere."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from prometheus_client import Counter

from gateway.edge.ratelimit.shared import Charge, LimitsUnavailableError, SharedLimits
from meshkit.limits import Limit, LimitVerdict, MemoryRateLimiter

__all__ = ["StrictRateLimiter"]

PAUSE_SECONDS = 1.0
"""After a failure the local limiter decides for this long, so that a hanging Redis costs one timeout in a second."""

_fallbacks = Counter("rate_limit_strict_fallbacks", "Strict verdicts that were given locally.")


class StrictRateLimiter:
    """Asks the shared state, and the local limiter where that does not answer in time."""

    def __init__(self, local: MemoryRateLimiter, shared: SharedLimits) -> None:
        self._local = local
        self._shared = shared
        self._paused_until = float("-inf")

    async def take_all(self, limits: Sequence[Limit], cost: int, now: float, paid: int = 0) -> list[LimitVerdict]:
        """Charges every limit, or none of them if one refuses. Returns a verdict for each."""
        if now >= self._paused_until:
            charges = [_charge(limit, cost) for limit in limits]
            try:
                allowed, backlogs = await self._shared.take(charges)
            except LimitsUnavailableError:
                self._paused_until = now + PAUSE_SECONDS
            else:
                return self._verdicts(limits, charges, allowed, backlogs, now)
        _fallbacks.inc()
        return self._local.take_all(limits, cost, now, paid)

    async def give_back(self, limits: Sequence[Limit], cost: int, now: float) -> None:
        """Takes back what a call has paid that is refused after all, if the shared state can be had."""
        if now < self._paused_until:
            self._local.give_back(limits, cost)
            return
        with contextlib.suppress(LimitsUnavailableError):
            await self._shared.exchange({limit.key: -_charge(limit, cost).seconds for limit in limits})

    def _verdicts(
        self, limits: Sequence[Limit], charges: Sequence[Charge], allowed: bool, backlogs: Sequence[float], now: float
    ) -> list[LimitVerdict]:
        # The local limiter hears of it, so that it goes on from there if it has to.
        self._local.hold(limits)
        verdicts = []
        for limit, charge, before in zip(limits, charges, backlogs, strict=True):
            backlog = before + charge.seconds if allowed else before
            self._local.learn(limit.key, backlog, now)
            verdicts.append(_verdict(limit, charge, before, backlog))
        return verdicts


def _charge(limit: Limit, cost: int) -> Charge:
    return Charge(limit.key, min(cost * limit.interval, limit.window), limit.window)


def _verdict(limit: Limit, charge: Charge, before: float, backlog: float) -> LimitVerdict:
    wait = before + charge.seconds - charge.window
    remaining = max(0, int((limit.window - backlog) / limit.interval + 1e-6))
    return LimitVerdict(wait <= 1e-9, remaining, backlog, max(0.0, wait) if wait > 1e-9 else 0.0)
