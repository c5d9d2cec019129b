"""Keeps tenants in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from services.auth.adapters.memory_acts import MemoryActs
from services.auth.domain.tenants import Tenant, TenantPlan
from services.auth.ports import RecordedAct

__all__ = ["MemoryDirectory"]


class MemoryDirectory(MemoryActs):
    """Implements `Directory`."""

    def __init__(self) -> None:
        super().__init__()
        self._tenants: dict[str, Tenant] = {}

    async def create_tenant(self, tenant: Tenant) -> Tenant:
        return self._tenants.setdefault(tenant.name, tenant)

    async def find_tenant(self, name: str) -> Tenant | None:
        return self._tenants.get(name)

    async def get_tenant(self, tenant_id: str) -> Tenant | None:
        return next((tenant for tenant in self._tenants.values() if tenant.tenant_id == tenant_id), None)

    async def set_plan(self, name: str, plan: TenantPlan) -> Tenant | None:
        if name in self._tenants:
            self._tenants[name] = replace(self._tenants[name], plan=plan)
        return self._tenants.get(name)

    async def suspend(self, tenant_id: str, at: datetime, act: RecordedAct) -> Tenant | None:
        tenant = await self.get_tenant(tenant_id)
        return self._note(tenant, at, act) if tenant is not None and tenant.suspended_at is None else tenant

    async def resume(self, tenant_id: str, act: RecordedAct) -> Tenant | None:
        tenant = await self.get_tenant(tenant_id)
        return self._note(tenant, None, act) if tenant is not None and tenant.suspended_at is not None else tenant

    def _note(self, tenant: Tenant, since: datetime | None, act: RecordedAct) -> Tenant:
        self._tenants[tenant.name] = changed = replace(tenant, suspended_at=since)
        self.record(act)
        return changed

    async def list_tenants(self, after: str, limit: int) -> list[Tenant]:
        return [self._tenants[name] for name in sorted(self._tenants) if name > after][:limit]

    def owner(self, tenant_id: str) -> Tenant:
        """Returns the tenant of an identifier that is known to exist."""
        return next(tenant for tenant in self._tenants.values() if tenant.tenant_id == tenant_id)
