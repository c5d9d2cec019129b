"""Lists of values over gRPC: convert, call, convert. The tenant comes only from the verified token."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

import grpc
from google.protobuf.message import Message
from rampart.fraud.v1 import list_service_pb2 as pb

from meshkit.context import principal
from meshkit.named_requests import IdempotentChanges
from meshkit.pages import Pages, page_size
from services.fraud.convert import value_lists as convert
from services.fraud.domain.value_lists.lists import EntryFilter
from services.fraud.ports.value_lists import ListChanges
from services.fraud.service.value_lists.importing import ListImports
from services.fraud.service.value_lists.keeping import ListKeeper

__all__ = ["ListServicer"]

_audit = logging.getLogger("audit")

ListContext: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Response = TypeVar("Response", bound=Message)


class ListServicer:
    """Implements `rampart.fraud.v1.ListService`."""

    def __init__(
        self, keeper: ListKeeper, imports: ListImports, idempotent: IdempotentChanges[ListChanges], pages: Pages
    ) -> None:
        self._keeper = keeper
        self._imports = imports
        self._idempotent = idempotent
        self._pages = pages

    async def CreateList(self, request: pb.CreateListRequest, _: ListContext) -> pb.CreateListResponse:
        async def create(changes: ListChanges) -> pb.CreateListResponse:
            made = await self._keeper.create(changes, convert.new_list_from_proto(request.list))
            return pb.CreateListResponse(list=convert.list_to_proto(made))

        return await self._change(request, create, pb.CreateListResponse)

    async def GetList(self, request: pb.GetListRequest, _: ListContext) -> pb.GetListResponse:
        return pb.GetListResponse(
            list=convert.list_to_proto(await self._keeper.get(principal().tenant_id, request.name))
        )

    async def ListLists(self, request: pb.ListListsRequest, _: ListContext) -> pb.ListListsResponse:
        tenant_id, size = principal().tenant_id, page_size(request.page_size)
        place = self._pages.decode(tenant_id, request, request.page_token, 1)
        lists, more = await self._keeper.page(tenant_id, place[0] if place else "", size)
        following = self._pages.encode(tenant_id, request, [lists[-1].name]) if more else ""
        return pb.ListListsResponse(lists=map(convert.list_to_proto, lists), next_page_token=following)

    async def UpdateList(self, request: pb.UpdateListRequest, _: ListContext) -> pb.UpdateListResponse:
        sent = request.list
        description = convert.list_change_from_proto(sent, request.update_mask)
        check = convert.list_check_from_proto(sent, request.update_mask)
        admits = convert.list_admits_from_proto(request, sent.etag)

        async def update(changes: ListChanges) -> pb.UpdateListResponse:
            changed = await self._keeper.update(changes, sent.name, description, admits, check)
            return pb.UpdateListResponse(list=convert.list_to_proto(changed))

        return await self._change(request, update, pb.UpdateListResponse)

    async def DeleteList(self, request: pb.DeleteListRequest, _: ListContext) -> pb.DeleteListResponse:
        admits = convert.list_admits_from_proto(request, request.etag)

        async def delete(changes: ListChanges) -> pb.DeleteListResponse:
            await self._keeper.delete(changes, request.name, admits)
            return pb.DeleteListResponse()

        answer = await self._change(request, delete, pb.DeleteListResponse)
        caller = principal()
        fields = {"tenant": caller.tenant_id, "client_id": caller.client_id, "list": request.name}
        _audit.info("list deleted", extra={"fields": fields})
        return answer

    async def AddEntries(self, request: pb.AddEntriesRequest, _: ListContext) -> pb.AddEntriesResponse:
        asked = [convert.entry_from_proto(entry) for entry in request.entries]

        async def add(changes: ListChanges) -> pb.AddEntriesResponse:
            found, new, changed = await self._keeper.add(changes, request.name, asked, principal().client_id)
            return pb.AddEntriesResponse(list=convert.list_to_proto(found), added_count=new, changed_count=changed)

        return await self._change(request, add, pb.AddEntriesResponse)

    async def RemoveEntries(self, request: pb.RemoveEntriesRequest, _: ListContext) -> pb.RemoveEntriesResponse:
        async def remove(changes: ListChanges) -> pb.RemoveEntriesResponse:
            found, removed = await self._keeper.remove(changes, request.name, request.values, principal().client_id)
            return pb.RemoveEntriesResponse(list=convert.list_to_proto(found), removed_count=removed)

        return await self._change(request, remove, pb.RemoveEntriesResponse)

    async def ListEntries(self, request: pb.ListEntriesRequest, _: ListContext) -> pb.ListEntriesResponse:
        tenant_id, size = principal().tenant_id, page_size(request.page_size)
        place = self._pages.decode(tenant_id, request, request.page_token, 1)
        only = EntryFilter(request.value, request.prefix)
        entries, more = await self._keeper.entries(tenant_id, request.name, only, place[0] if place else "", size)
        following = self._pages.encode(tenant_id, request, [entries[-1].value]) if more else ""
        return pb.ListEntriesResponse(entries=map(convert.entry_to_proto, entries), next_page_token=following)

    async def ImportEntries(self, request: pb.ImportEntriesRequest, _: ListContext) -> pb.ImportEntriesResponse:
        caller, data, first = principal(), request.body.data, request.first_row or 1
        place = (caller.tenant_id, request.name)
        if request.import_id:
            import_id = UUID(request.import_id)
            done = await self._imports.stage(*place, import_id, first, data, caller.client_id)
        else:
            done = await self._imports.at_once(*place, data, caller.client_id)
        return convert.imported_to_proto(done, pb.ImportEntriesResponse)

    async def CommitImport(self, request: pb.CommitImportRequest, _: ListContext) -> pb.CommitImportResponse:
        caller = principal()
        done = await self._imports.commit(
            caller.tenant_id, request.name, UUID(request.import_id), request.rows, caller.client_id
        )
        return convert.imported_to_proto(done, pb.CommitImportResponse)

    async def _change(
        self,
        request: convert.ListChanging,
        change: Callable[[ListChanges], Awaitable[Response]],
        answer: type[Response],
    ) -> Response:
        named = convert.list_request_from_proto(request)
        return await self._idempotent.respond(principal().tenant_id, named, change, answer)
