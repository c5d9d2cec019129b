"""Port of stored decisions with what was said of their transactions: what trainings and reports are made of."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from services.fraud.domain.backtests.past import PastDecision
from services.fraud.domain.labels.label import LabelKind

__all__ = ["DecidedPeriod", "LabelledDecision", "LabelledDecisions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedPeriod:
    """Which decisions are read, and what of their labels."""

    tenant_id: str
    event_type: str
    since: datetime
    until: datetime
    """By the time of the event, without its end."""
    known_by: datetime | None = None
    """Labels that became known later are left out; None leaves out none."""
    stored_before: datetime | None = None
    """Decisions and labels that were stored from then on are left out; None leaves out none."""


class LabelledDecision(NamedTuple):
    """A stored decision, and what was ever said of its transaction."""

    past: PastDecision
    labels: Sequence[tuple[int, int, LabelKind]]
    """When each label became known, in ms since 1970, its number and what it says: the last one is in effect."""


class LabelledDecisions(Protocol):
    """The decisions of a tenant by the time of their events. Every method raises MeshError during an outage."""

    async def count(self, period: DecidedPeriod) -> int: ...

    def pages(self, period: DecidedPeriod) -> AsyncGenerator[Sequence[LabelledDecision], None]:
        """Yields the decisions in pages, in the order in which they were made."""
        ...
