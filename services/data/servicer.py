"""Implements the gRPC methods of the data service: convert, call, convert."""

from __future__ import annotations

from typing import Any, TypeAlias

import grpc
from rampart.data.v1 import data_service_pb2 as pb

from meshkit.context import principal
from meshkit.pages import Pages
from services.data import convert
from services.data.ports import LedgerDesk
from services.data.service.ledger import LedgerService

__all__ = ["DataServicer"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class DataServicer:
    """Implements `rampart.data.v1.DataService`. The tenant comes from the verified caller alone."""

    def __init__(self, service: LedgerService, desk: LedgerDesk, pages: Pages) -> None:
        self._service = service
        self._desk = desk
        self._pages = pages

    async def ListTransactions(self, request: pb.ListTransactionsRequest, _: Context) -> pb.ListTransactionsResponse:
        query = convert.transaction_query_from_proto(request, principal().tenant_id, self._pages)
        page = await self._service.transactions(query)
        place = convert.transaction_to_place(page.last) if page.last else None
        return pb.ListTransactionsResponse(
            transactions=map(convert.transaction_to_proto, page.rows),
            next_page_token=self._pages.encode(query.tenant_id, request, place) if place else "",
        )

    async def ListDailyTotals(self, request: pb.ListDailyTotalsRequest, _: Context) -> pb.ListDailyTotalsResponse:
        query = convert.totals_query_from_proto(request, principal().tenant_id, self._pages)
        page = await self._service.totals(query)
        place = convert.total_to_place(page.last) if page.last else None
        return pb.ListDailyTotalsResponse(
            totals=map(convert.total_to_proto, page.rows),
            next_page_token=self._pages.encode(query.tenant_id, request, place) if place else "",
        )

    async def GetLedgerState(self, _: pb.GetLedgerStateRequest, __: Context) -> pb.GetLedgerStateResponse:
        return pb.GetLedgerStateResponse(state=convert.state_to_proto(await self._desk.state()))

    async def RebuildLedger(self, _: pb.RebuildLedgerRequest, __: Context) -> pb.RebuildLedgerResponse:
        await self._desk.ask_rebuild()
        return pb.RebuildLedgerResponse(state=convert.state_to_proto(await self._desk.state()))
