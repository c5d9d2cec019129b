"""Says how many of a thing a tenant may have."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["CountedResource", "QuotaUse"]


class CountedResource(Enum):
    """What is counted, as plans name it."""

    MEMBERS = "members"
    """Those who are invited, active or disabled; not those who were deleted."""
    CLIENTS = "clients"
    API_KEYS = "api_keys"
    """Also those that have expired: they are there until they are deleted."""

    @property
    def default(self) -> int:
        """How many a tenant may have whose plan does not say."""
        return 10_000 if self is CountedResource.MEMBERS else 1_000


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """How many a tenant has of what it may have."""

    resource: CountedResource
    said: int
    """What the plan says; 0 for nothing."""
    used: int

    @property
    def limit(self) -> int:
        return self.said or self.resource.default

    @property
    def spent(self) -> bool:
        """Whether there is no room for another."""
        return self.used >= self.limit
