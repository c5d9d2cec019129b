"""The limiters of one process, put together."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, NamedTuple

from redis.asyncio import Redis

from gateway.edge.ratelimit.limiter import RateLimiter
from gateway.edge.ratelimit.memory import MemoryRateLimiter
from gateway.edge.ratelimit.reconciler import Reconciler
from gateway.edge.ratelimit.redis_shared import RedisShared
from gateway.edge.ratelimit.strict import StrictRateLimiter

__all__ = ["Limiters", "make_limiters"]


class Limiters(NamedTuple):
    """What decides, and the work that must run beside it."""

    local: RateLimiter
    strict: StrictRateLimiter | None
    work: tuple[Coroutine[Any, Any, None], ...]


def make_limiters(redis: Redis | None, *, workers: int) -> Limiters:
    """Without Redis the limiter of each of `workers` processes allows its part of every limit."""
    if redis is None:
        return Limiters(MemoryRateLimiter(sharers=workers), None, ())
    shared = RedisShared(redis)
    reconciler = Reconciler(shared, workers=workers)
    return Limiters(reconciler.limiter, StrictRateLimiter(reconciler.limiter, shared), (reconciler.run(),))
