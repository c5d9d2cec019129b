"""Finishes the erasure of a tenant when no row of it is left."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from meshkit.context import SYSTEM_TENANT
from services.auth.domain.revocations import LONGEST_LIFE
from services.auth.ports.erasing import ErasedTenantStore
from services.auth.service.acts import act

__all__ = ["TenantErasure"]


class TenantErasure:
    """Lets the refusal of an erased tenant's tokens end with the last of them, and tells the platform's audit log."""

    def __init__(self, store: ErasedTenantStore, *, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def forget(self, tenant_id: str) -> None:
        """May be called again. Raises UNAVAILABLE."""
        now = self._clock()
        event = act("tenant.erase", f"tenants/{tenant_id}", now, tenant_id=SYSTEM_TENANT)
        await self._store.end_refusal(tenant_id, now + LONGEST_LIFE, event)
