"""Keeps the clients of tenants in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from uuid import UUID

from meshkit.named_requests import Answered
from meshkit.storage.named_requests import MemoryClaims
from services.auth.adapters.memory_acts import MemoryActs
from services.auth.adapters.memory_directory import MemoryDirectory
from services.auth.domain.clients import Client
from services.auth.domain.quotas import CountedResource, QuotaUse
from services.auth.domain.tenants import Tenant
from services.auth.ports import ClientChanges, RecordedAct

__all__ = ["MemoryClients"]


class MemoryClients(MemoryActs):
    """Implements `ClientStore`."""

    def __init__(self, directory: MemoryDirectory) -> None:
        super().__init__()
        self._directory = directory
        self._clients: dict[str, Client] = {}
        self._requests: dict[tuple[str, UUID], Answered] = {}
        self._lock = asyncio.Lock()
        directory.counts[CountedResource.CLIENTS] = lambda tenant_id: _count(self._clients, tenant_id)

    @asynccontextmanager
    async def begin(self, tenant_id: str) -> AsyncIterator[ClientChanges]:
        async with self._lock:
            changes = _Changes(dict(self._clients), dict(self._requests), self._directory, tenant_id)
            yield changes
            self._clients, self._requests = changes.clients, changes.requests
            self.record(*changes.acts)

    async def get(self, tenant_id: str, client_id: str) -> Client | None:
        client = self._clients.get(client_id)
        return client if client is not None and client.tenant_id == tenant_id else None

    async def page(self, tenant_id: str, after: str, limit: int) -> list[Client]:
        found = [each for each in self._clients.values() if each.tenant_id == tenant_id and each.client_id > after]
        return sorted(found, key=lambda each: each.client_id)[:limit]

    async def find(self, client_id: str) -> tuple[Client, Tenant] | None:
        client = self._clients.get(client_id)
        return (client, self._directory.owner(client.tenant_id)) if client is not None else None


class _Changes(MemoryClaims):
    """Implements `ClientChanges` on copies, which the store takes over at the end."""

    def __init__(
        self,
        clients: dict[str, Client],
        requests: dict[tuple[str, UUID], Answered],
        directory: MemoryDirectory,
        tenant_id: str,
    ) -> None:
        super().__init__(requests, tenant_id)
        self.clients = clients
        self.requests = requests
        self._directory = directory
        self.acts: list[RecordedAct] = []

    async def use(self) -> QuotaUse:
        used, what = _count(self.clients, self._tenant_id), CountedResource.CLIENTS
        return QuotaUse(what, self._directory.said(self._tenant_id, what), used)

    async def create(self, client: Client, act: RecordedAct) -> None:
        self.clients[client.client_id] = client
        self.acts.append(act)

    async def lock(self, client_id: str) -> Client | None:
        client = self.clients.get(client_id)
        return client if client is not None and client.tenant_id == self._tenant_id else None

    async def replace(self, client: Client, act: RecordedAct) -> None:
        self.clients[client.client_id] = client
        self.acts.append(act)

    async def delete(self, client_id: str, act: RecordedAct) -> None:
        del self.clients[client_id]
        self.acts.append(act)


def _count(clients: Mapping[str, Client], tenant_id: str) -> int:
    return sum(client.tenant_id == tenant_id for client in clients.values())
