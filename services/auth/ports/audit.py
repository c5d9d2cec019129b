"""Where security-relevant acts are recorded, read and sealed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.auth.domain.audit import AuditEvent, AuditFilter, AuditSeal, StoredAuditEvent

__all__ = ["AuditLog", "AuditNotary", "AuditSealer", "AuditTrail"]


class AuditTrail(Protocol):
    """The audit log. Changes of what is stored are recorded by the store itself, in the transaction of the change."""

    async def record(self, event: AuditEvent) -> None:
        """Records an act that changes nothing that is stored, such as a refusal; returns when the log has it."""
        ...


class AuditLog(Protocol):
    """Reads the log of a tenant."""

    async def page(
        self, tenant_id: str, only: AuditFilter, after: int | None, limit: int, *, oldest_first: bool
    ) -> list[StoredAuditEvent]:
        """Returns events by their place, the newest first or the oldest, those beyond `after`."""
        ...

    async def find(self, tenant_id: str, sequence: int) -> StoredAuditEvent | None: ...

    async def head(self, tenant_id: str) -> tuple[int, bytes]:
        """Returns sequence and hash of the last event; 0 and zeros of an empty log."""
        ...

    async def checkpoint(self, tenant_id: str) -> AuditSeal | None:
        """Returns the last event that was pruned; None if none was."""
        ...

    async def anchors(self, tenant_id: str, after: int, limit: int) -> list[AuditSeal]:
        """Returns anchors, the oldest first, those beyond the event `after`."""
        ...


class AuditNotary(Protocol):
    """Anchors and prunes the logs of all tenants."""

    async def heads(self, limit: int) -> list[tuple[str, int, bytes]]:
        """Returns tenant, sequence and hash of heads that have no anchor yet, `limit` at most."""
        ...

    async def broken(self, limit: int) -> list[tuple[str, int]]:
        """Returns the last anchor, by tenant and sequence, of logs that do not hold it, `limit` at most."""
        ...

    async def anchor(self, seals: Sequence[AuditSeal]) -> None:
        """Keeps anchors. One that is there already stays."""
        ...

    async def old(self, before: datetime, limit: int) -> tuple[str, int, bytes] | None:
        """Returns the last event, with its tenant, of up to `limit` recorded before a time; None if there are none."""
        ...

    async def prune(self, checkpoint: AuditSeal) -> int:
        """Deletes the events up to the checkpoint, which the rest follows; returns how many."""
        ...


class AuditSealer(Protocol):
    """Seals places of the log with a key that the database does not have."""

    def seal(self, tenant_id: str, sequence: int, digest: bytes, at: datetime) -> AuditSeal: ...

    def holds(self, seal: AuditSeal) -> bool:
        """Tells whether a seal was made with a key of this service."""
        ...
