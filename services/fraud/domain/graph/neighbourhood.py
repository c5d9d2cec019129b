"""What is shown of a graph to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from services.fraud.domain.graph.entities import EntitySummary, GraphEdge

__all__ = ["FoundEntities", "Neighbourhood"]


class Neighbourhood(NamedTuple):
    """Entities around one, and what links them."""

    entities: Sequence[tuple[EntitySummary, int]]
    """Each with its steps from the one that was asked about, which is the first."""
    edges: Sequence[GraphEdge]
    """Between these."""
    is_partial: bool
    """True if there is more."""
    reached: datetime


class FoundEntities(NamedTuple):
    """Those of some entities that are in the graph."""

    by_value: Mapping[str, EntitySummary]
    reached: datetime
