"""Implements the gRPC methods that decide: convert, call, convert.

Single checks are coalesced into batches; what arrives as a batch stays one. Either way a few are decided at a time.
Checks that take long go their own way, so that they hold up no others.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias, TypeVar

import grpc
from google.protobuf.message import Message
from rampart.fraud.v1 import decision_pb2
from rampart.fraud.v1 import fraud_service_pb2 as pb
from rampart.mesh.v1 import batch_pb2

from meshkit.context import CallContext, Principal, current, principal
from meshkit.errors import MeshError, internal, to_status
from meshkit.identity.policy import Policy
from meshkit.identity.tokens import TokenVerifier
from meshkit.ids import uuid7_text
from meshkit.rpc.batches import BatchCall, handle_valid, serve_batch
from meshkit.rpc.coalesce import Coalescer
from meshkit.rpc.interceptors.validation import validate
from meshkit.rpc.wire import as_field
from meshkit.telemetry.logs import EventLog
from services.fraud import convert, errors
from services.fraud.domain.check import Decided
from services.fraud.domain.event_types import PAYMENT
from services.fraud.service.deciding.decider import CheckCall, Outcome, StateOf
from services.fraud.service.deciding.ways import CheckWays

__all__ = ["DECISION_FIELDS", "CheckCalls", "CheckMeans", "Checks"]

_log = logging.getLogger(__name__)

DECISION_FIELDS = ("request_id", "trace_id", "span_id", "tenant_id", "decision_id", "outcome", "score", "degraded")
DECISION = pb.CheckFraudResponse.DECISION_FIELD_NUMBER
STEP_ITEMS = 32
"""Items of a public batch that are read or answered in one go."""
RETURN_SECONDS = 0.2
"""Its items end so much before a public batch, so that it is answered though some of them were not decided."""
assert DECISION == pb.CheckEventResponse.DECISION_FIELD_NUMBER

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Checks = Coalescer[CheckCall, Outcome]
Decide = Callable[[Sequence[CheckCall]], Awaitable[Sequence[Outcome | MeshError]]]
T = TypeVar("T")
Request = TypeVar("Request", bound=Message)
Read: TypeAlias = Callable[[Request, CallContext, Principal], Awaitable[CheckCall]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckMeans:
    """What checks are decided with."""

    checks: Checks
    """Joins single checks that arrive here."""
    ways: CheckWays
    states: StateOf
    verifier: TokenVerifier
    batch_policy: Policy
    """Of calls that carry single ones."""
    decisions: EventLog


class CheckCalls:
    """The methods of `rampart.fraud.v1.FraudService` that decide."""

    def __init__(self, means: CheckMeans) -> None:
        self._means = means

    async def CheckFraud(self, request: pb.CheckFraudRequest, _: Context) -> pb.CheckFraudResponse:
        call = await self._payment(request, current(), principal())
        return pb.CheckFraudResponse.FromString(as_field(DECISION, await self._decide_one(call, request.ByteSize())))

    async def CheckEvent(self, request: pb.CheckEventRequest, _: Context) -> pb.CheckEventResponse:
        call = await self._event(request, current(), principal())
        return pb.CheckEventResponse.FromString(as_field(DECISION, await self._decide_one(call, request.ByteSize())))

    async def CoalesceCheckFraud(
        self, request: pb.CoalesceCheckFraudRequest, _: Context
    ) -> pb.CoalesceCheckFraudResponse:
        reply = await self._serve(request.batch, pb.CheckFraudRequest, self._payment)
        return pb.CoalesceCheckFraudResponse(reply=reply)

    async def CoalesceCheckEvent(
        self, request: pb.CoalesceCheckEventRequest, _: Context
    ) -> pb.CoalesceCheckEventResponse:
        reply = await self._serve(request.batch, pb.CheckEventRequest, self._event)
        return pb.CoalesceCheckEventResponse(reply=reply)

    async def BatchCheckFraud(self, request: pb.BatchCheckFraudRequest, _: Context) -> pb.BatchCheckFraudResponse:
        caller, context = principal(), _ending_before(current())
        calls = [await self._item(item, context, caller) async for item in _in_steps(request.requests)]
        answers = await handle_valid(calls, partial(self._decide_all, self._means.ways.decide_all))
        return pb.BatchCheckFraudResponse(results=[_batch_result(answer) async for answer in _in_steps(answers)])

    async def _payment(self, request: pb.CheckFraudRequest, context: CallContext, caller: Principal) -> CheckCall:
        """Raises VALIDATION_FAILED."""
        reader = None
        if request.attributes:
            reader = (await self._means.states(caller.tenant_id)).configuration.readers[PAYMENT.name]
        transaction_id = request.transaction_id or uuid7_text()
        return CheckCall(convert.check_from_proto(request, caller, transaction_id, reader), context)

    async def _item(
        self, request: pb.CheckFraudRequest, context: CallContext, caller: Principal
    ) -> CheckCall | MeshError:
        """Makes a call of an item of a public batch, which shares its caller with its neighbours."""
        try:
            validate(request)
        except MeshError as error:
            return error
        return await _read_or_error(self._payment, request, context, caller)

    async def _event(self, request: pb.CheckEventRequest, context: CallContext, caller: Principal) -> CheckCall:
        """Raises VALIDATION_FAILED and RESOURCE_NOT_FOUND."""
        state = await self._means.states(caller.tenant_id)
        reader = state.configuration.readers.get(request.event_type)
        if reader is None:
            raise errors.event_type_not_found()
        transaction_id = request.transaction_id or uuid7_text()
        return CheckCall(convert.check_from_event(request, reader, caller, transaction_id), context)

    async def _decide_one(self, call: CheckCall, size: int) -> bytes:
        outcome = await self._means.checks.submit(call, size=size, deadline=call.context.deadline)
        return self._answer(call, outcome)

    async def _serve(
        self, batch: batch_pb2.Batch, request_class: type[Request], read: Read[Request]
    ) -> batch_pb2.BatchReply:
        return await serve_batch(
            batch,
            policy=self._means.batch_policy,
            verifier=self._means.verifier,
            request_class=request_class,
            handle=partial(self._decide_batch, self._way(batch.lane), read),
        )

    def _way(self, lane: batch_pb2.BatchLane) -> Decide:
        """A sender that knows no lanes waits for everything."""
        ways = self._means.ways
        if lane == batch_pb2.BATCH_LANE_PROMPT:
            return ways.decide
        return ways.decide_apart if lane == batch_pb2.BATCH_LANE_APART else ways.decide_all

    async def _decide_batch(
        self, decide: Decide, read: Read[Request], batch: Sequence[BatchCall[Request]]
    ) -> Sequence[Message | bytes | MeshError]:
        calls = [await _read_or_error(read, item.request, item.context, item.principal) for item in batch]
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
        self._means.decisions.write(
            call.context.request_id,
            call.context.trace_id,
            call.context.span_id,
            decided.check.tenant_id,
            decided.decision_id,
            decided.verdict.outcome,
            decided.verdict.score,
            ",".join(decided.degraded),
        )


def _ending_before(context: CallContext) -> CallContext:
    """Returns the context of a batch's items, which leaves time to answer for those that are decided."""
    if context.deadline is None:
        return context
    left = context.deadline - time.monotonic()
    return replace(context, deadline=context.deadline - min(RETURN_SECONDS, left / 2))


async def _in_steps(items: Iterable[T]) -> AsyncIterator[T]:
    """Yields what is many, and lets others go on in between."""
    for number, item in enumerate(items, start=1):
        yield item
        if number % STEP_ITEMS == 0:
            await asyncio.sleep(0)


async def _read_or_error(
    read: Read[Request], request: Request, context: CallContext, caller: Principal
) -> CheckCall | MeshError:
    try:
        return await read(request, context, caller)
    except MeshError as error:
        return error
    except Exception:
        # Whatever it is that this one brings, it is not its neighbours'.
        _log.exception("a check cannot be read", extra={"fields": {"request_id": context.request_id}})
        return internal()


def _batch_result(result: bytes | MeshError) -> pb.BatchCheckFraudResult:
    if isinstance(result, MeshError):
        return pb.BatchCheckFraudResult(error=to_status(result))
    return pb.BatchCheckFraudResult(decision=decision_pb2.Decision.FromString(result))
