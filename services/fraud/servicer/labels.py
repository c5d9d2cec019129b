"""Labels over gRPC."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from typing import Any, TypeAlias
from uuid import UUID

import grpc
from rampart.fraud.v1 import label_pb2
from rampart.fraud.v1 import label_service_pb2 as pb

from meshkit.context import principal
from meshkit.errors import MeshError, to_status
from meshkit.named_requests import IdempotentChanges, named_request
from meshkit.pages import Pages, page_size
from meshkit.rpc.interceptors.validation import validate
from meshkit.tasks import WorkState
from services.fraud import convert
from services.fraud.domain.labels.label import NewLabel, StoredLabel
from services.fraud.ports.labels import LabelChanges, LabelWriter
from services.fraud.service.labels.importing import LabelFiles
from services.fraud.service.labels.keeping import STEP_LABELS, LabelService, ToldLabel
from services.fraud.service.labels.telling import LabelTeller
from services.fraud.servicer.scenarios import actor

__all__ = ["LabelServicer"]

LabelContext: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
PENDING = WorkState("pending")


class LabelServicer:
    """Implements `rampart.fraud.v1.LabelService`."""

    def __init__(
        self, service: LabelService, files: LabelFiles, writer: LabelWriter, teller: LabelTeller, pages: Pages
    ) -> None:
        self._service = service
        self._files = files
        self._writer = writer
        self._idempotent: IdempotentChanges[LabelChanges] = IdempotentChanges(writer)
        self._teller = teller
        self._pages = pages

    async def CreateLabel(self, request: pb.CreateLabelRequest, _: LabelContext) -> pb.CreateLabelResponse:
        who, told = actor(), convert.label_from_proto(request.label, "label.")
        created: list[StoredLabel] = []

        async def create(changes: LabelChanges) -> pb.CreateLabelResponse:
            (result,) = await self._service.store(changes, who.name, [told])
            if isinstance(result, MeshError):
                raise result.with_violations(_within(result))
            created.extend([result.label] if result.created else [])
            return pb.CreateLabelResponse(label=convert.label_to_proto(result.label), created=result.created)

        named = named_request(request, lambda content: None)
        answer = await self._idempotent.respond(who.tenant_id, named, create, pb.CreateLabelResponse)
        await self._teller.tell_soon(who.tenant_id, created)
        return answer

    async def BatchCreateLabels(
        self, request: pb.BatchCreateLabelsRequest, _: LabelContext
    ) -> pb.BatchCreateLabelsResponse:
        who = actor()
        told: list[NewLabel | MeshError] = []
        for number, message in enumerate(request.labels, 1):
            told.append(_read(message))
            if number % STEP_LABELS == 0:
                await asyncio.sleep(0)
        async with self._writer.begin(who.tenant_id) as changes:
            results = await self._service.store(changes, who.name, told)
        created = [each.label for each in results if isinstance(each, ToldLabel) and each.created]
        await self._teller.tell_soon(who.tenant_id, created)
        return pb.BatchCreateLabelsResponse(results=await _results(results), created_count=len(created))

    async def GetLabel(self, request: pb.GetLabelRequest, _: LabelContext) -> pb.GetLabelResponse:
        found = await self._service.get(principal().tenant_id, UUID(request.label_id))
        return pb.GetLabelResponse(label=convert.label_to_proto(found))

    async def ListLabels(self, request: pb.ListLabelsRequest, _: LabelContext) -> pb.ListLabelsResponse:
        tenant_id, size = principal().tenant_id, page_size(request.page_size)
        place = self._pages.decode(tenant_id, request, request.page_token, 1)
        only = convert.label_filter_from_proto(request)
        found, more = await self._service.page(tenant_id, only, UUID(place[0]) if place else None, size)
        following = self._pages.encode(tenant_id, request, [found[-1].label_id]) if more else ""
        return pb.ListLabelsResponse(labels=map(convert.label_to_proto, found), next_page_token=following)

    async def ImportLabels(self, request: pb.ImportLabelsRequest, _: LabelContext) -> pb.ImportLabelsResponse:
        who = actor()
        # Before the transaction, which others of the tenant wait for.
        rows = await self._files.count(request.body.data)

        async def create(changes: LabelChanges) -> pb.ImportLabelsResponse:
            made = await self._files.create(changes, who.tenant_id, who.name, request.body.data, rows)
            return pb.ImportLabelsResponse(label_import=convert.label_import_to_proto(made, PENDING))

        named = named_request(request, lambda content: None)
        return await self._idempotent.respond(who.tenant_id, named, create, pb.ImportLabelsResponse)

    async def GetLabelImport(self, request: pb.GetLabelImportRequest, _: LabelContext) -> pb.GetLabelImportResponse:
        found, state = await self._files.get(principal().tenant_id, UUID(request.import_id))
        return pb.GetLabelImportResponse(label_import=convert.label_import_to_proto(found, state))

    async def ListLabelImportErrors(
        self, request: pb.ListLabelImportErrorsRequest, _: LabelContext
    ) -> pb.ListLabelImportErrorsResponse:
        tenant_id, size = principal().tenant_id, page_size(request.page_size)
        place = self._pages.decode(tenant_id, request, request.page_token, 1)
        after = int(place[0]) if place else 0
        found, more = await self._files.refused(tenant_id, UUID(request.import_id), after, size)
        following = self._pages.encode(tenant_id, request, [str(found[-1].row)]) if more else ""
        errors = map(convert.refused_row_to_proto, found)
        return pb.ListLabelImportErrorsResponse(errors=errors, next_page_token=following)


def _read(message: label_pb2.Label) -> NewLabel | MeshError:
    """Makes a label of an item of a batch, which fails for itself."""
    try:
        validate(message)
        return convert.label_from_proto(message)
    except MeshError as error:
        return error


def _within(error: MeshError) -> Sequence[Any]:
    return [dataclasses.replace(each, field=f"label.{each.field}") for each in error.violations]


async def _results(results: Sequence[ToldLabel | MeshError]) -> Sequence[pb.BatchCreateLabelsResult]:
    found = []
    for number, each in enumerate(results, 1):
        if isinstance(each, MeshError):
            found.append(pb.BatchCreateLabelsResult(error=to_status(each)))
        else:
            found.append(pb.BatchCreateLabelsResult(label=convert.label_to_proto(each.label)))
        if number % STEP_LABELS == 0:
            await asyncio.sleep(0)
    return found
