"""Tenants, their clients and what a client may ask for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

__all__ = [
    "DEFAULT_CURRENCY",
    "DEFAULT_RATE_LIMIT",
    "DEFAULT_SCOPES",
    "SCOPES",
    "Client",
    "Tenant",
    "granted",
    "unknown_scopes",
]

SCOPES = frozenset(
    {
        "decision:create",
        "decision:read",
        "user:read",
        "user:write",
        "transaction:read",
        "fraud:backfill",
    }
)
# Old events change features of the past, so a client gets that right only when it is named.
DEFAULT_SCOPES = SCOPES - {"fraud:backfill"}
DEFAULT_RATE_LIMIT = 100
DEFAULT_CURRENCY = "USD"


@dataclass(frozen=True, slots=True)
class Tenant:
    """An isolated customer of the platform."""

    tenant_id: str
    name: str
    default_currency: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Client:
    """A program of a tenant that may ask for access tokens."""

    client_id: str
    tenant_id: str
    secret_hash: bytes
    """SHA-256 of the secret. The secret has 256 random bits, so a slow hash would protect nothing more."""
    scopes: frozenset[str]
    rate_limit: int
    """Requests per second."""
    display_name: str
    created_at: datetime


def granted(client: Client, asked: str) -> frozenset[str]:
    """Returns the scopes asked for, separated by spaces; all of the client's if none are named."""
    return frozenset(asked.split()) or client.scopes


def unknown_scopes(scopes: Iterable[str]) -> list[int]:
    """Returns the positions of scopes that do not exist."""
    return [index for index, scope in enumerate(scopes) if scope not in SCOPES]
