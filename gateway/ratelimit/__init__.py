"""Rate limits at the edge: GCRA per client and class."""

from __future__ import annotations

from gateway.ratelimit.limiter import RateLimiter, Verdict
from gateway.ratelimit.memory import MemoryRateLimiter

__all__ = ["MemoryRateLimiter", "RateLimiter", "Verdict"]
