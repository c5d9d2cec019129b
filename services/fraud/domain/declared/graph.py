"""Features of the graph: a measure of an entity that the event names (see `domain.graph`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from services.fraud.domain.event_types import EventType
from services.fraud.domain.graph.measures import GraphMeasure

__all__ = ["GraphFeature", "graph_faults"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphFeature:
    """What the graph knows of an entity. Read as it is when an event is decided, and stored with the decision."""

    name: str
    event_type: str
    """Whose checks read it."""
    key: str
    """The field that names the entity."""
    measure: GraphMeasure


def graph_faults(feature: GraphFeature, types: Mapping[str, EventType]) -> Iterator[tuple[str, str]]:
    """Yields what is wrong with a declaration besides its name: the field of it, and words."""
    event_type = types.get(feature.event_type)
    if event_type is None:
        yield "event_type", f"names the event type {feature.event_type}, which does not exist"
    elif feature.key not in {field.name for field in event_type.keys}:
        yield "key", f"names {feature.key}, which is no key of the event type {feature.event_type}"
