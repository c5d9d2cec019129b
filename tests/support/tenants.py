"""Tenants in the directory of the auth service."""

from __future__ import annotations

from services.auth.domain.audit import AuditEvent
from services.auth.domain.tenants import Tenant, TenantPlan
from services.auth.ports import Directory, RecordedAct

__all__ = ["add_tenant", "give_plan"]


async def add_tenant(directory: Directory, tenant: Tenant) -> Tenant:
    """Returns the tenant as it is stored."""
    event = AuditEvent("tenant.create", tenant.tenant_id, tenant.created_at)
    return await directory.create_tenant(tenant, RecordedAct(event))


async def give_plan(directory: Directory, tenant: Tenant, plan: TenantPlan) -> None:
    """Replaces the plan of a tenant."""
    event = AuditEvent("tenant.set_plan", tenant.tenant_id, tenant.created_at)
    assert await directory.set_plan(tenant.tenant_id, plan, RecordedAct(event)) is not None
