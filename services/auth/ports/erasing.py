"""What is kept of a tenant for a while after its rows are gone."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from services.auth.domain.audit import AuditEvent

__all__ = ["ErasedTenantStore"]


class ErasedTenantStore(Protocol):
    """The refusals of erased tenants."""

    async def end_refusal(self, tenant_id: str, until: datetime, event: AuditEvent) -> None:
        """Gives the revocation of all tokens of a tenant its end, and records that.

        Nothing happens if it has one, or there is none.
        """
        ...
