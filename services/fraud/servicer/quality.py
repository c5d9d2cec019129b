"""Reports of quality over gRPC."""

from __future__ import annotations

from uuid import UUID

from rampart.fraud.v1 import quality_pb2
from rampart.fraud.v1 import quality_service_pb2 as pb

from meshkit.context import principal
from meshkit.named_requests import IdempotentChanges, named_request
from meshkit.pages import Pages, page_size
from services.fraud import convert
from services.fraud.ports.quality import QualityChanges
from services.fraud.service.quality.keeping import QualityKeeper, ToldQualityReport
from services.fraud.servicer.scenarios import Context, actor

__all__ = ["QualityServicer"]

MOST_PER_PAGE = 100


class QualityServicer:
    """Implements `rampart.fraud.v1.QualityService`."""

    def __init__(self, keeper: QualityKeeper, idempotent: IdempotentChanges[QualityChanges], *, pages: Pages) -> None:
        self._keeper = keeper
        self._idempotent = idempotent
        self._pages = pages

    async def CreateQualityReport(
        self, request: pb.CreateQualityReportRequest, _: Context
    ) -> pb.CreateQualityReportResponse:
        who, new = actor(), convert.quality_request_from_proto(request)

        async def create(changes: QualityChanges) -> bytes:
            made = await self._keeper.create(changes, who, new)
            return pb.CreateQualityReportResponse(quality_report=_told(made)).SerializeToString()

        named = named_request(request, lambda content: None)
        return pb.CreateQualityReportResponse.FromString(await self._idempotent.run(who.tenant_id, named, create))

    async def GetQualityReport(self, request: pb.GetQualityReportRequest, _: Context) -> pb.GetQualityReportResponse:
        told = await self._keeper.get(principal().tenant_id, UUID(request.report_id))
        return pb.GetQualityReportResponse(quality_report=_told(told))

    async def ListQualityReports(
        self, request: pb.ListQualityReportsRequest, _: Context
    ) -> pb.ListQualityReportsResponse:
        tenant_id, size = principal().tenant_id, min(page_size(request.page_size), MOST_PER_PAGE)
        place = self._pages.decode(tenant_id, request, request.page_token, 1)
        found, more = await self._keeper.page(tenant_id, UUID(place[0]) if place else None, size)
        following = self._pages.encode(tenant_id, request, [found[-1].report.report_id]) if more else ""
        return pb.ListQualityReportsResponse(quality_reports=[_told(each) for each in found], next_page_token=following)

    async def CancelQualityReport(
        self, request: pb.CancelQualityReportRequest, _: Context
    ) -> pb.CancelQualityReportResponse:
        told = await self._keeper.cancel(principal().tenant_id, UUID(request.report_id))
        return pb.CancelQualityReportResponse(quality_report=_told(told))

    async def DeleteQualityReport(
        self, request: pb.DeleteQualityReportRequest, _: Context
    ) -> pb.DeleteQualityReportResponse:
        async def delete(changes: QualityChanges) -> bytes:
            await self._keeper.delete(changes, UUID(request.report_id))
            return pb.DeleteQualityReportResponse().SerializeToString()

        named = named_request(request, lambda content: None)
        answer = await self._idempotent.run(principal().tenant_id, named, delete)
        return pb.DeleteQualityReportResponse.FromString(answer)


def _told(told: ToldQualityReport) -> quality_pb2.QualityReport:
    return convert.quality_report_to_proto(told.report, told.state)
