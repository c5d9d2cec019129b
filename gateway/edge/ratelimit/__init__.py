"""Rate limits at the edge: decided locally at once (`meshkit.limits`), and reconciled among gateways a moment later."""

from __future__ import annotations

from gateway.edge.ratelimit.book import Charges, LimitBook
from gateway.edge.ratelimit.headers import policy_field, state_field
from gateway.edge.ratelimit.limiters import Limiters, make_limiters
from gateway.edge.ratelimit.reconciler import Reconciler
from gateway.edge.ratelimit.redis_shared import RedisShared
from gateway.edge.ratelimit.settings import LimitSettings
from gateway.edge.ratelimit.shared import SharedLimits
from gateway.edge.ratelimit.strict import StrictRateLimiter

__all__ = [
    "Charges",
    "LimitBook",
    "LimitSettings",
    "Limiters",
    "Reconciler",
    "RedisShared",
    "SharedLimits",
    "StrictRateLimiter",
    "make_limiters",
    "policy_field",
    "state_field",
]
