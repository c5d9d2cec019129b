"""What watching needs from outside."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.fraud.adapters.outbox_rows import Place

__all__ = ["Committed", "DecisionLog", "LogPage"]


@dataclass(frozen=True, slots=True)
class Committed:
    """A decision at its place, with what selections look at."""

    place: Place
    tenant_id: str
    user_id: str
    outcome: str
    score: float
    answer: bytes
    """The decision as it was answered."""


@dataclass(frozen=True, slots=True)
class LogPage:
    """Decisions that follow a place."""

    rows: Sequence[Committed]
    reached: Place
    """All decisions up to here are in this page or before it, and no later commit can precede it."""
    more: bool
    """True if the page was cut short: what follows can be read at once."""


class DecisionLog(Protocol):
    """The decisions in the order of their commits. Every method raises MeshError UNAVAILABLE during an outage."""

    async def newest(self) -> Place:
        """Returns a place that every decision follows whose commit begins after this call."""
        ...

    async def read(self, tenants: Collection[str], after: Place, limit: int) -> LogPage:
        """Reads up to `limit` decisions of these tenants, and of no other, that follow a place.

        Raises STREAM_POSITION_LOST if rows that follow the place were pruned, or if it is of another database.
        """
        ...
