"""Remembers for a moment whose logs are not to be relied on."""

from __future__ import annotations

from collections.abc import Callable, Collection

__all__ = ["DistrustedTenants"]

SECONDS = 0.5


class DistrustedTenants:
    """Tenants of whom a decision that was made from the logs was not stored a moment ago."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def add(self, tenants: Collection[str]) -> None:
        now = self._clock()
        self._until = {tenant: until for tenant, until in self._until.items() if until > now}
        self._until.update(dict.fromkeys(tenants, now + SECONDS))

    def among(self, tenants: Collection[str]) -> frozenset[str]:
        if not self._until:
            return frozenset()
        now = self._clock()
        return frozenset(tenant for tenant in tenants if self._until.get(tenant, 0.0) > now)
