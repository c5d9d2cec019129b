"""Entities of the directory: tenants, their plans and clients, and what a client may ask for."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from datetime import datetime

__all__ = [
    "DEFAULT_CURRENCY",
    "DEFAULT_RATE_LIMIT",
    "MOST_TOKEN_SECONDS",
    "Client",
    "IssuedToken",
    "NewClient",
    "Tenant",
    "TenantPlan",
    "granted",
    "secret_hash",
    "unknown_scopes",
]

DEFAULT_RATE_LIMIT = 100
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


@dataclass(frozen=True, slots=True)
class Client:
    """A program of a tenant that may ask for access tokens."""

    client_id: str
    tenant_id: str
    secret_hash: bytes
    """SHA-256 of the secret. The secret has 256 random bits, so a slow hash would protect nothing more."""
    scopes: frozenset[str]
    rate_limit: int
    """Units per second in each class of calls."""
    display_name: str
    created_at: datetime
    rotated_at: datetime | None = None
    """When the secret was last replaced."""
    disabled_at: datetime | None = None
    """Since when the client gets no tokens."""


@dataclass(frozen=True, slots=True)
class NewClient:
    """A stored client and its secret, which is known this once."""

    client: Client
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """An access token and what it grants."""

    token: str = field(repr=False)
    expires_in: int
    """Seconds."""
    scope: str
    """Scopes, separated by spaces."""


def granted(client: Client, asked: str) -> frozenset[str]:
    """Returns the scopes asked for, separated by spaces; all of the client's if none are named."""
    return frozenset(asked.split()) or client.scopes


def secret_hash(secret: str) -> bytes:
    """Returns what is stored of a client's secret: its SHA-256."""
    return hashlib.sha256(secret.encode()).digest()


def unknown_scopes(scopes: Iterable[str], known: Container[str]) -> list[int]:
    """Returns the positions of scopes that do not exist."""
    return [index for index, scope in enumerate(scopes) if scope not in known]
