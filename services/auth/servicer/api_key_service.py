"""Implements `rampart.auth.v1.ApiKeyService`: convert, call, convert. The tenant comes only from the verified token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, TypeVar

import grpc
from google.protobuf.message import Message
from rampart.auth.v1 import api_key_service_pb2 as pb

from meshkit.context import principal
from meshkit.named_requests import IdempotentChanges
from meshkit.pages import Pages, page_size
from services.auth.convert import api_keys as convert
from services.auth.convert.clients import grace_from_proto
from services.auth.ports import ApiKeyChanges
from services.auth.service.api_keys import ApiKeyKeeper

__all__ = ["ApiKeyServicer"]

KeyContext: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Response = TypeVar("Response", bound=Message)


class ApiKeyServicer:
    """Implements `rampart.auth.v1.ApiKeyService`."""

    def __init__(self, keeper: ApiKeyKeeper, idempotent: IdempotentChanges[ApiKeyChanges], pages: Pages) -> None:
        self._keeper = keeper
        self._idempotent = idempotent
        self._pages = pages

    async def CreateApiKey(self, request: pb.CreateApiKeyRequest, _: KeyContext) -> pb.CreateApiKeyResponse:
        asked = convert.asked_key_from_proto(request.api_key)

        async def create(changes: ApiKeyChanges) -> pb.CreateApiKeyResponse:
            made = await self._keeper.create(changes, principal(), asked)
            return pb.CreateApiKeyResponse(api_key=convert.key_to_proto(made.key), secret=made.secret)

        return await self._change(request, create, pb.CreateApiKeyResponse)

    async def GetApiKey(self, request: pb.GetApiKeyRequest, _: KeyContext) -> pb.GetApiKeyResponse:
        key = await self._keeper.get(principal().tenant_id, request.key_id)
        return pb.GetApiKeyResponse(api_key=convert.key_to_proto(key))

    async def ListApiKeys(self, request: pb.ListApiKeysRequest, _: KeyContext) -> pb.ListApiKeysResponse:
        tenant_id, size = principal().tenant_id, page_size(request.page_size)
        place = self._pages.decode(tenant_id, request, request.page_token, 1)
        keys, more = await self._keeper.page(tenant_id, place[0] if place else "", size)
        following = self._pages.encode(tenant_id, request, [keys[-1].key_id]) if more else ""
        return pb.ListApiKeysResponse(api_keys=map(convert.key_to_proto, keys), next_page_token=following)

    async def RotateApiKey(self, request: pb.RotateApiKeyRequest, _: KeyContext) -> pb.RotateApiKeyResponse:
        grace = grace_from_proto(request)

        async def rotate(changes: ApiKeyChanges) -> pb.RotateApiKeyResponse:
            rotated = await self._keeper.rotate(changes, principal(), request.key_id, grace)
            return pb.RotateApiKeyResponse(api_key=convert.key_to_proto(rotated.key), secret=rotated.secret)

        return await self._change(request, rotate, pb.RotateApiKeyResponse)

    async def DeleteApiKey(self, request: pb.DeleteApiKeyRequest, _: KeyContext) -> pb.DeleteApiKeyResponse:
        async def delete(changes: ApiKeyChanges) -> pb.DeleteApiKeyResponse:
            await self._keeper.delete(changes, request.key_id)
            return pb.DeleteApiKeyResponse()

        return await self._change(request, delete, pb.DeleteApiKeyResponse)

    async def _change(
        self,
        request: convert.KeyChanging,
        change: Callable[[ApiKeyChanges], Awaitable[Response]],
        answer: type[Response],
    ) -> Response:
        named = convert.key_request_from_proto(request)
        return await self._idempotent.respond(principal().tenant_id, named, change, answer)
