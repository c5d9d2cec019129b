"""Manages the directory: tenants with their plans."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from meshkit.context import current
from meshkit.currencies import DIGITS
from meshkit.ids import uuid7
from services.auth import errors
from services.auth.domain.tenants import DEFAULT_CURRENCY, Tenant, TenantPlan
from services.auth.ports import Directory

__all__ = ["DirectoryService"]

_audit = logging.getLogger("audit")
MOST = 1_000
"""Entries of one list."""


class DirectoryService:
    """Keeps the tenants. Every change leaves a line in the audit log."""

    def __init__(self, directory: Directory, *, clock: Callable[[], datetime]) -> None:
        self._directory = directory
        self._clock = clock

    async def create_tenant(self, name: str, currency: str, plan: TenantPlan = TenantPlan()) -> Tenant:
        """Returns the tenant of that name, created now unless it existed. Raises VALIDATION_FAILED for no currency."""
        if currency and currency not in DIGITS:
            raise errors.currency_unknown()
        wanted = Tenant(str(uuid7()), name, currency or DEFAULT_CURRENCY, self._clock(), plan)
        tenant = await self._directory.create_tenant(wanted)
        if tenant.tenant_id == wanted.tenant_id:
            _note("tenant created", tenant=name, tenant_id=tenant.tenant_id)
        return tenant

    async def set_plan(self, name: str, plan: TenantPlan) -> Tenant:
        """Returns the tenant with its new plan. Raises RESOURCE_NOT_FOUND."""
        tenant = await self._directory.set_plan(name, plan)
        if tenant is None:
            raise errors.tenant_not_found()
        _note("tenant plan changed", tenant=name, tenant_id=tenant.tenant_id, plan=plan.claim())
        return tenant

    async def list_tenants(self, after: str, limit: int) -> list[Tenant]:
        """Returns tenants by name, those after the given one; at most `limit`, 0 for as many as one answer has."""
        return await self._directory.list_tenants(after, limit or MOST)


def _note(what: str, **fields: Any) -> None:
    _audit.info(what, extra={"fields": {**fields, "peer": current().peer}})
