"""Entities of the directory: tenants and their plans, and the tokens for their APIs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from services.auth.domain.quotas import CountedResource

__all__ = ["DEFAULT_CURRENCY", "MOST_TOKEN_SECONDS", "IssuedToken", "Tenant", "TenantPlan"]

DEFAULT_CURRENCY = "USD"
MOST_TOKEN_SECONDS = 86_400
"""Longest life of an access token that can be set."""


@dataclass(frozen=True, slots=True)
class TenantPlan:
    """What the clients of a tenant may use together, and how much of other things it may have.

    Rates are in units per second; 0 means that there is no such limit. Of a number 0 means that of everybody.
    """

    rate_limit: int = 0
    """In all classes of calls together."""
    user_rate_limit: int = 0
    """Of one class by one user that a client acts for."""
    class_limits: tuple[tuple[str, int], ...] = ()
    """Of single classes, by name, sorted."""
    max_members: int = 0
    max_clients: int = 0
    max_api_keys: int = 0

    def quota(self, resource: CountedResource) -> int:
        """Returns how many of a thing the plan says that there may be, 0 if it does not."""
        said = {
            CountedResource.MEMBERS: self.max_members,
            CountedResource.CLIENTS: self.max_clients,
            CountedResource.API_KEYS: self.max_api_keys,
        }
        return said[resource]

    def claim(self) -> dict[str, object]:
        """Returns the rates of the plan as they stand in access tokens; empty without limits."""
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
    erasure_allowed_at: datetime | None = None
    """Since when it may be erased."""


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """An access token and what it grants."""

    token: str = field(repr=False)
    expires_in: int
    """Seconds."""
    scope: str
    """Scopes, separated by spaces."""
