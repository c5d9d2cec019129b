"""Keeps tenants, clients and signing keys in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from services.auth.domain.keys import SigningKey
from services.auth.domain.tenants import Client, Tenant, TenantPlan
from services.auth.ports import KeyChange

__all__ = ["MemoryDirectory", "MemorySigningKeyStore"]


class MemoryDirectory:
    """Implements `ClientDirectory`."""

    def __init__(self) -> None:
        self._tenants: dict[str, Tenant] = {}
        self._clients: dict[str, Client] = {}

    async def create_tenant(self, tenant: Tenant) -> Tenant:
        return self._tenants.setdefault(tenant.name, tenant)

    async def find_tenant(self, name: str) -> Tenant | None:
        return self._tenants.get(name)

    async def set_plan(self, name: str, plan: TenantPlan) -> Tenant | None:
        if name in self._tenants:
            self._tenants[name] = replace(self._tenants[name], plan=plan)
        return self._tenants.get(name)

    async def create_client(self, client: Client) -> None:
        self._clients[client.client_id] = client

    async def find_client(self, client_id: str) -> tuple[Client, Tenant] | None:
        client = self._clients.get(client_id)
        if client is None:
            return None
        return client, next(tenant for tenant in self._tenants.values() if tenant.tenant_id == client.tenant_id)


class MemorySigningKeyStore:
    """Implements `SigningKeyStore`."""

    def __init__(self) -> None:
        self._keys: list[SigningKey] = []

    async def revise(self, plan: Callable[[Sequence[SigningKey]], KeyChange]) -> list[SigningKey]:
        change = plan(tuple(self._keys))
        self._keys = [key for key in self._keys if key not in change.remove] + list(change.add)
        return list(self._keys)
