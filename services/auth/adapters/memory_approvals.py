"""Keeps approvals in memory."""

from __future__ import annotations

from datetime import datetime

from services.auth.domain.approvals import MOST_OPEN, Approval, ApprovalState
from services.auth.domain.audit import AuditEvent
from services.auth.ports.approvals import DecideApproval

__all__ = ["MemoryApprovals"]


class MemoryApprovals:
    """Implements `ApprovalStore`."""

    def __init__(self) -> None:
        self._kept: dict[str, Approval] = {}
        self._asking: set[str] = set()
        self.events: list[AuditEvent] = []

    async def ask(self, asked: Approval, event: AuditEvent) -> Approval | None:
        living = self._living(asked.tenant_id, asked.requested_at)
        same = [each for each in living if each.is_open and _key(each) == _key(asked)]
        if same:
            return same[0]
        if sum(each.is_open for each in living) >= MOST_OPEN:
            return None
        return self._keep(asked, event)

    async def use(
        self, tenant_id: str, requester: str, method: str, digest: bytes, now: datetime, change: DecideApproval
    ) -> Approval | None:
        for each in self._living(tenant_id, now):
            if each.state is ApprovalState.APPROVED and _key(each) == (requester, method, digest):
                return self._keep(*change(each))
        return None

    async def decide(self, tenant_id: str, approval_id: str, now: datetime, change: DecideApproval) -> Approval | None:
        found = await self.find(tenant_id, approval_id, now)
        return self._keep(*change(found)) if found is not None else None

    async def find(self, tenant_id: str, approval_id: str, now: datetime) -> Approval | None:
        return next((each for each in self._living(tenant_id, now) if each.approval_id == approval_id), None)

    async def page(
        self, tenant_id: str, state: ApprovalState | None, before: str, limit: int, now: datetime
    ) -> list[Approval]:
        found = [each for each in self._living(tenant_id, now) if state in (None, each.state)]
        wanted = [each for each in found if not before or each.approval_id < before]
        return sorted(wanted, key=lambda each: each.approval_id, reverse=True)[:limit]

    async def role_changes_asked(self, tenant_id: str) -> bool:
        return tenant_id in self._asking

    async def ask_role_changes(self, tenant_id: str, asked: bool, event: AuditEvent) -> None:
        self._asking.discard(tenant_id)
        if asked:
            self._asking.add(tenant_id)
        self.events.append(event)

    def _living(self, tenant_id: str, now: datetime) -> list[Approval]:
        return [each for each in self._kept.values() if each.tenant_id == tenant_id and each.expires_at > now]

    def _keep(self, approval: Approval, event: AuditEvent) -> Approval:
        self._kept[approval.approval_id] = approval
        self.events.append(event)
        return approval


def _key(approval: Approval) -> tuple[str, str, bytes]:
    return approval.requester, approval.method, approval.digest
