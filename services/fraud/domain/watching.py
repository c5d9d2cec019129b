"""Entities of watching: committed decisions, which of them a watcher selects, and what it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from services.fraud.domain.outbox import Place

__all__ = ["Committed", "Selection", "WatchEvent"]


@dataclass(frozen=True, slots=True)
class Committed:
    """A decision at its place, with what selections look at."""

    place: Place
    tenant_id: str
    user_id: str
    outcome: str
    score: float
    answer: bytes
    """The decision as it was answered, serialised."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Every condition must hold. Empty ones hold for all decisions."""

    outcomes: frozenset[str] = frozenset()
    user_id: str = ""
    min_score: float = 0.0

    def takes(self, row: Committed) -> bool:
        return (
            (not self.outcomes or row.outcome in self.outcomes)
            and self.user_id in ("", row.user_id)
            and row.score >= self.min_score
        )


class WatchEvent(NamedTuple):
    """A place and the decision that is there; no decision means that everything up to the place was sent."""

    place: Place
    row: Committed | None
