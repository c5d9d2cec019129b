"""Keeps the audit log in memory, chained as the real one is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from meshkit.audit.chain import START, ChainPlace, link
from meshkit.timestamps import utc_now
from services.auth.adapters.audit_contents import content_of, event_from
from services.auth.domain.audit import AuditEvent, AuditFilter, AuditSeal, StoredAuditEvent

__all__ = ["MemoryAuditLog"]


class MemoryAuditLog:
    """Implements `AuditTrail`, `AuditLog` and `AuditNotary`. `events` are all that were recorded."""

    def __init__(self) -> None:
        self.events: list[AuditEvent] = []
        self._heads: defaultdict[str, ChainPlace] = defaultdict(lambda: START)
        self._stored: defaultdict[str, list[tuple[datetime, StoredAuditEvent]]] = defaultdict(list)
        self._anchors: defaultdict[str, dict[int, AuditSeal]] = defaultdict(dict)
        self._checkpoints: dict[str, AuditSeal] = {}

    async def record(self, event: AuditEvent) -> None:
        self.events.append(event)
        head, content = self._heads[event.tenant_id], content_of(event)
        place = ChainPlace(head.sequence + 1, link(head.hash, head.sequence + 1, content))
        stored = StoredAuditEvent(event_from(content), place.sequence, head.hash, place.hash)
        self._heads[event.tenant_id] = place
        self._stored[event.tenant_id].append((utc_now(), stored))

    async def page(
        self, tenant_id: str, only: AuditFilter, after: int | None, limit: int, *, oldest_first: bool
    ) -> list[StoredAuditEvent]:
        found = [each for _, each in self._stored[tenant_id] if _matches(each.event, only)]
        if not oldest_first:
            found.reverse()
        sign = 1 if oldest_first else -1
        return [each for each in found if after is None or each.sequence * sign > after * sign][:limit]

    async def find(self, tenant_id: str, sequence: int) -> StoredAuditEvent | None:
        return next((each for _, each in self._stored[tenant_id] if each.sequence == sequence), None)

    async def head(self, tenant_id: str) -> tuple[int, bytes]:
        head = self._heads[tenant_id]
        return head.sequence, head.hash

    async def checkpoint(self, tenant_id: str) -> AuditSeal | None:
        return self._checkpoints.get(tenant_id)

    async def anchors(self, tenant_id: str, after: int, limit: int) -> list[AuditSeal]:
        return [seal for _, seal in sorted(self._anchors[tenant_id].items()) if seal.sequence > after][:limit]

    async def heads(self, limit: int) -> list[tuple[str, int, bytes]]:
        return [
            (tenant_id, head.sequence, head.hash)
            for tenant_id, head in self._heads.items()
            if head.sequence and head.sequence not in self._anchors[tenant_id]
        ][:limit]

    async def broken(self, limit: int) -> list[tuple[str, int]]:
        # Nobody can change what is in here.
        return []

    async def anchor(self, seals: Sequence[AuditSeal]) -> None:
        for seal in seals:
            self._anchors[seal.tenant_id].setdefault(seal.sequence, seal)

    async def old(self, before: datetime, limit: int) -> tuple[str, int, bytes] | None:
        for tenant_id, events in self._stored.items():
            found = [each for at, each in events[:limit] if at < before]
            if found:
                return tenant_id, found[-1].sequence, found[-1].hash
        return None

    async def prune(self, checkpoint: AuditSeal) -> int:
        events, last = self._stored[checkpoint.tenant_id], checkpoint.sequence
        kept = [(at, each) for at, each in events if each.sequence > last]
        anchors = self._anchors[checkpoint.tenant_id]
        self._anchors[checkpoint.tenant_id] = {number: seal for number, seal in anchors.items() if number >= last}
        self._stored[checkpoint.tenant_id] = kept
        self._checkpoints[checkpoint.tenant_id] = checkpoint
        return len(events) - len(kept)


def _matches(event: AuditEvent, only: AuditFilter) -> bool:
    return (
        (only.since is None or event.at >= only.since)
        and (only.until is None or event.at < only.until)
        and (only.action in ("", event.action) or _begins(event.action, only.action))
        and only.actor in ("", event.actor)
        and only.outcome in ("", event.outcome.value)
        and only.target in ("", event.target)
    )


def _begins(action: str, pattern: str) -> bool:
    return pattern.endswith("*") and action.startswith(pattern[:-1])
