"""Keeps what tenants declare in memory: the twin of the adapters on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

from meshkit.errors import unavailable
from meshkit.named_requests import Answered
from meshkit.storage.named_requests import MemoryClaims
from services.fraud.domain.declaring import DeclaredType
from services.fraud.domain.event_types import EventType
from services.fraud.ports import Declarations, EventTypeChanges

__all__ = ["MemoryDeclarations", "MemoryEventTypeChanges", "MemoryEventTypeWriter", "MemoryEventTypes"]


@dataclass
class MemoryDeclarations:
    """Implements `DeclarationStore`, on what the others here change. `available` off stands for an outage."""

    declared: dict[str, Declarations] = field(default_factory=dict)
    versions: dict[tuple[str, str, int], EventType] = field(default_factory=dict)
    """All that were ever declared, by tenant, name and number."""
    requests: dict[tuple[str, UUID], Answered] = field(default_factory=dict)
    available: bool = True
    on_change: Callable[[str], None] = lambda _: None

    async def read(self, tenant_id: str) -> Declarations:
        self.check()
        return self.of(tenant_id)

    async def revisions(self, tenants: Collection[str]) -> Mapping[str, int]:
        self.check()
        return {tenant: self.declared[tenant].revision for tenant in tenants if tenant in self.declared}

    def of(self, tenant_id: str) -> Declarations:
        return self.declared.get(tenant_id, Declarations())

    def check(self) -> None:
        if not self.available:
            raise unavailable("postgres")


class MemoryEventTypes:
    """Implements `EventTypes`."""

    def __init__(self, declarations: MemoryDeclarations) -> None:
        self._declarations = declarations

    async def all(self, tenant_id: str) -> Sequence[DeclaredType]:
        return (await self._declarations.read(tenant_id)).event_types

    async def version(self, tenant_id: str, name: str, number: int) -> EventType | None:
        self._declarations.check()
        return self._declarations.versions.get((tenant_id, name, number))


class MemoryEventTypeWriter:
    """Implements `EventTypeWriter`: one transaction at a time."""

    def __init__(self, declarations: MemoryDeclarations) -> None:
        self._declarations = declarations
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def begin(self, tenant_id: str) -> AsyncIterator[EventTypeChanges]:
        async with self._lock:
            store = self._declarations
            store.check()
            declared, versions, requests = dict(store.declared), dict(store.versions), dict(store.requests)
            try:
                yield MemoryEventTypeChanges(store, tenant_id)
            except BaseException:
                store.declared, store.versions, store.requests = declared, versions, requests
                raise
            if store.declared != declared:
                store.on_change(tenant_id)


class MemoryEventTypeChanges(MemoryClaims):
    """Implements `EventTypeChanges`."""

    def __init__(self, declarations: MemoryDeclarations, tenant_id: str) -> None:
        super().__init__(declarations.requests, tenant_id)
        self._declarations = declarations

    async def all(self) -> Sequence[DeclaredType]:
        return self._declarations.of(self._tenant_id).event_types

    async def features(self) -> Collection[str]:
        return self._declarations.of(self._tenant_id).features.current.names

    async def put(self, event_type: EventType) -> DeclaredType:
        before, now = self._declarations.of(self._tenant_id), datetime.now(UTC)
        others = {each.event_type.name: each for each in before.event_types}
        old = others.get(event_type.name)
        made = DeclaredType(event_type, (old and old.created_at) or now, now)
        types = dict(sorted({**others, event_type.name: made}.items())).values()
        self._declarations.versions[self._tenant_id, event_type.name, event_type.version] = event_type
        self._declarations.declared[self._tenant_id] = replace(
            before, revision=before.revision + 1, event_types=list(types)
        )
        return made
