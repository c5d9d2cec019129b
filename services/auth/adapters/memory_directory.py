"""Keeps tenants in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from services.auth.adapters.memory_acts import MemoryActs
from services.auth.domain.quotas import CountedResource, QuotaUse
from services.auth.domain.tenants import Tenant, TenantPlan
from services.auth.ports import RecordedAct

__all__ = ["MemoryDirectory"]


class MemoryDirectory(MemoryActs):
    """Implements `Directory`."""

    def __init__(self) -> None:
        super().__init__()
        self._tenants: dict[str, Tenant] = {}
        self.counts: dict[CountedResource, Callable[[str], int]] = {}
        """What the stores of things that are counted say of a tenant."""

    async def create_tenant(self, tenant: Tenant, act: RecordedAct) -> Tenant:
        if tenant.name not in self._tenants:
            self._tenants[tenant.name] = tenant
            self.record(act)
        return self._tenants[tenant.name]

    async def find_tenant(self, name: str) -> Tenant | None:
        return self._tenants.get(name)

    async def get_tenant(self, tenant_id: str) -> Tenant | None:
        return next((tenant for tenant in self._tenants.values() if tenant.tenant_id == tenant_id), None)

    async def uses(self, tenant: Tenant) -> list[QuotaUse]:
        return [
            QuotaUse(each, tenant.plan.quota(each), self.counts[each](tenant.tenant_id) if each in self.counts else 0)
            for each in CountedResource
        ]

    async def set_plan(self, tenant_id: str, plan: TenantPlan, act: RecordedAct) -> Tenant | None:
        return await self._change(tenant_id, lambda tenant: replace(tenant, plan=plan), act)

    async def suspend(self, tenant_id: str, at: datetime, act: RecordedAct) -> Tenant | None:
        return await self._change(
            tenant_id, lambda tenant: tenant if tenant.suspended_at else replace(tenant, suspended_at=at), act
        )

    async def resume(self, tenant_id: str, act: RecordedAct) -> Tenant | None:
        return await self._change(
            tenant_id, lambda tenant: replace(tenant, suspended_at=None, erasure_allowed_at=None), act
        )

    async def allow_erasure(self, tenant_id: str, at: datetime, act: RecordedAct) -> Tenant | None:
        def change(tenant: Tenant) -> Tenant:
            fit = tenant.suspended_at is not None and tenant.erasure_allowed_at is None
            return replace(tenant, erasure_allowed_at=at) if fit else tenant

        return await self._change(tenant_id, change, act)

    async def _change(self, tenant_id: str, change: Callable[[Tenant], Tenant], act: RecordedAct) -> Tenant | None:
        tenant = await self.get_tenant(tenant_id)
        if tenant is None or change(tenant) == tenant:
            return tenant
        self._tenants[tenant.name] = changed = change(tenant)
        self.record(act)
        return changed

    async def list_tenants(self, after: str, limit: int) -> list[Tenant]:
        return [self._tenants[name] for name in sorted(self._tenants) if name > after][:limit]

    def said(self, tenant_id: str, resource: CountedResource) -> int:
        """Returns how many of a thing the plan of a tenant says that there may be; 0 for one that is not known."""
        found = next((tenant for tenant in self._tenants.values() if tenant.tenant_id == tenant_id), None)
        return found.plan.quota(resource) if found is not None else 0

    def owner(self, tenant_id: str) -> Tenant:
        """Returns the tenant of an identifier that is known to exist."""
        return next(tenant for tenant in self._tenants.values() if tenant.tenant_id == tenant_id)
