"""An audit log for servers that run in the test."""

from __future__ import annotations

from collections.abc import Sequence

from meshkit.audit.reports import AuditReport
from meshkit.errors import MeshError

__all__ = ["KeptReports"]


class KeptReports:
    """Implements `AuditReporter`: keeps what it is told, or fails as it is told to."""

    def __init__(self) -> None:
        self.reports: list[AuditReport] = []
        self.failure: MeshError | None = None

    async def report(self, reports: Sequence[AuditReport]) -> None:
        if self.failure is not None:
            raise self.failure
        self.reports += reports
