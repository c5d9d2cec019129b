"""The gRPC methods of fraud checks and decisions: convert, call, convert.

Single checks are coalesced into batches; what arrives as a batch stays one. Either way a few are decided at a time.
Checks that take long go their own way, so that they hold up no others.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, TypeAlias
from uuid import UUID

import grpc
from rampart.fraud.v1 import decision_pb2
from rampart.fraud.v1 import fraud_service_pb2 as pb

from meshkit.context import principal
from meshkit.continuations import Continuations
from meshkit.errors import internal
from meshkit.pages import Pages, page_size
from services.fraud import convert, errors
from services.fraud.domain.declared.starter import STARTER, VERSIONS_OF_BEFORE
from services.fraud.domain.outbox import BEGINNING, PlaceProof
from services.fraud.ports import DecisionStore, Outbox, StoredDecision, StoredEvents
from services.fraud.service.tenants.rates import ExchangeRates
from services.fraud.service.verification.replaying import Replays
from services.fraud.service.watching.watches import Watches
from services.fraud.servicer.checks import CheckCalls, CheckMeans

__all__ = ["FraudServicer"]


Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class FraudServicer(CheckCalls):
    """Implements `rampart.fraud.v1.FraudService`."""

    def __init__(
        self,
        *,
        means: CheckMeans,
        store: DecisionStore,
        outbox: Outbox,
        decided: StoredEvents,
        watches: Watches,
        continuations: Continuations,
        rates: ExchangeRates,
        replays: Replays,
    ) -> None:
        super().__init__(means)
        self._store = store
        self._outbox = outbox
        self._decided = decided
        self._watches = watches
        self._continuations = continuations
        self._pages = Pages(continuations)
        self._rates = rates
        self._replays = replays

    async def GetDecision(self, request: pb.GetDecisionRequest, _: Context) -> pb.GetDecisionResponse:
        found = await self._stored(request.decision_id)
        version = convert.vector_version_from_record(found.inputs)
        features = await self._replays.features.version(principal().tenant_id, version)
        if features is None and version not in VERSIONS_OF_BEFORE:
            raise internal()
        layout = (features or STARTER).layout
        return pb.GetDecisionResponse(decision=convert.stored_to_proto(found.answer, found.inputs, layout))

    async def ExplainDecision(self, request: pb.ExplainDecisionRequest, _: Context) -> pb.ExplainDecisionResponse:
        recorded = convert.recorded_from_record(await self._stored(request.decision_id))
        made = await self._replays.explain(principal().tenant_id, recorded)
        return pb.ExplainDecisionResponse(explanation=convert.explanation_to_proto(recorded, made))

    async def ReplayDecision(self, request: pb.ReplayDecisionRequest, _: Context) -> pb.ReplayDecisionResponse:
        recorded = convert.recorded_from_record(await self._stored(request.decision_id))
        found = await self._replays.replay(principal().tenant_id, recorded)
        return pb.ReplayDecisionResponse(replay=convert.replay_to_proto(recorded, found))

    async def _stored(self, decision_id: str) -> StoredDecision:
        """Raises RESOURCE_NOT_FOUND."""
        found = await self._store.get(principal().tenant_id, UUID(decision_id))
        if found is None:
            raise errors.decision_not_found()
        return found

    async def ListDecisions(self, request: pb.ListDecisionsRequest, _: Context) -> pb.ListDecisionsResponse:
        tenant_id, size = principal().tenant_id, page_size(request.page_size)
        place = self._pages.decode(tenant_id, request, request.page_token, 1)
        before = UUID(place[0]) if place else None
        found = await self._store.list(tenant_id, convert.filter_from_proto(request), before, size + 1)
        decisions = [decision_pb2.Decision.FromString(answer) for answer in found[:size]]
        following = self._pages.encode(tenant_id, request, [decisions[-1].decision_id]) if len(found) > size else ""
        return pb.ListDecisionsResponse(decisions=decisions, next_page_token=following)

    async def WatchDecisions(
        self, request: pb.WatchDecisionsRequest, _: Context
    ) -> AsyncGenerator[pb.WatchDecisionsResponse, None]:
        positions = convert.Positions(self._continuations, principal().tenant_id)
        after = positions.read(request.after) if request.after else None
        watching = self._watches.watch(principal().tenant_id, convert.selection_from_proto(request), after)
        async with aclosing(watching) as events:
            async for event in events:
                yield convert.watch_event_to_proto(event, positions)

    async def GetExchangeRates(self, _: pb.GetExchangeRatesRequest, __: Context) -> pb.GetExchangeRatesResponse:
        rates = await self._rates.get(principal().tenant_id)
        return pb.GetExchangeRatesResponse(rates=convert.rates_to_proto(rates), etag=convert.etag_from_rates(rates))

    async def ReplaceExchangeRates(
        self, request: pb.ReplaceExchangeRatesRequest, _: Context
    ) -> pb.ReplaceExchangeRatesResponse:
        rates = convert.rates_from_proto(request)
        await self._rates.replace(principal().tenant_id, rates, convert.admits_from_proto(request, rates))
        return pb.ReplaceExchangeRatesResponse(rates=convert.rates_to_proto(rates), etag=convert.etag_from_rates(rates))

    async def ReadEvents(self, request: pb.ReadEventsRequest, _: Context) -> pb.ReadEventsResponse:
        after = convert.place_from_proto(request.after) if request.HasField("after") else BEGINNING
        page = await self._outbox.read(
            request.consumer, after, request.limit, PlaceProof(request.cluster, request.event)
        )
        return pb.ReadEventsResponse(batch=convert.page_to_proto(page))

    async def ReadDecisions(self, request: pb.ReadDecisionsRequest, _: Context) -> pb.ReadDecisionsResponse:
        after = (request.after_tenant_id, request.after_decision_id)
        return convert.decided_page_to_proto(await self._decided.read(after, request.limit))
