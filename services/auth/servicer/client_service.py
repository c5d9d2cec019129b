"""Implements `rampart.auth.v1.ClientService`: convert, call, convert. The tenant comes only from the verified token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, TypeVar

import grpc
from google.protobuf.message import Message
from rampart.auth.v1 import client_service_pb2 as pb

from meshkit.context import principal
from meshkit.named_requests import IdempotentChanges
from meshkit.pages import Pages, page_size
from services.auth.convert import clients as convert
from services.auth.domain.clients import NewClient
from services.auth.ports import ClientChanges
from services.auth.service.clients import ClientKeeper

__all__ = ["ClientServicer"]

ClientContext: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Response = TypeVar("Response", bound=Message)


class ClientServicer:
    """Implements `rampart.auth.v1.ClientService`."""

    def __init__(self, keeper: ClientKeeper, idempotent: IdempotentChanges[ClientChanges], pages: Pages) -> None:
        self._keeper = keeper
        self._idempotent = idempotent
        self._pages = pages

    async def CreateClient(self, request: pb.CreateClientRequest, _: ClientContext) -> pb.CreateClientResponse:
        settings = convert.settings_from_proto(request.client)

        async def create(changes: ClientChanges) -> pb.CreateClientResponse:
            made = await self._keeper.create(changes, principal(), settings, request.client.scopes)
            return pb.CreateClientResponse(**_shown(made))

        return await self._change(request, create, pb.CreateClientResponse)

    async def GetClient(self, request: pb.GetClientRequest, _: ClientContext) -> pb.GetClientResponse:
        client = await self._keeper.get(principal().tenant_id, request.client_id)
        return pb.GetClientResponse(client=convert.client_to_proto(client))

    async def ListClients(self, request: pb.ListClientsRequest, _: ClientContext) -> pb.ListClientsResponse:
        tenant_id, size = principal().tenant_id, page_size(request.page_size)
        place = self._pages.decode(tenant_id, request, request.page_token, 1)
        clients, more = await self._keeper.page(tenant_id, place[0] if place else "", size)
        following = self._pages.encode(tenant_id, request, [clients[-1].client_id]) if more else ""
        return pb.ListClientsResponse(clients=map(convert.client_to_proto, clients), next_page_token=following)

    async def UpdateClient(self, request: pb.UpdateClientRequest, _: ClientContext) -> pb.UpdateClientResponse:
        sent = request.client
        change = convert.client_change_from_proto(sent, request.update_mask)
        check = convert.client_check_from_proto(sent, request.update_mask)
        admits = convert.client_admits_from_proto(request, sent.etag)

        async def update(changes: ClientChanges) -> pb.UpdateClientResponse:
            changed = await self._keeper.update(
                changes, principal(), sent.client_id, change, admits=admits, check=check
            )
            return pb.UpdateClientResponse(client=convert.client_to_proto(changed))

        return await self._change(request, update, pb.UpdateClientResponse)

    async def RotateClientSecret(
        self, request: pb.RotateClientSecretRequest, _: ClientContext
    ) -> pb.RotateClientSecretResponse:
        grace = convert.grace_from_proto(request)

        async def rotate(changes: ClientChanges) -> pb.RotateClientSecretResponse:
            rotated = await self._keeper.rotate(changes, principal(), request.client_id, grace)
            return pb.RotateClientSecretResponse(**_shown(rotated))

        return await self._change(request, rotate, pb.RotateClientSecretResponse)

    async def RevokeClientSecret(
        self, request: pb.RevokeClientSecretRequest, _: ClientContext
    ) -> pb.RevokeClientSecretResponse:
        async def revoke(changes: ClientChanges) -> pb.RevokeClientSecretResponse:
            client = await self._keeper.revoke_secrets(changes, request.client_id, previous_only=request.previous_only)
            return pb.RevokeClientSecretResponse(client=convert.client_to_proto(client))

        return await self._change(request, revoke, pb.RevokeClientSecretResponse)

    async def DisableClient(self, request: pb.DisableClientRequest, _: ClientContext) -> pb.DisableClientResponse:
        async def disable(changes: ClientChanges) -> pb.DisableClientResponse:
            client = await self._keeper.disable(changes, request.client_id)
            return pb.DisableClientResponse(client=convert.client_to_proto(client))

        return await self._change(request, disable, pb.DisableClientResponse)

    async def EnableClient(self, request: pb.EnableClientRequest, _: ClientContext) -> pb.EnableClientResponse:
        async def enable(changes: ClientChanges) -> pb.EnableClientResponse:
            client = await self._keeper.enable(changes, principal(), request.client_id)
            return pb.EnableClientResponse(client=convert.client_to_proto(client))

        return await self._change(request, enable, pb.EnableClientResponse)

    async def DeleteClient(self, request: pb.DeleteClientRequest, _: ClientContext) -> pb.DeleteClientResponse:
        admits = convert.client_admits_from_proto(request, request.etag)

        async def delete(changes: ClientChanges) -> pb.DeleteClientResponse:
            await self._keeper.delete(changes, request.client_id, admits)
            return pb.DeleteClientResponse()

        return await self._change(request, delete, pb.DeleteClientResponse)

    async def _change(
        self,
        request: convert.ClientChanging,
        change: Callable[[ClientChanges], Awaitable[Response]],
        answer: type[Response],
    ) -> Response:
        named = convert.client_request_from_proto(request)
        return await self._idempotent.respond(principal().tenant_id, named, change, answer)


def _shown(made: NewClient) -> dict[str, Any]:
    return {"client": convert.client_to_proto(made.client), "client_secret": made.secret}
