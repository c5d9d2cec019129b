"""Stops tenants and lets them go on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from services.auth import errors
from services.auth.domain.quotas import QuotaUse
from services.auth.domain.revocations import Revocation
from services.auth.domain.tenants import Tenant
from services.auth.ports import Directory, RecordedAct
from services.auth.service.acts import act

__all__ = ["TenantControl"]


class TenantControl:
    """What the operator may do to a tenant as a whole."""

    def __init__(self, directory: Directory, *, clock: Callable[[], datetime]) -> None:
        self._directory = directory
        self._clock = clock

    async def find(self, name: str) -> Tenant:
        """Raises RESOURCE_NOT_FOUND."""
        tenant = await self._directory.find_tenant(name)
        if tenant is None:
            raise errors.tenant_not_found()
        return tenant

    async def uses(self, tenant: Tenant) -> list[QuotaUse]:
        """Returns how many of each thing that is counted a tenant has, and may have."""
        return await self._directory.uses(tenant)

    async def suspend(self, name: str) -> Tenant:
        """Refuses all access tokens of a tenant, also those to come. Raises RESOURCE_NOT_FOUND."""
        tenant, now = await self.find(name), self._clock()
        event = act("tenant.suspend", f"tenants/{tenant.tenant_id}", now, tenant_id=tenant.tenant_id)
        suspended = RecordedAct(event, revocation=Revocation.of_tenant(tenant.tenant_id))
        return await self._directory.suspend(tenant.tenant_id, now, suspended) or tenant

    async def allow_erasure(self, name: str, tenant_id: str) -> Tenant:
        """Lets every service erase a tenant that is suspended. Raises RESOURCE_NOT_FOUND and STATE_NOT_ALLOWED."""
        tenant, now = await self.find(name), self._clock()
        if tenant.tenant_id != tenant_id:
            raise errors.tenant_not_found()
        event = act("tenant.allow_erasure", f"tenants/{tenant_id}", now, tenant_id=tenant_id)
        done = RecordedAct(event, revocation=Revocation.of_erasure(tenant_id))
        allowed = await self._directory.allow_erasure(tenant_id, now, done)
        if allowed is None or allowed.erasure_allowed_at is None:
            raise errors.tenant_active()
        return allowed

    async def resume(self, name: str) -> Tenant:
        """Lets a tenant have new access tokens; the old ones stay refused. Raises RESOURCE_NOT_FOUND."""
        tenant, now = await self.find(name), self._clock()
        event = act("tenant.resume", f"tenants/{tenant.tenant_id}", now, tenant_id=tenant.tenant_id)
        held = Revocation.of_tenant(tenant.tenant_id), Revocation.of_erasure(tenant.tenant_id)
        resumed = RecordedAct(event, lifted=[each.up_to(now) for each in held])
        return await self._directory.resume(tenant.tenant_id, resumed) or tenant
