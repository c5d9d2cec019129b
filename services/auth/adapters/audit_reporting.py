"""Tells the audit log of calls that the auth service itself refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from meshkit.audit.reports import AuditReport
from services.auth.domain.audit import AuditEvent, AuditOutcome
from services.auth.ports import AuditTrail

__all__ = ["OwnReporter"]


class OwnReporter:
    """Implements `meshkit.audit.reports.AuditReporter` without a call."""

    def __init__(self, trail: AuditTrail) -> None:
        self._trail = trail

    async def report(self, reports: Sequence[AuditReport]) -> None:
        """Raises MeshError if the log cannot be written."""
        await asyncio.gather(*[self._trail.record(_event_from_report(report)) for report in reports])


def _event_from_report(report: AuditReport) -> AuditEvent:
    return AuditEvent(
        action=report.action,
        tenant_id=report.tenant_id,
        at=report.at,
        outcome=AuditOutcome(report.outcome),
        actor=report.actor,
        client_id=report.client_id,
        target=report.target,
        reason=report.reason,
        request_id=report.request_id,
        peer=report.peer,
        address=report.address,
        details=report.details,
    )
