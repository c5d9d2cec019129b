"""Forgets what was last long ago: known fraud, edges, and entities that have none left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from services.fraud.domain.graph.entities import GoneEdge
from services.fraud.ports.graph import EntityCounts, GraphChanges, GraphStore
from services.fraud.service.graph.doubting import blame, doubt_ends

__all__ = ["forget"]

EDGES = 200
FRAUDS = 10
"""At once: around each of them it is found out anew how near fraud is, and a statement may take five seconds."""


async def forget(store: GraphStore, tenant_id: str, before: datetime) -> bool:
    """Forgets some of what was last before a time. True if there may be more of it.

    Known fraud goes first. An entity stays until all of its edges and its fraud have gone: of one that is forgotten and
    comes again there is nothing that could be taken back.
    """
    async with store.begin([tenant_id]) as changes:
        frauds = await changes.forget_frauds(tenant_id, before, FRAUDS)
        await blame(changes, tenant_id, frauds)
        if frauds:
            await changes.remove(tenant_id, sorted({entity for each in frauds for entity in each.entities}))
            return True
        gone = await changes.unlink(tenant_id, before, EDGES)
        if gone:
            await _release(changes, tenant_id, _lost(gone))
    return len(gone) == EDGES


async def _release(changes: GraphChanges, tenant_id: str, lost: Mapping[int, EntityCounts]) -> None:
    """Takes deleted edges off their ends."""
    states = await changes.look(tenant_id, sorted(lost))
    await changes.count(tenant_id, lost)
    degrees = {
        each: (state.degree, state.degree + lost[each].degree)
        for each, state in states.items()
        if state.frauds or state.near_fraud
    }
    await doubt_ends(changes, tenant_id, degrees)
    await changes.remove(tenant_id, sorted(lost))


def _lost(gone: Iterable[GoneEdge]) -> Mapping[int, EntityCounts]:
    """Returns what is added to the counts of the ends of deleted edges."""
    lost: dict[int, EntityCounts] = {}
    for source, target, is_transfer in gone:
        for entity, fan_in, fan_out in ((source, 0, is_transfer), (target, is_transfer, 0)):
            before = lost.get(entity, EntityCounts())
            lost[entity] = EntityCounts(before.degree - 1, before.fan_in - fan_in, before.fan_out - fan_out)
    return dict(sorted(lost.items()))
