"""Who may call, and how often: the access token, its scopes, and the rate limit."""

from __future__ import annotations

import time
from typing import Protocol

from gateway.exchange import Exchange, Scope
from gateway.metrics import Telemetry
from gateway.ratelimit import RateLimiter, Verdict
from meshkit.context import Principal
from meshkit.errors import Kind, MeshError
from meshkit.policy import Policy

__all__ = ["Guard", "Verifier"]

PUBLIC_LIMIT = 50
"""Units per second and client address for methods without a token."""


class Verifier(Protocol):
    """Checks access tokens."""

    def verify_cached(self, token: str) -> Principal | None: ...

    async def verify(self, token: str) -> Principal: ...


class Guard:
    """Admits calls. `workers` gateways share each client's limit."""

    def __init__(self, verifier: Verifier, limiter: RateLimiter, telemetry: Telemetry, *, workers: int = 1) -> None:
        self._verifier = verifier
        self._limiter = limiter
        self._telemetry = telemetry
        self._workers = workers
        self._policy_headers: dict[tuple[str, int], tuple[bytes, bytes]] = {}

    async def admit(self, exchange: Exchange, policy: Policy, scope: Scope) -> str:
        """Sets the exchange's principal and rate-limit headers and returns the token. Raises MeshError."""
        if policy.public:
            self.charge_address(exchange, policy, scope)
            return ""
        token = _bearer(exchange)
        principal = self._verifier.verify_cached(token) or await self._verifier.verify(token)
        exchange.principal = principal
        if policy.scopes.isdisjoint(principal.scopes):
            needed = " or ".join(sorted(policy.scopes)) or "that nobody has"
            raise MeshError(
                Kind.PERMISSION_DENIED,
                "SCOPE_MISSING",
                f"the access token lacks the scope {needed}",
                metadata={"scope": " ".join(sorted(policy.scopes))},
            )
        self._charge(exchange, policy, principal.client_id, principal.rate_limit)
        return token

    def charge_address(self, exchange: Exchange, policy: Policy, scope: Scope) -> None:
        """Charges a call without a token to the client's address. Raises MeshError."""
        client = scope.get("client")
        self._charge(exchange, policy, client[0] if client else "", PUBLIC_LIMIT)

    def _charge(self, exchange: Exchange, policy: Policy, who: str, limit: int) -> None:
        rate = max(limit, 1) / self._workers
        verdict = self._limiter.take((who, policy.rate_class), rate, policy.cost, time.monotonic())
        exchange.extra += self._headers(policy.rate_class, verdict)
        if not verdict.allowed:
            self._telemetry.limited(policy.rate_class)
            raise MeshError(
                Kind.RESOURCE_EXHAUSTED,
                "RATE_LIMITED",
                f"more than {verdict.limit} units of {policy.rate_class} in a second",
                metadata={"class": policy.rate_class, "limit": str(verdict.limit)},
                retry_after=verdict.retry_after,
            )

    def _headers(self, rate_class: str, verdict: Verdict) -> tuple[tuple[bytes, bytes], tuple[bytes, bytes]]:
        """The fields of draft-ietf-httpapi-ratelimit-headers, as RFC 9651 structured fields."""
        key = (rate_class, verdict.limit)
        policy = self._policy_headers.get(key)
        if policy is None:
            if len(self._policy_headers) > 10_000:
                self._policy_headers.clear()
            policy = (b"ratelimit-policy", f'"{rate_class}";q={verdict.limit};w=1'.encode())
            self._policy_headers[key] = policy
        reset = int(verdict.reset_after) + 1
        return policy, (b"ratelimit", f'"{rate_class}";r={verdict.remaining};t={reset}'.encode())


def _bearer(exchange: Exchange) -> str:
    value = exchange.headers.get(b"authorization", b"")
    scheme, _, token = value.partition(b" ")
    token = token.strip()
    if scheme.lower() != b"bearer" or not token:
        raise MeshError(
            Kind.UNAUTHENTICATED, "TOKEN_MISSING", "an access token is required: Authorization: Bearer <token>"
        )
    return token.decode("latin-1")
