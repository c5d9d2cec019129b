"""Where tenants are kept."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from services.auth.domain.quotas import QuotaUse
from services.auth.domain.tenants import Tenant, TenantPlan
from services.auth.ports.acts import RecordedAct

__all__ = ["Directory"]


class Directory(Protocol):
    """The tenants of the platform.

    What changes one returns it as it is then, None if there is none. Nothing is recorded of what changes nothing.
    """

    async def create_tenant(self, tenant: Tenant, act: RecordedAct) -> Tenant:
        """Stores a tenant unless one has its name; returns the one that is stored."""
        ...

    async def find_tenant(self, name: str) -> Tenant | None: ...

    async def get_tenant(self, tenant_id: str) -> Tenant | None: ...

    async def uses(self, tenant: Tenant) -> list[QuotaUse]:
        """Returns how many of each thing a tenant has of what it may have."""
        ...

    async def set_plan(self, tenant_id: str, plan: TenantPlan, act: RecordedAct) -> Tenant | None:
        """Replaces the plan of a tenant, if it has another."""
        ...

    async def suspend(self, tenant_id: str, at: datetime, act: RecordedAct) -> Tenant | None:
        """Notes since when a tenant gets no tokens, unless that is noted; see the act for its tokens."""
        ...

    async def allow_erasure(self, tenant_id: str, at: datetime, act: RecordedAct) -> Tenant | None:
        """Notes since when a tenant that is suspended may be erased, unless that is noted, until it is resumed."""
        ...

    async def resume(self, tenant_id: str, act: RecordedAct) -> Tenant | None:
        """Notes that a tenant gets tokens, if it did not; see the act for those it had."""
        ...

    async def list_tenants(self, after: str, limit: int) -> list[Tenant]:
        """Returns tenants in the order of their names, those after the given one."""
        ...
