"""GCRA in memory (ITU-T I.371): one number for each key, no timers, exact at any rate."""

from __future__ import annotations

from collections import OrderedDict

from gateway.ratelimit.limiter import Verdict

__all__ = ["MemoryRateLimiter"]

MAX_KEYS = 100_000


class MemoryRateLimiter:
    """Keeps for each key the time at which its burst is whole again. The least recently used keys are forgotten."""

    def __init__(self, max_keys: int = MAX_KEYS) -> None:
        self._max_keys = max_keys
        self._whole_at: OrderedDict[object, float] = OrderedDict()

    def take(self, key: object, limit: float, cost: int, now: float) -> Verdict:
        """Charges a call. A burst is one second's worth, at least one unit; a call costs no more than it."""
        burst = max(1.0, limit)
        charge = min(float(cost), burst) / limit
        window = burst / limit
        whole_at = self._whole_at.get(key, now)
        start = whole_at if whole_at > now else now
        wait = start + charge - window - now
        if wait > 1e-9:
            return Verdict(False, int(burst), int((window - start + now) * limit + 1e-6), start - now, wait)
        self._whole_at[key] = start + charge
        self._whole_at.move_to_end(key)
        if len(self._whole_at) > self._max_keys:
            self._whole_at.popitem(last=False)
        after = start + charge - now
        return Verdict(True, int(burst), int((window - after) * limit + 1e-6), after, 0.0)
