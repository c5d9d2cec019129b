"""Implements `rampart.auth.v1.AuditService`: the audit log as its readers and other services see it."""

from __future__ import annotations

from typing import Any, TypeAlias

import grpc
from rampart.auth.v1 import audit_pb2
from rampart.auth.v1 import audit_service_pb2 as pb

from meshkit.context import SYSTEM_TENANT, current, principal
from meshkit.pages import Pages, invalid, page_size
from services.auth.convert import audit as convert
from services.auth.service.audit_log import AuditDesk

__all__ = ["AuditServicer"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class AuditServicer:
    """Implements `rampart.auth.v1.AuditService`. The tenant comes only from the verified token."""

    def __init__(self, desk: AuditDesk, pages: Pages) -> None:
        self._desk = desk
        self._pages = pages

    async def ListAuditEvents(self, request: pb.ListAuditEventsRequest, _: Context) -> pb.ListAuditEventsResponse:
        events, following = await self._page(principal().tenant_id, request)
        return pb.ListAuditEventsResponse(events=events, next_page_token=following)

    async def ListPlatformAuditEvents(
        self, request: pb.ListPlatformAuditEventsRequest, _: Context
    ) -> pb.ListPlatformAuditEventsResponse:
        events, following = await self._page(SYSTEM_TENANT, request.query)
        return pb.ListPlatformAuditEventsResponse(events=events, next_page_token=following)

    async def GetAuditEvent(self, request: pb.GetAuditEventRequest, _: Context) -> pb.GetAuditEventResponse:
        found = await self._desk.event(principal().tenant_id, request.sequence)
        return pb.GetAuditEventResponse(event=convert.event_to_proto(found))

    async def GetAuditHead(self, _: pb.GetAuditHeadRequest, __: Context) -> pb.GetAuditHeadResponse:
        stand = await self._desk.stand(principal().tenant_id)
        genuine = stand.checkpoint is not None and self._desk.genuine(stand.checkpoint)
        return pb.GetAuditHeadResponse(head=convert.stand_to_proto(stand, genuine=genuine))

    async def ListAuditAnchors(self, request: pb.ListAuditAnchorsRequest, _: Context) -> pb.ListAuditAnchorsResponse:
        tenant_id, size = principal().tenant_id, page_size(request.page_size)
        place = self._pages.decode(tenant_id, request, request.page_token, 1)
        seals, more = await self._desk.anchors(tenant_id, _sequence(place) or 0, size)
        return pb.ListAuditAnchorsResponse(
            anchors=[convert.seal_to_proto(seal, genuine=self._desk.genuine(seal)) for seal in seals],
            next_page_token=self._pages.encode(tenant_id, request, [str(seals[-1].sequence)]) if more else "",
        )

    async def RecordAuditEvents(self, request: pb.RecordAuditEventsRequest, _: Context) -> pb.RecordAuditEventsResponse:
        recorder = current().peer
        await self._desk.record([convert.report_from_proto(report, recorder) for report in request.reports])
        return pb.RecordAuditEventsResponse()

    async def _page(self, tenant_id: str, request: pb.ListAuditEventsRequest) -> tuple[list[audit_pb2.AuditEvent], str]:
        size = page_size(request.page_size)
        place = self._pages.decode(tenant_id, request, request.page_token, 1)
        only, after = convert.filter_from_proto(request), _sequence(place)
        found, more = await self._desk.page(tenant_id, only, after, size, oldest_first=request.oldest_first)
        following = self._pages.encode(tenant_id, request, [str(found[-1].sequence)]) if more else ""
        return [convert.event_to_proto(each) for each in found], following


def _sequence(place: list[str] | None) -> int | None:
    if place is None:
        return None
    if not place[0].isdigit():
        raise invalid()
    return int(place[0])
