"""Keeps tenants in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from services.auth.domain.audit import AuditEvent
from services.auth.domain.tenants import Tenant, TenantPlan

__all__ = ["MemoryDirectory"]


class MemoryDirectory:
    """Implements `Directory`."""

    def __init__(self) -> None:
        self._tenants: dict[str, Tenant] = {}
        self.events: list[AuditEvent] = []

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

    async def suspend(self, tenant_id: str, at: datetime, event: AuditEvent) -> Tenant | None:
        tenant = await self.get_tenant(tenant_id)
        return self._note(tenant, at, event) if tenant is not None and tenant.suspended_at is None else tenant

    async def resume(self, tenant_id: str, at: datetime, event: AuditEvent) -> Tenant | None:
        tenant = await self.get_tenant(tenant_id)
        return self._note(tenant, None, event) if tenant is not None and tenant.suspended_at is not None else tenant

    def _note(self, tenant: Tenant, since: datetime | None, event: AuditEvent) -> Tenant:
        self._tenants[tenant.name] = changed = replace(tenant, suspended_at=since)
        self.events.append(event)
        return changed

    async def list_tenants(self, after: str, limit: int) -> list[Tenant]:
        return [self._tenants[name] for name in sorted(self._tenants) if name > after][:limit]

    def owner(self, tenant_id: str) -> Tenant:
        """Returns the tenant of an identifier that is known to exist."""
        return next(tenant for tenant in self._tenants.values() if tenant.tenant_id == tenant_id)
