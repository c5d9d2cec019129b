"""Rate limits at the edge: GCRA decided locally at once, and reconciled among gateways a moment later."""

from __future__ import annotations

from gateway.ratelimit.book import Charges, LimitBook
from gateway.ratelimit.fields import policy_field, state_field
from gateway.ratelimit.limiter import Limit, RateLimiter, Verdict
from gateway.ratelimit.limiters import Limiters, make_limiters
from gateway.ratelimit.memory import MemoryRateLimiter
from gateway.ratelimit.reconciler import Reconciler
from gateway.ratelimit.redis_shared import RedisShared
from gateway.ratelimit.settings import LimitSettings
from gateway.ratelimit.shared import SharedLimits
from gateway.ratelimit.strict import StrictRateLimiter

__all__ = [
    "Charges",
    "Limit",
    "LimitBook",
    "LimitSettings",
    "Limiters",
    "MemoryRateLimiter",
    "RateLimiter",
    "Reconciler",
    "RedisShared",
    "SharedLimits",
    "StrictRateLimiter",
    "Verdict",
    "make_limiters",
    "policy_field",
    "state_field",
]
