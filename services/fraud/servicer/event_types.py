"""The gRPC methods of event types: convert, call, convert."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, TypeVar

import grpc
from google.protobuf.message import Message
from rampart.fraud.v1 import event_type_service_pb2 as pb

from meshkit.context import principal
from meshkit.named_requests import IdempotentChanges
from meshkit.pages import Pages, page_size
from services.fraud import convert
from services.fraud.ports import EventTypeChanges
from services.fraud.service.declaring.event_types import EventTypeService

__all__ = ["EventTypeServicer"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Response = TypeVar("Response", bound=Message)


class EventTypeServicer:
    """Implements `rampart.fraud.v1.EventTypeService`."""

    def __init__(
        self, service: EventTypeService, idempotent: IdempotentChanges[EventTypeChanges], *, pages: Pages
    ) -> None:
        self._service = service
        self._idempotent = idempotent
        self._pages = pages

    async def CreateEventType(self, request: pb.CreateEventTypeRequest, _: Context) -> pb.CreateEventTypeResponse:
        new = convert.event_type_from_proto(request.event_type)

        async def create(changes: EventTypeChanges) -> pb.CreateEventTypeResponse:
            declared = await self._service.create(changes, new)
            return pb.CreateEventTypeResponse(event_type=convert.declared_type_to_proto(declared))

        return await self._change(request, create, pb.CreateEventTypeResponse)

    async def GetEventType(self, request: pb.GetEventTypeRequest, _: Context) -> pb.GetEventTypeResponse:
        declared = await self._service.get(principal().tenant_id, request.name)
        return pb.GetEventTypeResponse(event_type=convert.declared_type_to_proto(declared))

    async def ListEventTypes(self, request: pb.ListEventTypesRequest, _: Context) -> pb.ListEventTypesResponse:
        tenant_id, size = principal().tenant_id, page_size(request.page_size)
        place = self._pages.decode(tenant_id, request, request.page_token, 1)
        found, more = await self._service.page(tenant_id, place[0] if place else "", size)
        following = self._pages.encode(tenant_id, request, [found[-1].event_type.name]) if more else ""
        return pb.ListEventTypesResponse(
            event_types=map(convert.declared_type_to_proto, found), next_page_token=following
        )

    async def UpdateEventType(self, request: pb.UpdateEventTypeRequest, _: Context) -> pb.UpdateEventTypeResponse:
        sent, mask = request.event_type, request.update_mask
        change = convert.type_change_from_proto(sent, mask)
        admits, check = convert.type_admits_from_proto(request), convert.type_check_from_proto(sent, mask)

        async def update(changes: EventTypeChanges) -> pb.UpdateEventTypeResponse:
            declared = await self._service.update(changes, sent.name, change, admits=admits, check=check)
            return pb.UpdateEventTypeResponse(event_type=convert.declared_type_to_proto(declared))

        return await self._change(request, update, pb.UpdateEventTypeResponse)

    async def _change(
        self,
        request: convert.ChangingTypes,
        change: Callable[[EventTypeChanges], Awaitable[Response]],
        answer: type[Response],
    ) -> Response:
        named = convert.type_request_from_proto(request)
        return await self._idempotent.respond(principal().tenant_id, named, change, answer)
