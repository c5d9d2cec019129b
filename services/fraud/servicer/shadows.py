"""What shadows would have answered, over gRPC."""

from __future__ import annotations

from rampart.fraud.v1 import scenario_service_pb2 as pb

from meshkit.context import principal
from services.fraud import convert
from services.fraud.domain.scenarios.scenario import VersionRef
from services.fraud.ports.shadows import ShadowKey, ShadowReports
from services.fraud.service.scenarios.drafts import ScenarioService
from services.fraud.servicer.scenarios import Context

__all__ = ["ShadowCalls"]


class ShadowCalls:
    """What `ScenarioServicer` does with reports of shadows."""

    def __init__(self, service: ScenarioService, reports: ShadowReports) -> None:
        self._service = service
        self._reports = reports

    async def GetShadowReport(self, request: pb.GetShadowReportRequest, _: Context) -> pb.GetShadowReportResponse:
        tenant_id, ref = principal().tenant_id, VersionRef(request.scenario_id, request.version)
        await self._service.version(tenant_id, ref)
        report = await self._reports.read(ShadowKey(tenant_id, ref))
        return pb.GetShadowReportResponse(report=convert.shadow_report_to_proto(ref, report))
