"""The gRPC methods of features: convert, call, convert."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeAlias, TypeVar

import grpc
from google.protobuf.message import Message
from rampart.fraud.v1 import feature_service_pb2 as pb

from meshkit.context import principal
from meshkit.named_requests import IdempotentChanges
from meshkit.pages import Pages, page_size
from services.fraud import convert
from services.fraud.ports import FeatureChanges
from services.fraud.service.declaring.features import FeatureService
from services.fraud.service.logs.rebuilding import Rebuilds
from services.fraud.service.verification.verifying import Verifications

__all__ = ["FeatureServicer"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Response = TypeVar("Response", bound=Message)


class FeatureServicer:
    """Implements `rampart.fraud.v1.FeatureService`."""

    def __init__(
        self,
        service: FeatureService,
        idempotent: IdempotentChanges[FeatureChanges],
        *,
        pages: Pages,
        verifications: Verifications,
        rebuilds: Rebuilds,
    ) -> None:
        self._service = service
        self._idempotent = idempotent
        self._pages = pages
        self._verifications = verifications
        self._rebuilds = rebuilds

    async def CreateFeature(self, request: pb.CreateFeatureRequest, _: Context) -> pb.CreateFeatureResponse:
        new, description = convert.definition_from_proto(request.feature), request.feature.description

        async def create(changes: FeatureChanges) -> pb.CreateFeatureResponse:
            known = await self._service.create(changes, new, description)
            return pb.CreateFeatureResponse(feature=convert.feature_to_proto(known))

        return await self._change(request, create, pb.CreateFeatureResponse)

    async def GetFeature(self, request: pb.GetFeatureRequest, _: Context) -> pb.GetFeatureResponse:
        known = await self._service.get(principal().tenant_id, request.name)
        return pb.GetFeatureResponse(feature=convert.feature_to_proto(known))

    async def ListFeatures(self, request: pb.ListFeaturesRequest, _: Context) -> pb.ListFeaturesResponse:
        tenant_id, size = principal().tenant_id, page_size(request.page_size)
        place = self._pages.decode(tenant_id, request, request.page_token, 1)
        found, more = await self._service.page(tenant_id, place[0] if place else "", size)
        following = self._pages.encode(tenant_id, request, [found[-1].declared.name]) if more else ""
        return pb.ListFeaturesResponse(features=map(convert.feature_to_proto, found), next_page_token=following)

    async def UpdateFeature(self, request: pb.UpdateFeatureRequest, _: Context) -> pb.UpdateFeatureResponse:
        sent, mask = request.feature, request.update_mask
        words, check = convert.feature_words_from_proto(sent, mask), convert.feature_check_from_proto(sent, mask)
        admits = convert.feature_admits_from_proto(request, sent.etag)

        async def update(changes: FeatureChanges) -> pb.UpdateFeatureResponse:
            known = await self._service.describe(changes, sent.name, words, admits=admits, check=check)
            return pb.UpdateFeatureResponse(feature=convert.feature_to_proto(known))

        return await self._change(request, update, pb.UpdateFeatureResponse)

    async def DeleteFeature(self, request: pb.DeleteFeatureRequest, _: Context) -> pb.DeleteFeatureResponse:
        admits = convert.feature_admits_from_proto(request, request.etag)

        async def delete(changes: FeatureChanges) -> pb.DeleteFeatureResponse:
            await self._service.delete(changes, request.name, admits=admits)
            return pb.DeleteFeatureResponse()

        return await self._change(request, delete, pb.DeleteFeatureResponse)

    async def VerifyFeatures(
        self, request: pb.VerifyFeaturesRequest, _: Context
    ) -> AsyncGenerator[pb.VerifyFeaturesResponse, None]:
        since, until = convert.verified_period_from_proto(request, self._verifications.latest)
        verifying = self._verifications.verify(principal().tenant_id, since, until, request.features)
        async with aclosing(verifying) as news:
            async for each in news:
                yield convert.verification_news_to_proto(each, since, until)

    async def RebuildFeatures(
        self, _: pb.RebuildFeaturesRequest, __: Context
    ) -> AsyncGenerator[pb.RebuildFeaturesResponse, None]:
        async with aclosing(self._rebuilds.rebuild(principal().tenant_id)) as news:
            async for each in news:
                yield pb.RebuildFeaturesResponse(state=each.state, features=each.features)

    async def _change(
        self,
        request: convert.ChangingFeatures,
        change: Callable[[FeatureChanges], Awaitable[Response]],
        answer: type[Response],
    ) -> Response:
        named = convert.feature_request_from_proto(request)
        return await self._idempotent.respond(principal().tenant_id, named, change, answer)
