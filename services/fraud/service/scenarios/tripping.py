"""Rolls versions back for the breaker."""

from __future__ import annotations

from services.fraud.domain.scenarios.publication import DeploymentState
from services.fraud.domain.scenarios.scenario import VersionRef
from services.fraud.ports.scenarios import ScenarioWriter
from services.fraud.service.scenarios.publishing import Publishing

__all__ = ["BreakerTrips"]


class BreakerTrips:
    """Rolls versions back for the breaker, each in a transaction of its own."""

    def __init__(self, publishing: Publishing, writer: ScenarioWriter) -> None:
        self._publishing = publishing
        self._writer = writer

    async def trip(self, tenant_id: str, ref: VersionRef, reason: str) -> DeploymentState:
        """Raises STATE_NOT_ALLOWED for a version that no longer decides, and for a live one after another."""
        async with self._writer.begin(tenant_id) as changes:
            return await self._publishing.trip(changes, tenant_id, ref, reason)
