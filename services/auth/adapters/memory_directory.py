"""Keeps tenants and clients in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from services.auth.domain.tenants import Client, Tenant, TenantPlan

__all__ = ["MemoryDirectory"]


class MemoryDirectory:
    """Implements `ClientDirectory`."""

    def __init__(self) -> None:
        self._tenants: dict[str, Tenant] = {}
        self._clients: dict[str, Client] = {}

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

    async def list_tenants(self, after: str, limit: int) -> list[Tenant]:
        return [self._tenants[name] for name in sorted(self._tenants) if name > after][:limit]

    async def create_client(self, client: Client) -> None:
        self._clients[client.client_id] = client

    async def list_clients(self, tenant_id: str, after: str, limit: int) -> list[Client]:
        found = [client for client in self._clients.values() if client.tenant_id == tenant_id]
        return sorted((each for each in found if each.client_id > after), key=lambda each: each.client_id)[:limit]

    async def replace_secret(self, client_id: str, secret_hash: bytes, at: datetime) -> Client | None:
        return self._change(client_id, secret_hash=secret_hash, rotated_at=at)

    async def disable_client(self, client_id: str, at: datetime | None) -> Client | None:
        client = self._clients.get(client_id)
        if client is not None and client.disabled_at is not None and at is not None:
            return client
        return self._change(client_id, disabled_at=at)

    def _change(self, client_id: str, **values: Any) -> Client | None:
        if client_id in self._clients:
            self._clients[client_id] = replace(self._clients[client_id], **values)
        return self._clients.get(client_id)

    async def find_client(self, client_id: str) -> tuple[Client, Tenant] | None:
        client = self._clients.get(client_id)
        if client is None:
            return None
        return client, next(tenant for tenant in self._tenants.values() if tenant.tenant_id == client.tenant_id)
