"""Entities of the directory: tenants and their plans, and the tokens for their APIs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

__all__ = ["DEFAULT_CURRENCY", "MOST_TOKEN_SECONDS", "IssuedToken", "Tenant", "TenantPlan"]

DEFAULT_CURRENCY = "USD"
MOST_TOKEN_SECONDS = 86_400
"""Longest life of an access token that can be set."""


@dataclass(frozen=True, slots=True)
class TenantPlan:
    """What the clients of a tenant may use together, in units per second. 0 means that there is no such limit."""

    rate_limit: int = 0
    """In all classes of calls together."""
    user_rate_limit: int = 0
    """Of one class by one user that a client acts for."""
    class_limits: tuple[tuple[str, int], ...] = ()
    """Of single classes, by name, sorted."""

    def claim(self) -> dict[str, object]:
        """Returns the plan as it stands in access tokens; empty without limits."""
        limits = {"tenant": self.rate_limit, "user": self.user_rate_limit, "classes": dict(self.class_limits)}
        return {name: limit for name, limit in limits.items() if limit}


@dataclass(frozen=True, slots=True)
class Tenant:
    """An isolated customer of the platform."""

    tenant_id: str
    name: str
    default_currency: str
    created_at: datetime
    plan: TenantPlan = TenantPlan()
    suspended_at: datetime | None = None
    """Since when it gets no access tokens."""


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """An access token and what it grants."""

    token: str = field(repr=False)
    expires_in: int
    """Seconds."""
    scope: str
    """Scopes, separated by spaces."""
