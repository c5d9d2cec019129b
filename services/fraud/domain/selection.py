"""Which decisions a watcher asked for. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from services.fraud.watch_ports import Committed

__all__ = ["Selection"]


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
