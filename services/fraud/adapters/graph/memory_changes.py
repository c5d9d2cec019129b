"""Changes graphs in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.fraud.domain.event import Money
from services.fraud.domain.graph.batch import EdgeAddition, FraudChange, KnownEvent, SeenEntity
from services.fraud.domain.graph.cycles import KnownTransfers
from services.fraud.domain.graph.entities import HUB_DEGREE, EntitySummary, GoneEdge, GraphEdge
from services.fraud.domain.graph.growth import SizeHistory, day_of, lone
from services.fraud.domain.outbox import Place, PlaceProof
from services.fraud.ports.graph import EdgeState, EntityCounts, EntityState, GraphReach

__all__ = ["GraphOfMemory", "MemoryGraphChanges"]


@dataclass
class GraphOfMemory:
    """The graph of a tenant."""

    reach: GraphReach
    entities: dict[int, EntitySummary] = field(default_factory=dict)
    sizes: dict[int, SizeHistory] = field(default_factory=dict)
    full: set[int] = field(default_factory=set)
    edges: dict[tuple[int, int], GraphEdge] = field(default_factory=dict)
    smallest: dict[tuple[int, int], Money] = field(default_factory=dict)
    frauds: dict[UUID, KnownEvent] = field(default_factory=dict)
    doubted: set[int] = field(default_factory=set)

    def latest(self, entity: int) -> Sequence[GraphEdge]:
        """Returns the edges of an entity, the latest first."""
        own = [each for each in self.edges.values() if entity in (each.source, each.target)]
        return sorted(own, key=lambda each: each.last_time, reverse=True)

    def neighbours(self, entity: int) -> Collection[int]:
        edges = self.latest(entity)[:HUB_DEGREE]
        return {each.target if each.source == entity else each.source for each in edges}


@dataclass
class MemoryGraphChanges:
    """Implements `GraphChanges`."""

    graphs: dict[str, GraphOfMemory]
    followed: tuple[Place, PlaceProof] | None = None
    reached: datetime | None = None
    completed: list[str] = field(default_factory=list)

    async def place(self) -> tuple[Place, PlaceProof] | None:
        return self.followed

    async def move(self, last: Place, proof: PlaceProof, reached: datetime) -> None:
        self.followed, self.reached = (last, proof), reached

    async def filled(self, tenant_id: str, before: UUID, reached: UUID, *, whole: bool) -> bool:
        graph = self.graphs[tenant_id]
        if graph.reach.filled != before:
            return False
        graph.reach = graph.reach._replace(filled=reached, whole=whole)
        self.completed += [tenant_id] if whole else []
        return True

    async def see(self, tenant_id: str, seen: Sequence[SeenEntity]) -> Mapping[int, EntityState]:
        graph = self.graphs[tenant_id]
        for number, name, first, last in seen:
            known = graph.entities.get(number)
            if known is None:
                known = EntitySummary(number, name, first, last, number, lone(day_of(first)))
            first, last = min(first, known.first_time), max(last, known.last_time)
            graph.entities[number] = known._replace(first_time=first, last_time=last)
        return await self.look(tenant_id, [each.number for each in seen])

    async def look(self, tenant_id: str, entities: Collection[int]) -> Mapping[int, EntityState]:
        graph = self.graphs[tenant_id]
        found = [graph.entities[each] for each in entities if each in graph.entities]
        return {
            each.number: EntityState(
                each.component, each.degree, each.frauds, each.fraud_near > 0 or each.number in graph.doubted
            )
            for each in found
        }

    async def link(self, tenant_id: str, added: Sequence[EdgeAddition]) -> Sequence[EdgeState]:
        graph, states = self.graphs[tenant_id], []
        for each in added:
            key = each.source, each.target
            known, least = graph.edges.get(key), graph.smallest.get(key)
            new = Money(each.amount_minor, each.currency) if each.currency else None
            first, last, events, total = each.first_time, each.last_time, each.events, new
            if known is not None:
                first, last = min(first, known.first_time), max(last, known.last_time)
                events += known.events
                total = _added(known.amount, new)
            if each.smallest_minor is not None and (least is None or least.currency == each.currency):
                least = Money(min(each.smallest_minor, least.minor if least else each.smallest_minor), each.currency)
                graph.smallest[key] = least
            graph.edges[key] = GraphEdge(*key, each.is_transfer, events, total, first, last)
            states.append(EdgeState(known is None, events, least))
        return states

    async def count(self, tenant_id: str, counts: Mapping[int, EntityCounts]) -> None:
        entities = self.graphs[tenant_id].entities
        for number, each in counts.items():
            before = entities[number]
            entities[number] = before._replace(
                degree=before.degree + each.degree,
                fan_in=before.fan_in + each.fan_in,
                fan_out=before.fan_out + each.fan_out,
                cycles=before.cycles + each.cycles,
                most_repeats=max(before.most_repeats, each.repeats),
                smallest_repeated=_smaller(before.smallest_repeated, each.smallest),
            )

    async def sizes(self, tenant_id: str, components: Collection[int]) -> Mapping[int, SizeHistory]:
        graph = self.graphs[tenant_id]
        known = {each: graph.entities[each].sizes for each in components if each in graph.entities}
        return known | {each: graph.sizes[each] for each in components if each in graph.sizes}

    async def join(self, tenant_id: str, moved: Mapping[int, int], sizes: Mapping[int, SizeHistory]) -> None:
        graph = self.graphs[tenant_id]
        for number, each in graph.entities.items():
            graph.entities[number] = each._replace(component=moved.get(each.component, each.component))
        for component in moved:
            graph.sizes.pop(component, None)
        graph.sizes |= sizes

    async def fill(self, tenant_id: str, components: Collection[int]) -> None:
        graph = self.graphs[tenant_id]
        graph.full |= {each for each in components if each in graph.sizes}

    async def transfers_to(
        self, tenant_id: str, targets: Collection[int], since: datetime, most: int
    ) -> Mapping[int, Sequence[KnownTransfers]]:
        graph = self.graphs[tenant_id]
        return {
            target: [
                KnownTransfers(each.source, each.first_time, each.last_time)
                for each in graph.latest(target)
                if each.target == target and each.is_transfer and each.last_time >= since
            ][:most]
            for target in targets
        }

    async def unlink(self, tenant_id: str, before: datetime, most: int) -> Sequence[GoneEdge]:
        graph = self.graphs[tenant_id]
        gone = [each for each in graph.edges.values() if each.last_time < before][:most]
        for each in gone:
            del graph.edges[each.source, each.target]
            graph.smallest.pop((each.source, each.target), None)
        return [GoneEdge(each.source, each.target, each.is_transfer) for each in gone]

    async def remove(self, tenant_id: str, entities: Collection[int]) -> None:
        graph = self.graphs[tenant_id]
        known = [(each, graph.entities[each]) for each in entities if each in graph.entities]
        for number in [each for each, found in known if found.degree <= 0 and found.frauds <= 0]:
            component = graph.entities.pop(number).component
            graph.doubted.discard(number)
            if component in graph.sizes:
                sizes = graph.sizes[component]
                graph.sizes[component] = sizes._replace(size=max(sizes.size - 1, 1))

    async def know(self, tenant_id: str, known: Collection[KnownEvent]) -> Sequence[FraudChange]:
        frauds, changed = self.graphs[tenant_id].frauds, []
        for each in known:
            if each.is_fraud and each.decision_id not in frauds:
                frauds[each.decision_id] = each
                changed.append(FraudChange(True, each.entities))
            elif not each.is_fraud and each.decision_id in frauds:
                changed.append(FraudChange(False, frauds.pop(each.decision_id).entities))
        return changed

    async def forget_frauds(self, tenant_id: str, before: datetime, most: int) -> Sequence[FraudChange]:
        frauds = self.graphs[tenant_id].frauds
        gone = [each for each in frauds.values() if each.time < before][:most]
        return [FraudChange(False, frauds.pop(each.decision_id).entities) for each in gone]

    async def blame(self, tenant_id: str, frauds: Mapping[int, int]) -> Collection[int]:
        entities, changed = self.graphs[tenant_id].entities, []
        for number, added in frauds.items():
            before = entities.get(number)
            if before is not None:
                entities[number] = before._replace(frauds=max(0, before.frauds + added))
                changed += [number] if (before.frauds > 0) != (before.frauds + added > 0) else []
        return changed

    async def doubt(self, tenant_id: str, around: Collection[int], hops: int) -> None:
        graph = self.graphs[tenant_id]
        reached = found = set(around)
        for hop in range(hops):
            through = [each for each in reached if hop == 0 or not graph.entities[each].is_hub]
            reached = {other for each in through for other in graph.neighbours(each)}
            found = found | reached
        graph.doubted |= found & graph.entities.keys()

    async def doubted(self, tenant_id: str, most: int) -> Collection[int]:
        return sorted(self.graphs[tenant_id].doubted)[:most]

    async def frauds_near(self, tenant_id: str, entities: Collection[int]) -> Mapping[int, int]:
        graph, found = self.graphs[tenant_id], {}
        for entity in entities:
            first = self._plain(graph, entity)
            near = first.union(*(self._plain(graph, each) for each in first)) - {entity}
            found[entity] = sum(graph.entities[each].frauds > 0 for each in near)
        return found

    @staticmethod
    def _plain(graph: GraphOfMemory, entity: int) -> set[int]:
        """Returns the neighbours of an entity that are no hubs."""
        return {each for each in graph.neighbours(entity) if not graph.entities[each].is_hub}

    async def settle(self, tenant_id: str, near: Mapping[int, int]) -> None:
        graph = self.graphs[tenant_id]
        for number, count in near.items():
            graph.entities[number] = graph.entities[number]._replace(fraud_near=count)
        graph.doubted -= near.keys()


def _added(one: Money | None, other: Money | None) -> Money | None:
    """Adds amounts, leaving those of another currency than the first out."""
    if one is None or other is None or one.currency != other.currency:
        return one or other
    return Money(one.minor + other.minor, one.currency)


def _smaller(one: Money | None, other: Money | None) -> Money | None:
    if one is None or other is None or one.currency != other.currency:
        return one or other
    return min(one, other)
