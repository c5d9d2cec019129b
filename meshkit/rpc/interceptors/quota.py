"""Charges callers of teams' own, who come with a certificate `client/...`, as the edge charges those from outside.

Calls that came through the edge are charged there. Each process of a service counts for itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import lru_cache

from google.protobuf.message import Message
from prometheus_client import Counter

from meshkit.identity.policy import Policy
from meshkit.limits import Limit, RateLimiter, check_size, limits_of, rate_limited
from meshkit.rpc.interceptors.chain import Call, Handler

__all__ = ["CLIENTS", "PEER_RATE", "ClientQuota"]

CLIENTS = "client/"
PEER_RATE = 50
"""Units per second and peer for methods without a token, as the edge allows an address."""

_limited = Counter("grpc_server_rate_limited", "Calls of peers that a rate limit refused, by class.", ["class"])
_limits_of = lru_cache(10_000)(limits_of)


class ClientQuota:
    """A middleware that follows `authorization`: the limits are those that the verified token names."""

    def __init__(self, limiter: RateLimiter, clock: Callable[[], float] = time.monotonic) -> None:
        self._limiter = limiter
        self._clock = clock

    async def __call__(self, request: Message, call: Call, handler: Handler) -> Message:
        if call.context.peer.startswith(CLIENTS):
            self._charge(request, call)
        return await handler(request, call)

    def _charge(self, request: Message, call: Call) -> None:
        policy, limits = call.policy, _limits(call)
        units = len(getattr(request, policy.items)) if policy.items else 1
        if units > 1:
            check_size(limits, units, cost=policy.cost, items=policy.items)
        verdicts = self._limiter.take_all(limits, policy.cost * max(1, units), self._clock())
        if not all(verdict.allowed for verdict in verdicts):
            _limited.labels(policy.rate_class).inc()
            raise rate_limited(policy.rate_class, limits, verdicts)


def _limits(call: Call) -> Sequence[Limit]:
    principal, rate_class = call.context.principal, call.policy.rate_class
    if principal is not None:
        return _limits_of(principal, rate_class)
    return (_of_peer(call.context.peer, call.policy),)


def _of_peer(peer: str, policy: Policy) -> Limit:
    return Limit(policy.rate_class, f"{policy.rate_class} peer {peer}", PEER_RATE)
