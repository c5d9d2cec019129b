"""The gRPC methods of fraud checks and decisions: convert, call, convert.

Single checks are coalesced into batches; what arrives as a batch stays one. Either way a few are decided at a time.
Checks that take long go their own way, so that they hold up no others.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, TypeAlias
from uuid import UUID

import grpc
from google.protobuf.message import Message
from rampart.fraud.v1 import decision_pb2
from rampart.fraud.v1 import fraud_service_pb2 as pb
from rampart.mesh.v1 import batch_pb2

from meshkit.context import CallContext, Principal, current, principal
from meshkit.continuations import Continuations
from meshkit.errors import MeshError, internal, to_status
from meshkit.identity.policy import Policy
from meshkit.identity.tokens import TokenVerifier
from meshkit.ids import uuid7_text
from meshkit.pages import Pages, page_size
from meshkit.rpc.batches import BatchCall, handle_valid, serve_batch
from meshkit.rpc.coalesce import Coalescer
from meshkit.rpc.interceptors.validation import validate
from meshkit.rpc.wire import as_field
from meshkit.telemetry.logs import EventLog
from services.fraud import convert, errors
from services.fraud.domain.check import Decided
from services.fraud.domain.outbox import BEGINNING, PlaceProof
from services.fraud.ports import DecisionStore, Outbox, StoredEvents
from services.fraud.service.decider import CheckCall, Outcome
from services.fraud.service.rates import ExchangeRates
from services.fraud.service.vector_layouts import VectorLayouts
from services.fraud.service.watches import Watches
from services.fraud.service.ways import CheckWays

__all__ = ["DECISION_FIELDS", "Checks", "FraudServicer"]

_log = logging.getLogger(__name__)

DECISION_FIELDS = ("request_id", "trace_id", "span_id", "tenant_id", "decision_id", "outcome", "score", "degraded")
DECISION = pb.CheckFraudResponse.DECISION_FIELD_NUMBER

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Checks = Coalescer[CheckCall, Outcome]
Decide = Callable[[Sequence[CheckCall]], Awaitable[Sequence[Outcome | MeshError]]]


class FraudServicer:
    """Implements `rampart.fraud.v1.FraudService`."""

    def __init__(
        self,
        *,
        checks: Checks,
        ways: CheckWays,
        store: DecisionStore,
        layouts: VectorLayouts,
        outbox: Outbox,
        decided: StoredEvents,
        watches: Watches,
        continuations: Continuations,
        rates: ExchangeRates,
        verifier: TokenVerifier,
        batch_policy: Policy,
        decisions: EventLog,
    ) -> None:
        self._checks = checks
        self._ways = ways
        self._store = store
        self._layouts = layouts
        self._outbox = outbox
        self._decided = decided
        self._watches = watches
        self._continuations = continuations
        self._pages = Pages(continuations)
        self._rates = rates
        self._verifier = verifier
        self._batch_policy = batch_policy
        self._decisions = decisions

    async def CheckFraud(self, request: pb.CheckFraudRequest, _: Context) -> pb.CheckFraudResponse:
        call = _call(request, current(), principal())
        outcome = await self._checks.submit(call, size=request.ByteSize(), deadline=call.context.deadline)
        return pb.CheckFraudResponse.FromString(as_field(DECISION, self._answer(call, outcome)))

    async def CoalesceCheckFraud(
        self, request: pb.CoalesceCheckFraudRequest, _: Context
    ) -> pb.CoalesceCheckFraudResponse:
        reply = await serve_batch(
            request.batch,
            policy=self._batch_policy,
            verifier=self._verifier,
            request_class=pb.CheckFraudRequest,
            handle=partial(self._decide_batch, self._way(request.batch.lane)),
        )
        return pb.CoalesceCheckFraudResponse(reply=reply)

    async def BatchCheckFraud(self, request: pb.BatchCheckFraudRequest, _: Context) -> pb.BatchCheckFraudResponse:
        calls = [_item(item, current(), principal()) for item in request.requests]
        answers = await handle_valid(calls, partial(self._decide_all, self._ways.decide_all))
        return pb.BatchCheckFraudResponse(results=[_batch_result(answer) for answer in answers])

    async def GetDecision(self, request: pb.GetDecisionRequest, _: Context) -> pb.GetDecisionResponse:
        found = await self._store.get(principal().tenant_id, UUID(request.decision_id))
        if found is None:
            raise errors.decision_not_found()
        answer, inputs = found
        layout = await self._layouts.of(principal().tenant_id, convert.vector_version(inputs))
        return pb.GetDecisionResponse(decision=convert.stored_to_proto(answer, inputs, layout))

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

    def _way(self, lane: batch_pb2.BatchLane) -> Decide:
        """A sender that knows no lanes waits for everything."""
        if lane == batch_pb2.BATCH_LANE_PROMPT:
            return self._ways.decide
        return self._ways.decide_apart if lane == batch_pb2.BATCH_LANE_APART else self._ways.decide_all

    async def _decide_batch(
        self, decide: Decide, batch: Sequence[BatchCall[pb.CheckFraudRequest]]
    ) -> Sequence[Message | bytes | MeshError]:
        calls = [_call_or_error(item.request, item.context, item.principal) for item in batch]
        answers = await handle_valid(calls, partial(self._decide_all, decide))
        return [answer if isinstance(answer, MeshError) else as_field(DECISION, answer) for answer in answers]

    async def _decide_all(self, decide: Decide, calls: Sequence[CheckCall]) -> Sequence[bytes | MeshError]:
        return [
            outcome if isinstance(outcome, MeshError) else self._answer(call, outcome)
            for call, outcome in zip(calls, await decide(calls), strict=True)
        ]

    def _answer(self, call: CheckCall, outcome: Outcome) -> bytes:
        answer, decided = outcome
        if decided is not None:
            self._log(call, decided)
        return answer

    def _log(self, call: CheckCall, decided: Decided) -> None:
        self._decisions.write(
            call.context.request_id,
            call.context.trace_id,
            call.context.span_id,
            decided.check.tenant_id,
            decided.decision_id,
            decided.verdict.outcome,
            decided.verdict.score,
            ",".join(decided.degraded),
        )


def _call(request: pb.CheckFraudRequest, context: CallContext, caller: Principal) -> CheckCall:
    """Raises VALIDATION_FAILED."""
    transaction_id = request.transaction_id or uuid7_text()
    return CheckCall(convert.check_from_proto(request, caller, transaction_id), context)


def _call_or_error(request: pb.CheckFraudRequest, context: CallContext, caller: Principal) -> CheckCall | MeshError:
    try:
        return _call(request, context, caller)
    except MeshError as error:
        return error
    except Exception:
        # Whatever it is that this one brings, it is not its neighbours'.
        _log.exception("a check cannot be read", extra={"fields": {"request_id": context.request_id}})
        return internal()


def _item(request: pb.CheckFraudRequest, context: CallContext, caller: Principal) -> CheckCall | MeshError:
    """Makes a call of an item of a public batch, which shares its caller with its neighbours."""
    try:
        validate(request)
    except MeshError as error:
        return error
    return _call_or_error(request, context, caller)


def _batch_result(result: bytes | MeshError) -> pb.BatchCheckFraudResult:
    if isinstance(result, MeshError):
        return pb.BatchCheckFraudResult(error=to_status(result))
    return pb.BatchCheckFraudResult(decision=decision_pb2.Decision.FromString(result))
