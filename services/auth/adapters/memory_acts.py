"""Keeps what stores in memory record of changes."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.auth.domain.audit import AuditEvent
from services.auth.domain.revocations import Revocation
from services.auth.ports import RecordedAct

__all__ = ["MemoryActs"]


@dataclass
class MemoryActs:
    """What was recorded, to be read."""

    events: list[AuditEvent] = field(default_factory=list)
    revocations: list[Revocation] = field(default_factory=list)
    lifted: list[Revocation] = field(default_factory=list)

    def record(self, *acts: RecordedAct) -> None:
        for act in acts:
            self.events.append(act.event)
            if act.revocation is not None:
                self.revocations.append(act.revocation)
            self.lifted.extend(act.lifted)
