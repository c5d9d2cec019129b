"""Implements the gRPC methods of the data service: convert, call, convert."""

from __future__ import annotations

from typing import Any

import grpc
from rampart.data.v1 import data_service_pb2, data_service_pb2_grpc

from meshkit.context import principal
from services.data import convert
from services.data.service.ledger import LedgerService

__all__ = ["DataServicer"]


class DataServicer(data_service_pb2_grpc.DataServiceServicer):
    """Implements `rampart.data.v1.DataService`. The tenant comes from the verified caller alone."""

    def __init__(self, service: LedgerService) -> None:
        self._service = service

    async def ListTransactions(
        self,
        request: data_service_pb2.ListTransactionsRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> data_service_pb2.ListTransactionsResponse:
        page = await self._service.transactions(convert.transaction_query_from_proto(request, principal().tenant_id))
        return data_service_pb2.ListTransactionsResponse(
            transactions=map(convert.transaction_to_proto, page.rows),
            next_page_token=convert.transaction_to_token(request, page.last) if page.last else "",
        )

    async def ListDailyTotals(
        self,
        request: data_service_pb2.ListDailyTotalsRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> data_service_pb2.ListDailyTotalsResponse:
        page = await self._service.totals(convert.totals_query_from_proto(request, principal().tenant_id))
        return data_service_pb2.ListDailyTotalsResponse(
            totals=map(convert.total_to_proto, page.rows),
            next_page_token=convert.total_to_token(request, page.last) if page.last else "",
        )
