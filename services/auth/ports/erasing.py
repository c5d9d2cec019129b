"""What is kept of a tenant for a while after its rows are gone."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

__all__ = ["ErasedTenantStore"]


class ErasedTenantStore(Protocol):
    """The refusals of erased tenants."""

    async def end_refusal(self, tenant_id: str, until: datetime) -> bool:
        """Gives the revocation of all tokens of a tenant its end; False if it has one, or there is none."""
        ...
