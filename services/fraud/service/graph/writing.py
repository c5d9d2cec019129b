"""Lets events of a tenant take effect on its graph, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from prometheus_client import Counter

from services.fraud.domain.graph.batch import EdgeAddition, GraphBatch
from services.fraud.domain.graph.components import join_components
from services.fraud.domain.graph.cycles import CYCLE_WINDOW, CycleSearch
from services.fraud.domain.graph.entities import HUB_DEGREE
from services.fraud.domain.graph.growth import day_of
from services.fraud.ports.graph import EdgeState, EntityCounts, EntityState, GraphChanges
from services.fraud.service.graph.doubting import blame, doubt_ends

__all__ = ["GraphWriter"]

_cut = Counter("graph_searches_cut", "Searches for cycles that met more entities than are looked at.")


class GraphWriter:
    """Writes for one tenant."""

    def __init__(self, changes: GraphChanges, tenant_id: str) -> None:
        self._changes = changes
        self._tenant_id = tenant_id

    async def write(self, batch: GraphBatch) -> None:
        """Enters entities, edges, components, cycles and what is known of fraud."""
        tenant_id = self._tenant_id
        if batch.edges:
            states = await self._changes.see(tenant_id, [batch.entities[each] for each in sorted(batch.entities)])
            added = [batch.edges[each] for each in sorted(batch.edges)]
            edges = list(zip(added, await self._changes.link(tenant_id, added), strict=True))
            counts = _counts(edges)
            for found in await self._cycles(batch):
                for entity in found:
                    before = counts.get(entity, EntityCounts())
                    counts[entity] = before._replace(cycles=before.cycles + 1)
            await self._changes.count(tenant_id, dict(sorted(counts.items())))
            degrees = {each: state.degree + counts.get(each, _NONE).degree for each, state in states.items()}
            await self._join(batch, edges, states, degrees)
            await self._doubt(edges, states, degrees)
        if batch.known:
            await blame(self._changes, tenant_id, await self._changes.know(tenant_id, list(batch.known.values())))

    async def _cycles(self, batch: GraphBatch) -> Iterable[Sequence[int]]:
        """Returns the cycles that transfers close, read step by step for all of them at once."""
        searches = [CycleSearch(*each) for each in batch.transfers]
        if not searches:
            return ()
        since = min(each.time for each in batch.transfers) - CYCLE_WINDOW
        while wanted := frozenset().union(*(each.wanted for each in searches)):
            incoming = await self._changes.transfers_to(self._tenant_id, sorted(wanted), since, HUB_DEGREE)
            for each in searches:
                if each.wanted:
                    each.step(incoming)
        _cut.inc(sum(each.is_cut for each in searches))
        return [each.found for each in searches if each.found]

    async def _join(
        self,
        batch: GraphBatch,
        edges: Sequence[tuple[EdgeAddition, EdgeState]],
        states: Mapping[int, EntityState],
        degrees: Mapping[int, int],
    ) -> None:
        """Joins the components of entities that are linked now. Hubs join none."""
        linked, days = [], dict[int, int]()
        for edge, state in edges:
            pair = states[edge.source].component, states[edge.target].component
            if state.is_new and pair[0] != pair[1] and max(degrees[edge.source], degrees[edge.target]) <= HUB_DEGREE:
                linked.append(pair)
                day = day_of(edge.last_time)
                for each in pair:
                    days[each] = max(day, days.get(each, day))
        if not linked:
            return
        sizes = await self._changes.sizes(self._tenant_id, sorted(set(chain.from_iterable(linked))))
        joined = join_components({each: known.size for each, known in sizes.items()}, linked)
        for old, new in joined.moved.items():
            days[new] = max(days[new], days[old])
        grown = {each: sizes[each].grown(size, days[each]) for each, size in joined.sizes.items()}
        if joined.moved:
            await self._changes.join(self._tenant_id, joined.moved, dict(sorted(grown.items())))
        if joined.full:
            await self._changes.fill(self._tenant_id, joined.full)

    async def _doubt(
        self,
        edges: Sequence[tuple[EdgeAddition, EdgeState]],
        states: Mapping[int, EntityState],
        degrees: Mapping[int, int],
    ) -> None:
        """Has it found out anew who is near fraud, where a new edge may bring fraud nearer or makes a hub."""
        around: set[int] = set()
        for edge, state in edges:
            ends = edge.source, edge.target
            if state.is_new and any(states[each].frauds or states[each].near_fraud for each in ends):
                around.update(ends)
        degrees_of = {each: (states[each].degree, degrees[each]) for each in around}
        await doubt_ends(self._changes, self._tenant_id, degrees_of)


_NONE = EntityCounts()


def _counts(edges: Iterable[tuple[EdgeAddition, EdgeState]]) -> dict[int, EntityCounts]:
    """Returns what edges add to the counts of their ends."""
    counts: dict[int, EntityCounts] = {}
    for edge, state in edges:
        transfer = edge.is_transfer
        repeats, new = (state.events if transfer else 0), int(state.is_new and transfer)
        smallest = state.smallest if transfer and state.events > 1 else None
        for entity, fan_in, fan_out in ((edge.source, 0, new), (edge.target, new, 0)):
            before = counts.get(entity, _NONE)
            least = before.smallest
            if smallest is not None and (least is None or (least.currency == smallest.currency and smallest < least)):
                least = smallest
            counts[entity] = EntityCounts(
                before.degree + state.is_new, before.fan_in + fan_in, before.fan_out + fan_out, 0,
                max(before.repeats, repeats), least,
            )  # fmt: skip
    return counts
