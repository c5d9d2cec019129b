"""Backtests over gRPC."""

from __future__ import annotations

from uuid import UUID

from rampart.fraud.v1 import backtest_pb2
from rampart.fraud.v1 import backtest_service_pb2 as pb

from meshkit.context import principal
from meshkit.named_requests import IdempotentChanges, named_request
from meshkit.pages import Pages, page_size
from services.fraud import convert
from services.fraud.ports.backtests import BacktestChanges
from services.fraud.service.backtests.keeping import BacktestService, NewBacktest, ToldBacktest
from services.fraud.servicer.scenarios import Context, actor

__all__ = ["BacktestServicer"]

MOST_PER_PAGE = 100


class BacktestServicer:
    """Implements `rampart.fraud.v1.BacktestService`."""

    def __init__(
        self, service: BacktestService, idempotent: IdempotentChanges[BacktestChanges], *, pages: Pages
    ) -> None:
        self._service = service
        self._idempotent = idempotent
        self._pages = pages

    async def CreateBacktest(self, request: pb.CreateBacktestRequest, _: Context) -> pb.CreateBacktestResponse:
        who, new = actor(), NewBacktest(*convert.period_from_proto(request))

        async def create(changes: BacktestChanges) -> bytes:
            made = await self._service.create(changes, who, new)
            return pb.CreateBacktestResponse(backtest=_told(made)).SerializeToString()

        named = named_request(request, lambda content: None)
        return pb.CreateBacktestResponse.FromString(await self._idempotent.run(who.tenant_id, named, create))

    async def GetBacktest(self, request: pb.GetBacktestRequest, _: Context) -> pb.GetBacktestResponse:
        told = await self._service.get(principal().tenant_id, UUID(request.backtest_id))
        return pb.GetBacktestResponse(backtest=_told(told))

    async def ListBacktests(self, request: pb.ListBacktestsRequest, _: Context) -> pb.ListBacktestsResponse:
        tenant_id, size = principal().tenant_id, min(page_size(request.page_size), MOST_PER_PAGE)
        place = self._pages.decode(tenant_id, request, request.page_token, 1)
        found, more = await self._service.page(tenant_id, UUID(place[0]) if place else None, size)
        following = self._pages.encode(tenant_id, request, [found[-1].backtest.backtest_id]) if more else ""
        return pb.ListBacktestsResponse(backtests=[_told(each) for each in found], next_page_token=following)

    async def CancelBacktest(self, request: pb.CancelBacktestRequest, _: Context) -> pb.CancelBacktestResponse:
        told = await self._service.cancel(principal().tenant_id, UUID(request.backtest_id))
        return pb.CancelBacktestResponse(backtest=_told(told))


def _told(told: ToldBacktest) -> backtest_pb2.Backtest:
    return convert.backtest_to_proto(told.backtest, told.state)
