"""Manages the directory: tenants with their plans."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from meshkit.currencies import DIGITS
from meshkit.ids import uuid7
from services.auth import errors
from services.auth.domain.quotas import CountedResource
from services.auth.domain.tenants import DEFAULT_CURRENCY, Tenant, TenantPlan
from services.auth.ports import Directory, RecordedAct
from services.auth.service.acts import act

__all__ = ["DirectoryService"]

MOST = 1_000
"""Entries of one list."""


class DirectoryService:
    """Keeps the tenants. Every change is an event of the tenant's audit log."""

    def __init__(self, directory: Directory, *, clock: Callable[[], datetime]) -> None:
        self._directory = directory
        self._clock = clock

    async def create_tenant(self, name: str, currency: str, plan: TenantPlan = TenantPlan()) -> Tenant:
        """Returns the tenant of that name, created now unless it existed. Raises VALIDATION_FAILED for no currency."""
        if currency and currency not in DIGITS:
            raise errors.currency_unknown()
        wanted = Tenant(str(uuid7()), name, currency or DEFAULT_CURRENCY, self._clock(), plan)
        details = {"name": name, "currency": wanted.default_currency, **_limits(plan)}
        return await self._directory.create_tenant(wanted, _act_on(wanted, "tenant.create", wanted.created_at, details))

    async def set_plan(self, name: str, plan: TenantPlan) -> Tenant:
        """Returns the tenant with its new plan. Raises RESOURCE_NOT_FOUND."""
        tenant = await self._directory.find_tenant(name)
        if tenant is None:
            raise errors.tenant_not_found()
        done = _act_on(tenant, "tenant.set_plan", self._clock(), _limits(plan))
        return await self._directory.set_plan(tenant.tenant_id, plan, done) or tenant

    async def list_tenants(self, after: str, limit: int) -> list[Tenant]:
        """Returns tenants by name, those after the given one; at most `limit`, 0 for as many as one answer has."""
        return await self._directory.list_tenants(after, limit or MOST)


def _act_on(tenant: Tenant, action: str, at: datetime, details: dict[str, str]) -> RecordedAct:
    return RecordedAct(act(action, f"tenants/{tenant.tenant_id}", at, tenant_id=tenant.tenant_id, **details))


def _limits(plan: TenantPlan) -> dict[str, str]:
    classes = " ".join(f"{name}={limit}" for name, limit in plan.class_limits)
    return {
        "rate_limit": str(plan.rate_limit),
        "user_rate_limit": str(plan.user_rate_limit),
        "class_limits": classes,
        **{f"max_{each.value}": str(plan.quota(each)) for each in CountedResource},
    }
