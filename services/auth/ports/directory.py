"""Where tenants and their clients are kept."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from services.auth.domain.tenants import Client, Tenant, TenantPlan

__all__ = ["ClientDirectory"]


class ClientDirectory(Protocol):
    """Tenants and their clients."""

    async def create_tenant(self, tenant: Tenant) -> Tenant:
        """Stores a tenant unless one has its name; returns the one that is stored."""
        ...

    async def find_tenant(self, name: str) -> Tenant | None: ...

    async def get_tenant(self, tenant_id: str) -> Tenant | None: ...

    async def set_plan(self, name: str, plan: TenantPlan) -> Tenant | None:
        """Replaces the plan of a tenant; returns the tenant as it is then, None if there is none of that name."""
        ...

    async def list_tenants(self, after: str, limit: int) -> list[Tenant]:
        """Returns tenants in the order of their names, those after the given one."""
        ...

    async def create_client(self, client: Client) -> None: ...

    async def list_clients(self, tenant_id: str, after: str, limit: int) -> list[Client]:
        """Returns clients of a tenant in the order of their identifiers, those after the given one."""
        ...

    async def replace_secret(self, client_id: str, secret_hash: bytes, at: datetime) -> Client | None:
        """Returns the client with its new secret, None if there is none of that identifier."""
        ...

    async def disable_client(self, client_id: str, at: datetime | None) -> Client | None:
        """Notes since when the client gets no tokens, or that it does; the time of one that is disabled stays."""
        ...

    async def find_client(self, client_id: str) -> tuple[Client, Tenant] | None: ...
