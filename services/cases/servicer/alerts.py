"""Alerts over gRPC."""

from __future__ import annotations

from typing import Any, TypeAlias
from uuid import UUID

import grpc
from rampart.cases.v1 import alert_service_pb2 as pb

from meshkit.context import principal
from meshkit.pages import Pages, page_size
from services.cases import convert
from services.cases.service.alerts import AlertDesk
from services.cases.servicer.callers import sees_pii

__all__ = ["AlertServicer"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class AlertServicer:
    """Implements `rampart.cases.v1.AlertService`."""

    def __init__(self, desk: AlertDesk, pages: Pages) -> None:
        self._desk = desk
        self._pages = pages

    async def ListAlerts(self, request: pb.ListAlertsRequest, _: Context) -> pb.ListAlertsResponse:
        caller, size = principal(), page_size(request.page_size)
        place = self._pages.decode(caller.tenant_id, request, request.page_token, 1)
        only, before = convert.alert_filter_from_proto(request), UUID(place[0]) if place else None
        found, more = await self._desk.page(caller.tenant_id, only, before, size)
        pii = sees_pii(caller)
        return pb.ListAlertsResponse(
            alerts=[convert.alert_to_proto(each, pii=pii) for each in found],
            next_page_token=self._pages.encode(caller.tenant_id, request, [found[-1].alert_id]) if more else "",
        )

    async def GetAlert(self, request: pb.GetAlertRequest, _: Context) -> pb.GetAlertResponse:
        caller = principal()
        found, evidence = await self._desk.get(caller.tenant_id, UUID(request.alert_id))
        return pb.GetAlertResponse(alert=convert.alert_to_proto(found, evidence, pii=sees_pii(caller)))

    async def AcknowledgeAlert(self, request: pb.AcknowledgeAlertRequest, _: Context) -> pb.AcknowledgeAlertResponse:
        caller = principal()
        alert_id = UUID(request.alert_id)
        found = await self._desk.acknowledge(caller.tenant_id, alert_id, caller.actor, request.etag)
        return pb.AcknowledgeAlertResponse(alert=convert.alert_to_proto(found, pii=sees_pii(caller)))

    async def DismissAlert(self, request: pb.DismissAlertRequest, _: Context) -> pb.DismissAlertResponse:
        caller = principal()
        alert_id = UUID(request.alert_id)
        found = await self._desk.dismiss(caller.tenant_id, alert_id, caller.actor, request.reason, request.etag)
        return pb.DismissAlertResponse(alert=convert.alert_to_proto(found, pii=sees_pii(caller)))

    async def GetAlertSettings(self, _: pb.GetAlertSettingsRequest, __: Context) -> pb.GetAlertSettingsResponse:
        found = await self._desk.settings(principal().tenant_id)
        return pb.GetAlertSettingsResponse(settings=convert.alert_settings_to_proto(found))

    async def UpdateAlertSettings(
        self, request: pb.UpdateAlertSettingsRequest, _: Context
    ) -> pb.UpdateAlertSettingsResponse:
        wanted = convert.settings_changes_from_proto(request)
        changed = await self._desk.set(principal().tenant_id, wanted, request.etag)
        return pb.UpdateAlertSettingsResponse(settings=convert.alert_settings_to_proto(changed))
