"""Where calls that wait for a second person are kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeAlias

from services.auth.domain.approvals import Approval, ApprovalState
from services.auth.domain.audit import AuditEvent

__all__ = ["ApprovalStore", "DecideApproval"]

DecideApproval: TypeAlias = Callable[[Approval], tuple[Approval, AuditEvent]]
"""Returns an approval as it shall be, with its event. What it raises leaves all as it is."""


class ApprovalStore(Protocol):
    """Approvals of tenants, each until it expires, and what the tenants want approved. `now` is that of the call."""

    async def ask(self, asked: Approval, event: AuditEvent) -> Approval | None:
        """Stores what was asked for; returns it, or what the same requester has open for the same call.

        None if the tenant has as many open as there may be.
        """
        ...

    async def use(
        self, tenant_id: str, requester: str, method: str, digest: bytes, now: datetime, change: DecideApproval
    ) -> Approval | None:
        """Uses an approved call up; None if there is none. Of calls at once one gets it."""
        ...

    async def decide(self, tenant_id: str, approval_id: str, now: datetime, change: DecideApproval) -> Approval | None:
        """Stores what is decided; None if there is no such approval. Decisions on one take turns."""
        ...

    async def find(self, tenant_id: str, approval_id: str, now: datetime) -> Approval | None: ...

    async def page(
        self, tenant_id: str, state: ApprovalState | None, before: str, limit: int, now: datetime
    ) -> list[Approval]:
        """Returns approvals, the newest first, those before the given identifier."""
        ...

    async def role_changes_asked(self, tenant_id: str) -> bool:
        """Tells whether the tenant wants changes of roles to be approved."""
        ...

    async def ask_role_changes(self, tenant_id: str, asked: bool, event: AuditEvent) -> None: ...
