"""Makes the limiters of one process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from redis.asyncio import Redis

from gateway.edge.ratelimit.reconciler import Reconciler
from gateway.edge.ratelimit.redis_shared import RedisShared
from gateway.edge.ratelimit.strict import StrictRateLimiter
from meshkit.limits import MemoryRateLimiter, RateLimiter
from meshkit.supervisor import Work

__all__ = ["Limiters", "make_limiters"]


class Limiters(NamedTuple):
    """What decides, and the background work that keeps it true."""

    local: RateLimiter
    strict: StrictRateLimiter | None
    work: Mapping[str, Work]
    """By name."""


def make_limiters(redis: Redis | None, *, workers: int) -> Limiters:
    """Without Redis the limiter of each of `workers` processes allows its part of every limit."""
    if redis is None:
        return Limiters(MemoryRateLimiter(sharers=workers), None, {})
    shared = RedisShared(redis)
    reconciler = Reconciler(shared, workers=workers)
    return Limiters(reconciler.limiter, StrictRateLimiter(reconciler.limiter, shared), {"rate limits": reconciler.run})
