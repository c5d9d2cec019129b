"""Keeps the API keys of tenants in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from meshkit.named_requests import Answered
from meshkit.storage.named_requests import MemoryClaims
from services.auth.adapters.memory_acts import MemoryActs
from services.auth.adapters.memory_directory import MemoryDirectory
from services.auth.domain.api_keys import ApiKey
from services.auth.domain.quotas import CountedResource, QuotaUse
from services.auth.domain.tenants import Tenant
from services.auth.ports import ApiKeyChanges, RecordedAct

__all__ = ["MemoryApiKeys"]


class MemoryApiKeys(MemoryActs):
    """Implements `ApiKeyStore`."""

    def __init__(self, directory: MemoryDirectory) -> None:
        super().__init__()
        self._directory = directory
        self._keys: dict[str, ApiKey] = {}
        self._requests: dict[tuple[str, UUID], Answered] = {}
        self._lock = asyncio.Lock()
        directory.counts[CountedResource.API_KEYS] = lambda tenant_id: _count(self._keys, tenant_id)

    @asynccontextmanager
    async def begin(self, tenant_id: str) -> AsyncIterator[ApiKeyChanges]:
        async with self._lock:
            changes = _Changes(dict(self._keys), dict(self._requests), self._directory, tenant_id)
            yield changes
            self._keys, self._requests = changes.keys, changes.requests
            self.record(*changes.acts)

    async def get(self, tenant_id: str, key_id: str) -> ApiKey | None:
        key = self._keys.get(key_id)
        return key if key is not None and key.tenant_id == tenant_id else None

    async def page(self, tenant_id: str, after: str, limit: int) -> list[ApiKey]:
        found = [each for each in self._keys.values() if each.tenant_id == tenant_id and each.key_id > after]
        return sorted(found, key=lambda each: each.key_id)[:limit]

    async def shown(self, key_hash: bytes) -> tuple[ApiKey, Tenant] | None:
        for key in self._keys.values():
            if key_hash in (key.secrets.current, key.secrets.previous):
                return key, self._directory.owner(key.tenant_id)
        return None

    async def note_uses(self, uses: Mapping[tuple[str, str], datetime]) -> None:
        for (_, key_id), at in uses.items():
            key = self._keys.get(key_id)
            if key is not None and (key.last_used_at is None or key.last_used_at < at):
                self._keys[key_id] = replace(key, last_used_at=at)


class _Changes(MemoryClaims):
    """Implements `ApiKeyChanges` on copies, which the store takes over at the end."""

    def __init__(
        self,
        keys: dict[str, ApiKey],
        requests: dict[tuple[str, UUID], Answered],
        directory: MemoryDirectory,
        tenant_id: str,
    ) -> None:
        super().__init__(requests, tenant_id)
        self.keys = keys
        self.requests = requests
        self._directory = directory
        self.acts: list[RecordedAct] = []

    async def use(self) -> QuotaUse:
        used, what = _count(self.keys, self._tenant_id), CountedResource.API_KEYS
        return QuotaUse(what, self._directory.said(self._tenant_id, what), used)

    async def create(self, key: ApiKey, act: RecordedAct) -> None:
        self.keys[key.key_id] = key
        self.acts.append(act)

    async def lock(self, key_id: str) -> ApiKey | None:
        key = self.keys.get(key_id)
        return key if key is not None and key.tenant_id == self._tenant_id else None

    async def replace(self, key: ApiKey, act: RecordedAct) -> None:
        self.keys[key.key_id] = key
        self.acts.append(act)

    async def delete(self, key_id: str, act: RecordedAct) -> None:
        del self.keys[key_id]
        self.acts.append(act)


def _count(keys: Mapping[str, ApiKey], tenant_id: str) -> int:
    return sum(key.tenant_id == tenant_id for key in keys.values())
