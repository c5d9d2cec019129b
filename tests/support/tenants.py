"""Tenants in the directory of the auth service."""

from __future__ import annotations

from services.auth.domain.audit import AuditEvent
from services.auth.domain.tenants import Tenant
from services.auth.ports import Directory, RecordedAct

__all__ = ["add_tenant"]


async def add_tenant(directory: Directory, tenant: Tenant) -> Tenant:
    """Returns the tenant as it is stored."""
    event = AuditEvent("tenant.create", tenant.tenant_id, tenant.created_at)
    return await directory.create_tenant(tenant, RecordedAct(event))
