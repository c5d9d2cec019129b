"""Rate limits: GCRA decided in memory, of whom a verified token names. The edge and the services charge alike."""

from __future__ import annotations

from meshkit.limits.limiter import Limit, LimitVerdict, RateLimiter
from meshkit.limits.memory import MemoryRateLimiter
from meshkit.limits.plan import limits_of
from meshkit.limits.refusal import check_size, rate_limited

__all__ = ["Limit", "LimitVerdict", "MemoryRateLimiter", "RateLimiter", "check_size", "limits_of", "rate_limited"]
