"""Keeps graphs in memory: the twin of the adapters on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from services.fraud.adapters.graph.memory_changes import GraphOfMemory, MemoryGraphChanges
from services.fraud.adapters.memory_event_types import MemoryDeclarations
from services.fraud.domain.graph.entities import GraphEdge
from services.fraud.domain.outbox import Place, PlaceProof
from services.fraud.ports.graph import EntityRef, GraphChanges, GraphReach, ReadEntities

__all__ = ["MemoryGraph"]


@dataclass
class MemoryGraph:
    """Implements `GraphStore` and `GraphReads`."""

    declarations: MemoryDeclarations = field(default_factory=MemoryDeclarations)
    graphs: dict[str, GraphOfMemory] = field(default_factory=dict)
    followed: tuple[Place, PlaceProof] | None = None
    reached: datetime | None = None

    @asynccontextmanager
    async def begin(self, tenants: Collection[str]) -> AsyncIterator[GraphChanges]:
        self.declarations.check()
        changes = MemoryGraphChanges(deepcopy({each: self.graphs[each] for each in tenants if each in self.graphs}))
        changes.followed, changes.reached = self.followed, self.reached
        yield changes
        self.graphs |= changes.graphs
        self.followed, self.reached = changes.followed, changes.reached
        for tenant_id in changes.completed:
            self._tell(tenant_id)

    async def reach(self) -> Mapping[str, GraphReach]:
        self.declarations.check()
        return {tenant: each.reach for tenant, each in self.graphs.items()}

    async def begin_tenant(self, tenant_id: str, since: UUID, begun: UUID) -> None:
        self.graphs.setdefault(tenant_id, GraphOfMemory(GraphReach(begun, since, whole=False)))

    async def drop(self, tenant_id: str) -> bool:
        if self.graphs.pop(tenant_id, None) is not None:
            self._tell(tenant_id)
        return False

    async def entities(self, refs: Collection[EntityRef]) -> ReadEntities:
        self.declarations.check()
        whole = {each.tenant_id for each in refs if (of := self.graphs.get(each.tenant_id)) and of.reach.whole}
        found = {}
        for ref in refs:
            entity = self.graphs[ref.tenant_id].entities.get(ref.number) if ref.tenant_id in whole else None
            if entity is not None:
                graph = self.graphs[ref.tenant_id]
                sizes = graph.sizes.get(entity.component, entity.sizes)
                found[ref] = entity._replace(sizes=sizes, is_full=entity.component in graph.full)
        return ReadEntities(found, self.reached, {each.tenant_id for each in refs} - whole)

    async def edges(self, tenant_id: str, entities: Collection[int], most: int) -> Sequence[GraphEdge]:
        self.declarations.check()
        graph = self.graphs.get(tenant_id)
        found: dict[tuple[int, int], GraphEdge] = {}
        for entity, known in ((each, graph) for each in entities if graph is not None):
            found |= {(each.source, each.target): each for each in known.latest(entity)[:most]}
        return sorted(found.values(), key=lambda each: (-each.last_time.timestamp(), each.source, each.target))

    def _tell(self, tenant_id: str) -> None:
        """Moves the tenant's revision, so that processes see whether its graph is whole."""
        before = self.declarations.of(tenant_id)
        graph = self.graphs.get(tenant_id)
        features = before.features._replace(linked=graph is not None and graph.reach.whole)
        self.declarations.declared[tenant_id] = replace(before, revision=before.revision + 1, features=features)
        self.declarations.on_change(tenant_id)
