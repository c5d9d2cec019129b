"""Reads the audit log, and takes what other services tell of."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from services.auth import errors
from services.auth.domain.audit import AuditEvent, AuditFilter, AuditSeal, AuditStand, StoredAuditEvent
from services.auth.ports import AuditLog, AuditSealer, AuditTrail

__all__ = ["AuditDesk"]


class AuditDesk:
    """The use cases of the audit log."""

    def __init__(self, *, trail: AuditTrail, log: AuditLog, sealer: AuditSealer) -> None:
        self._trail = trail
        self._log = log
        self._sealer = sealer

    async def page(
        self, tenant_id: str, only: AuditFilter, after: int | None, limit: int, *, oldest_first: bool
    ) -> tuple[list[StoredAuditEvent], bool]:
        """Returns at most `limit` events, and whether there are more."""
        found = await self._log.page(tenant_id, only, after, limit + 1, oldest_first=oldest_first)
        return found[:limit], len(found) > limit

    async def event(self, tenant_id: str, sequence: int) -> StoredAuditEvent:
        """Raises RESOURCE_NOT_FOUND."""
        found = await self._log.find(tenant_id, sequence)
        if found is None:
            raise errors.audit_event_not_found()
        return found

    async def stand(self, tenant_id: str) -> AuditStand:
        """Returns how far the log goes. What is pruned meanwhile is not missed: the checkpoint is read last."""
        sequence, digest = await self._log.head(tenant_id)
        return AuditStand(tenant_id, sequence, digest, await self._log.checkpoint(tenant_id))

    async def anchors(self, tenant_id: str, after: int, limit: int) -> tuple[list[AuditSeal], bool]:
        """Returns at most `limit` anchors, and whether there are more."""
        found = await self._log.anchors(tenant_id, after, limit + 1)
        return found[:limit], len(found) > limit

    def genuine(self, seal: AuditSeal) -> bool:
        """Tells whether a seal is one of this service."""
        return self._sealer.holds(seal)

    async def record(self, events: Sequence[AuditEvent]) -> None:
        """Records what another service tells of; returns when the log has all of it."""
        await asyncio.gather(*[self._trail.record(event) for event in events])
