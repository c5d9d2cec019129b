"""What ends an erasure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from meshkit.context import SYSTEM_TENANT
from services.auth.domain.audit import AuditEvent
from services.auth.service.erasing import TenantErasure

NOW = datetime(2026, 11, 21, tzinfo=UTC)


class Refusals:
    """Refusals without an end, by tenants."""

    def __init__(self, *tenants: str) -> None:
        self.ends: dict[str, datetime | None] = dict.fromkeys(tenants)
        self.events: list[AuditEvent] = []

    async def end_refusal(self, tenant_id: str, until: datetime, event: AuditEvent) -> None:
        if self.ends.get(tenant_id, until) is None:
            self.ends[tenant_id] = until
            self.events.append(event)


async def test_refusal_ends_when_no_token_can_be_left_and_the_platform_is_told_once() -> None:
    refusals = Refusals("t-1", "t-2")
    erasure = TenantErasure(refusals, clock=lambda: NOW)
    await erasure.forget("t-1")
    await erasure.forget("t-1")
    assert refusals.ends == {"t-1": NOW + timedelta(days=1), "t-2": None}
    told = [(event.action, event.tenant_id, event.target) for event in refusals.events]
    assert told == [("tenant.erase", SYSTEM_TENANT, "tenants/t-1")]
