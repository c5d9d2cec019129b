"""Describes API keys: what a simple program sends instead of an access token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.auth.domain.secrets import StoredSecrets

__all__ = ["DEFAULT_LIFE", "MAX_LIFE", "ApiKey", "AskedKey", "NewApiKey"]

DEFAULT_LIFE = timedelta(days=90)
MAX_LIFE = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as stored: of the key itself, its hash and its first characters."""

    key_id: str
    tenant_id: str
    display_name: str
    scopes: frozenset[str]
    rate_limit: int
    """Units per second in each class of calls."""
    prefix: str
    secrets: StoredSecrets
    created_at: datetime
    expires_at: datetime
    rotated_at: datetime | None = None
    last_used_at: datetime | None = None

    def good(self, now: datetime) -> bool:
        """Tells whether the key has not ended."""
        return now < self.expires_at


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A stored key and the key itself, which is known this once."""

    key: ApiKey
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AskedKey:
    """What the caller says of a key to be made."""

    display_name: str
    scopes: Sequence[str]
    rate_limit: int
    expires_at: datetime | None
    """None for 90 days from now."""
