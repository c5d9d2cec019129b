"""Models over gRPC: convert, call, convert. The tenant comes only from the verified token."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

import grpc
from google.api import httpbody_pb2
from google.protobuf.message import Message
from rampart.fraud.v1 import model_pb2
from rampart.fraud.v1 import model_service_pb2 as pb

from meshkit.context import principal
from meshkit.named_requests import IdempotentChanges
from meshkit.pages import Pages, page_size
from services.fraud.convert import models as convert
from services.fraud.convert.drift import drift_to_proto
from services.fraud.domain.scoring.model import ModelRef
from services.fraud.ports.models import ModelChanges, ModelWriter
from services.fraud.service.models.drifting import ModelDrifts
from services.fraud.service.models.importing import ModelImports
from services.fraud.service.models.keeping import ModelKeeper
from services.fraud.service.models.versions import ModelVersions, ToldVersion
from services.fraud.servicer.scenarios import actor

__all__ = ["ModelServicer", "ModelUseCases"]

_audit = logging.getLogger("audit")

ModelContext: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Response = TypeVar("Response", bound=Message)
MOST_PER_PAGE = 100
"""Versions: of each the metrics are told."""
NEWEST = 1 << 31
USUAL_DAYS = 7
ONNX_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class ModelUseCases:
    """What is done with models."""

    keeper: ModelKeeper
    versions: ModelVersions
    imports: ModelImports
    drifts: ModelDrifts


class ModelServicer:
    """Implements `rampart.fraud.v1.ModelService`."""

    def __init__(self, cases: ModelUseCases, writer: ModelWriter, pages: Pages) -> None:
        self._keeper, self._versions, self._imports = cases.keeper, cases.versions, cases.imports
        self._drifts = cases.drifts
        self._writer = writer
        self._idempotent: IdempotentChanges[ModelChanges] = IdempotentChanges(writer)
        self._pages = pages

    async def CreateModel(self, request: pb.CreateModelRequest, _: ModelContext) -> pb.CreateModelResponse:
        async def create(changes: ModelChanges) -> pb.CreateModelResponse:
            made = await self._keeper.create(
                changes, principal().tenant_id, convert.new_model_from_proto(request.model)
            )
            return pb.CreateModelResponse(model=convert.model_to_proto(made))

        return await self._change(request, create, pb.CreateModelResponse)

    async def GetModel(self, request: pb.GetModelRequest, _: ModelContext) -> pb.GetModelResponse:
        found = await self._keeper.get(principal().tenant_id, request.name)
        return pb.GetModelResponse(model=convert.model_to_proto(found))

    async def ListModels(self, request: pb.ListModelsRequest, _: ModelContext) -> pb.ListModelsResponse:
        tenant_id, size = principal().tenant_id, page_size(request.page_size)
        place = self._pages.decode(tenant_id, request, request.page_token, 1)
        found, more = await self._keeper.page(tenant_id, place[0] if place else "", size)
        following = self._pages.encode(tenant_id, request, [found[-1].name]) if more else ""
        return pb.ListModelsResponse(models=map(convert.model_to_proto, found), next_page_token=following)

    async def UpdateModel(self, request: pb.UpdateModelRequest, _: ModelContext) -> pb.UpdateModelResponse:
        sent = request.model
        description = convert.model_change_from_proto(sent, request.update_mask)
        check = convert.model_check_from_proto(sent, request.update_mask)
        admits = convert.model_admits_from_proto(request, sent.etag)

        async def update(changes: ModelChanges) -> pb.UpdateModelResponse:
            changed = await self._keeper.update(changes, sent.name, description, admits, check)
            return pb.UpdateModelResponse(model=convert.model_to_proto(changed))

        return await self._change(request, update, pb.UpdateModelResponse)

    async def DeleteModel(self, request: pb.DeleteModelRequest, _: ModelContext) -> pb.DeleteModelResponse:
        admits = convert.model_admits_from_proto(request, request.etag)

        async def delete(changes: ModelChanges) -> pb.DeleteModelResponse:
            await self._keeper.delete(changes, request.name, admits)
            return pb.DeleteModelResponse()

        answer = await self._change(request, delete, pb.DeleteModelResponse)
        _note("model deleted", request.name)
        return answer

    async def TrainModelVersion(
        self, request: pb.TrainModelVersionRequest, _: ModelContext
    ) -> pb.TrainModelVersionResponse:
        who, new = actor(), convert.training_from_proto(request.training)

        async def train(changes: ModelChanges) -> pb.TrainModelVersionResponse:
            made = await self._versions.train(changes, who.tenant_id, who.name, request.name, new)
            return pb.TrainModelVersionResponse(model_version=_told(made))

        return await self._change(request, train, pb.TrainModelVersionResponse)

    async def UploadModelPart(self, request: pb.UploadModelPartRequest, _: ModelContext) -> pb.UploadModelPartResponse:
        who, upload_id = actor(), UUID(request.upload_id)
        async with self._writer.begin(who.tenant_id) as changes:
            part = request.part, request.body.data, who.name
            kept = await self._imports.stage(changes, request.name, upload_id, *part)
        return pb.UploadModelPartResponse(parts=kept.parts, size=kept.size)

    async def ImportModelVersion(
        self, request: pb.ImportModelVersionRequest, _: ModelContext
    ) -> pb.ImportModelVersionResponse:
        who = actor()
        new = convert.import_from_proto(who.tenant_id, request)
        # Before the transaction, which nobody else of the tenant waits for meanwhile.
        found = await self._imports.inspect(new)

        async def take(changes: ModelChanges) -> pb.ImportModelVersionResponse:
            made = await self._imports.take(changes, who.name, new, found)
            return pb.ImportModelVersionResponse(model_version=_told(made))

        answer = await self._change(request, take, pb.ImportModelVersionResponse)
        _note("model imported", request.name)
        return answer

    async def GetModelVersion(self, request: pb.GetModelVersionRequest, _: ModelContext) -> pb.GetModelVersionResponse:
        told = await self._versions.get(principal().tenant_id, ModelRef(request.name, request.version))
        return pb.GetModelVersionResponse(model_version=_told(told))

    async def ListModelVersions(
        self, request: pb.ListModelVersionsRequest, _: ModelContext
    ) -> pb.ListModelVersionsResponse:
        tenant_id, size = principal().tenant_id, min(page_size(request.page_size), MOST_PER_PAGE)
        place = self._pages.decode(tenant_id, request, request.page_token, 1)
        before = int(place[0]) if place else NEWEST - 1
        found, more = await self._versions.page(tenant_id, request.name, before, size)
        following = self._pages.encode(tenant_id, request, [str(found[-1].version.number)]) if more else ""
        listed = [convert.model_version_to_proto(each.version, each.state, whole=False) for each in found]
        return pb.ListModelVersionsResponse(model_versions=listed, next_page_token=following)

    async def CancelModelVersion(
        self, request: pb.CancelModelVersionRequest, _: ModelContext
    ) -> pb.CancelModelVersionResponse:
        async with self._writer.begin(principal().tenant_id) as changes:
            told = await self._versions.cancel(changes, ModelRef(request.name, request.version))
        return pb.CancelModelVersionResponse(model_version=_told(told))

    async def UpdateModelVersion(
        self, request: pb.UpdateModelVersionRequest, _: ModelContext
    ) -> pb.UpdateModelVersionResponse:
        ref, change = ModelRef(request.name, request.version), convert.use_from_proto(request)
        async with self._writer.begin(principal().tenant_id) as changes:
            told = await self._versions.update(changes, ref, change)
        return pb.UpdateModelVersionResponse(model_version=_told(told))

    async def DownloadModelVersion(
        self, request: pb.DownloadModelVersionRequest, _: ModelContext
    ) -> pb.DownloadModelVersionResponse:
        found = await self._versions.download(principal().tenant_id, ModelRef(request.name, request.version))
        return pb.DownloadModelVersionResponse(body=httpbody_pb2.HttpBody(content_type=ONNX_TYPE, data=found))

    async def GetModelDrift(self, request: pb.GetModelDriftRequest, _: ModelContext) -> pb.GetModelDriftResponse:
        ref = ModelRef(request.name, request.version)
        found = await self._drifts.of(principal().tenant_id, ref, request.days or USUAL_DAYS)
        return pb.GetModelDriftResponse(model_drift=drift_to_proto(ref, *found))

    async def _change(
        self,
        request: convert.ChangingModels,
        change: Callable[[ModelChanges], Awaitable[Response]],
        answer: type[Response],
    ) -> Response:
        named = convert.model_request_from_proto(request)
        return await self._idempotent.respond(principal().tenant_id, named, change, answer)


def _told(told: ToldVersion) -> model_pb2.ModelVersion:
    return convert.model_version_to_proto(told.version, told.state)


def _note(what: str, name: str) -> None:
    caller = principal()
    fields = {"tenant": caller.tenant_id, "client_id": caller.client_id, "model": name}
    _audit.info(what, extra={"fields": fields})
