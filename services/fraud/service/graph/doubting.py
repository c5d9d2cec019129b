"""Counts known fraud, and has it found out anew how near fraud is where something has changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from services.fraud.domain.graph.batch import FraudChange
from services.fraud.domain.graph.entities import HUB_DEGREE
from services.fraud.ports.graph import GraphChanges

__all__ = ["blame", "doubt_ends"]


async def blame(changes: GraphChanges, tenant_id: str, known: Iterable[FraudChange]) -> None:
    """Counts what became known to be fraud, or no longer counts as that."""
    frauds = Counter[int]()
    for is_fraud, entities in known:
        frauds.update(dict.fromkeys(entities, 1 if is_fraud else -1))
    turned = await changes.blame(tenant_id, dict(sorted(frauds.items()))) if frauds else ()
    if turned:
        await changes.doubt(tenant_id, sorted(turned), 2)


async def doubt_ends(changes: GraphChanges, tenant_id: str, degrees: Mapping[int, tuple[int, int]]) -> None:
    """Doubts how near fraud is to entities, and through them, of which each got edges or lost some.

    `degrees` are those of before and now. Nobody is near fraud through a hub, so what becomes one or is one no longer
    changes that for all around it.
    """
    around: dict[int, list[int]] = {}
    for entity, (before, now) in sorted(degrees.items()):
        was_hub, is_hub = before > HUB_DEGREE, now > HUB_DEGREE
        around.setdefault(2 if was_hub != is_hub else 0 if is_hub else 1, []).append(entity)
    for hops, entities in sorted(around.items()):
        await changes.doubt(tenant_id, entities, hops)
