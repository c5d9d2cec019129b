"""Shows the neighbourhood of an entity, step by step, for people who investigate it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from meshkit.errors import MeshError
from services.fraud import errors
from services.fraud.domain.declaring import all_types
from services.fraud.domain.graph.entities import HUB_DEGREE, EntityName, EntitySummary, GraphEdge, entity_number
from services.fraud.domain.graph.links import EventLinks
from services.fraud.domain.graph.neighbourhood import FoundEntities, Neighbourhood
from services.fraud.domain.names import FieldFault
from services.fraud.ports import EventTypes
from services.fraud.ports.graph import EntityRef, GraphReads, ReadEntities

__all__ = ["DEFAULT_DEPTH", "DEFAULT_NODES", "GraphView"]

DEFAULT_DEPTH = 2
DEFAULT_NODES = 100


class GraphView:
    """Reads graphs for people. `tenant_id` is that of the verified caller."""

    def __init__(self, reads: GraphReads, event_types: EventTypes) -> None:
        self._reads = reads
        self._event_types = event_types

    async def impersonal(self, tenant_id: str) -> frozenset[str]:
        """Returns the kinds of entities whose values no event type says to be personal."""
        links = await self._links(tenant_id)
        return frozenset().union(*(each.kinds for each in links)).difference(*(each.personal for each in links))

    async def entities(self, tenant_id: str, names: Sequence[EntityName]) -> FoundEntities:
        """Returns what is known of entities. Raises STATE_NOT_ALLOWED where there is no graph that is whole."""
        refs = {EntityRef(tenant_id, entity_number(each)): each.value for each in names}
        found, reached = _whole(await self._reads.entities(list(refs)))
        return FoundEntities({refs[ref]: each for ref, each in found.items()}, reached)

    async def around(self, tenant_id: str, name: EntityName, depth: int, most: int) -> Neighbourhood:
        """Returns what is around an entity. Raises as `entities` does, and for one that is not there
        RESOURCE_NOT_FOUND, or VALIDATION_FAILED if no event type has such a kind.
        """
        start = EntityRef(tenant_id, entity_number(name))
        found, reached = _whole(await self._reads.entities([start]))
        if start not in found:
            raise await self._none(tenant_id, name.kind)
        known = {start.number: (found[start], 0)}
        edges: dict[tuple[int, int], GraphEdge] = {}
        frontier, partial = [start.number], found[start].is_hub
        for step in range(1, depth + 1):
            read = await self._reads.edges(tenant_id, frontier, HUB_DEGREE) if frontier else ()
            edges |= {(each.source, each.target): each for each in read}
            new = list(dict.fromkeys(end for each in read for end in each[:2] if end not in known))
            room = most - len(known)
            partial = partial or len(new) > room
            refs = [EntityRef(tenant_id, each) for each in new[:room]]
            summaries, _ = _whole(await self._reads.entities(refs)) if refs else ({}, reached)
            known |= {ref.number: (each, step) for ref, each in summaries.items()}
            frontier = [ref.number for ref, each in summaries.items() if not each.is_hub]
            partial = partial or (step < depth and len(frontier) < len(summaries))
        shown = [each for each in edges.values() if each.source in known and each.target in known]
        return Neighbourhood(list(known.values()), shown, partial, reached)

    async def _none(self, tenant_id: str, kind: str) -> MeshError:
        kinds = frozenset[str]().union(*(each.kinds for each in await self._links(tenant_id)))
        if kind in kinds:
            return errors.found_none("entity")
        words = f"is no kind of entity: there are {', '.join(sorted(kinds))}"
        return errors.fields_invalid([FieldFault("kind", "kind.unknown", words)])

    async def _links(self, tenant_id: str) -> Sequence[EventLinks]:
        types = all_types(await self._event_types.all(tenant_id)).values()
        return [EventLinks(each.event_type) for each in types]


def _whole(read: ReadEntities) -> tuple[Mapping[EntityRef, EntitySummary], datetime]:
    if read.missing or read.reached is None:
        raise errors.graph_not_whole()
    return read.summaries, read.reached
