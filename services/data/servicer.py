"""Implements the gRPC methods of the data service: convert, call, convert."""

from __future__ import annotations

from typing import Any, TypeAlias

import grpc
from rampart.data.v1 import data_service_pb2 as pb

from meshkit.context import principal
from services.data import convert
from services.data.service.ledger import LedgerService

__all__ = ["DataServicer"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class DataServicer:
    """Implements `rampart.data.v1.DataService`. The tenant comes from the verified caller alone."""

    def __init__(self, service: LedgerService) -> None:
        self._service = service

    async def ListTransactions(self, request: pb.ListTransactionsRequest, _: Context) -> pb.ListTransactionsResponse:
        page = await self._service.transactions(convert.transaction_query_from_proto(request, principal().tenant_id))
        return pb.ListTransactionsResponse(
            transactions=map(convert.transaction_to_proto, page.rows),
            next_page_token=convert.transaction_to_token(request, page.last) if page.last else "",
        )

    async def ListDailyTotals(self, request: pb.ListDailyTotalsRequest, _: Context) -> pb.ListDailyTotalsResponse:
        page = await self._service.totals(convert.totals_query_from_proto(request, principal().tenant_id))
        return pb.ListDailyTotalsResponse(
            totals=map(convert.total_to_proto, page.rows),
            next_page_token=convert.total_to_token(request, page.last) if page.last else "",
        )
