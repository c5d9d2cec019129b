"""Serves and sends batches: calls of one unary method, of any tenants, in one message.

Each item keeps its own caller, tenant, deadline, validation and error. A bad item never fails its neighbours.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message
from rampart.mesh.v1 import batch_pb2

from meshkit.apart import TravelsApart
from meshkit.context import CallContext, Principal, current
from meshkit.errors import Kind, MeshError, deadline_exceeded, from_status, internal, to_status
from meshkit.identity.access import require_scope, token_missing
from meshkit.identity.policy import Coalescing, Policy
from meshkit.identity.tokens import TokenVerifier
from meshkit.rpc import spans
from meshkit.rpc.coalesce import Coalescer
from meshkit.rpc.interceptors.validation import validate
from meshkit.rpc.item_spans import item_spans
from meshkit.rpc.unary import invoke

__all__ = ["BatchCall", "BatchClient", "Outgoing", "handle_valid", "serve_batch"]

_log = logging.getLogger(__name__)

REPLY_BYTES = 6 << 20
"""Most bytes of answers in one reply: less than a channel takes."""
APART_ITEMS = 64
APART_IN_FLIGHT = 2

Item = TypeVar("Item")
Answer = TypeVar("Answer")
Request = TypeVar("Request", bound=Message)
Outgoing = tuple[bytes, CallContext]
"""A serialised request and the call that it belongs to."""


@dataclass(slots=True)
class BatchCall(Generic[Request]):
    """One item of an incoming batch, verified and valid."""

    request: Request
    context: CallContext
    principal: Principal


async def serve_batch(
    batch: batch_pb2.Batch,
    *,
    policy: Policy,
    verifier: TokenVerifier,
    request_class: type[Request],
    handle: Callable[[Sequence[BatchCall[Request]]], Awaitable[Sequence[Message | bytes | MeshError]]],
) -> batch_pb2.BatchReply:
    """Verifies each item, hands the good ones to `handle` and answers all in order. An answer may come serialised."""
    principals = [await _verify(token, policy, verifier) for token in batch.tokens]
    now = time.monotonic()
    opened = [_open(item, principals, batch.tokens, request_class, now) for item in batch.items]
    with item_spans(policy.path, request_class, batch.items, opened) as ended:
        results: Sequence[Message | bytes | MeshError] = await handle_valid(opened, handle)
        ended(results)
    return batch_pb2.BatchReply(results=_within_reply([_result(result) for result in results]))


async def handle_valid(
    calls: Sequence[Item | MeshError], handle: Callable[[Sequence[Item]], Awaitable[Sequence[Answer | MeshError]]]
) -> Sequence[Answer | MeshError]:
    """Hands what is no error to `handle`, and returns its answers and the errors, each in the place of its call."""
    answers = iter(await handle([call for call in calls if not isinstance(call, MeshError)]))
    return [call if isinstance(call, MeshError) else next(answers) for call in calls]


async def _verify(token: str, policy: Policy, verifier: TokenVerifier) -> Principal | MeshError:
    try:
        principal = await verifier.verify(token)
        require_scope(policy, principal)
    except MeshError as error:
        return error
    return principal


def _open(
    item: batch_pb2.BatchItem,
    principals: Sequence[Principal | MeshError],
    tokens: Sequence[str],
    request_class: type[Request],
    now: float,
) -> BatchCall[Request] | MeshError:
    if item.token >= len(principals):
        return token_missing()
    principal = principals[item.token]
    if isinstance(principal, MeshError):
        return principal
    if item.timeout_ms == 0:
        return deadline_exceeded()
    try:
        request = request_class.FromString(item.request)
        validate(request)
    except MeshError as error:
        return error
    except DecodeError:
        return MeshError(Kind.INVALID_ARGUMENT, "MALFORMED_REQUEST", "the request cannot be read")
    except Exception:
        # Whatever it is that this one brings, it is not its neighbours'.
        _log.exception("an item of a batch cannot be read", extra={"fields": {"request_id": item.request_id}})
        return internal()
    context = CallContext(
        request_id=item.request_id,
        traceparent=item.traceparent,
        token=tokens[item.token],
        principal=principal,
        deadline=now + item.timeout_ms / 1000,
        tracestate=item.tracestate,
    )
    return BatchCall(request, context, principal)


def _within_reply(results: list[batch_pb2.BatchResult]) -> list[batch_pb2.BatchResult]:
    """Leaves out the largest answers of a reply that its receiver would refuse as a whole."""
    size = sum(result.ByteSize() for result in results)
    if size > REPLY_BYTES:
        for place in sorted(range(len(results)), key=lambda place: -results[place].ByteSize()):
            size -= results[place].ByteSize()
            results[place] = batch_pb2.BatchResult(status=to_status(_too_large()))
            if size <= REPLY_BYTES:
                break
    return results


def _too_large() -> MeshError:
    return MeshError(
        Kind.RESOURCE_EXHAUSTED, "OVERLOADED", "the answer is too large to travel with others", retry_after=0.5
    )


def _result(result: Message | bytes | MeshError) -> batch_pb2.BatchResult:
    if isinstance(result, TravelsApart):
        return batch_pb2.BatchResult(apart=True)
    if isinstance(result, MeshError):
        return batch_pb2.BatchResult(status=to_status(result))
    return batch_pb2.BatchResult(response=result if isinstance(result, bytes) else result.SerializeToString())


class BatchClient:
    """Sends concurrent calls of one unary method as batches. Requests and answers are serialised messages.

    Nothing is decoded on the way: an item is its bytes with a tag and a length around them. A call that the service
    would not let hold up its neighbours goes on in a lane of its own, within the same deadline.
    """

    def __init__(self, channel: grpc.aio.Channel, coalescing: Coalescing, policy: Policy, dependency: str) -> None:
        self._call: Any = channel.unary_unary(
            coalescing.method,
            request_serializer=batch_pb2.BatchRequestShape.SerializeToString,
            response_deserializer=batch_pb2.BatchResponseShape.FromString,
        )
        self._policy = policy
        self._path = coalescing.method
        self._dependency = dependency
        name = coalescing.method.rpartition("/")[2]
        self._coalescer: Coalescer[Outgoing, bytes] = Coalescer(
            name,
            partial(self._send, batch_pb2.BATCH_LANE_PROMPT),
            max_items=coalescing.max_items,
            max_bytes=coalescing.max_bytes,
            max_in_flight=coalescing.max_in_flight,
        )
        self._apart: Coalescer[Outgoing, bytes] = Coalescer(
            f"{name} apart",
            partial(self._send, batch_pb2.BATCH_LANE_APART),
            max_items=APART_ITEMS,
            max_bytes=coalescing.max_bytes,
            max_in_flight=APART_IN_FLIGHT,
        )

    def submit(self, request: bytes, context: CallContext) -> asyncio.Future[bytes]:
        """Queues a call; the future is its serialised answer or its MeshError."""
        return self._coalescer.submit((request, context), size=len(request), deadline=context.deadline, call=context)

    async def _send(
        self, lane: batch_pb2.BatchLane, calls: Sequence[Outgoing]
    ) -> Sequence[bytes | MeshError | asyncio.Future[bytes]]:
        now = time.monotonic()
        envelope = batch_pb2.BatchRequestShape()
        envelope.batch.lane = lane
        tokens: dict[str, int] = {}
        latest = 0.0
        for request, context in calls:
            left = self._policy.deadline if context.deadline is None else context.deadline - now
            latest = max(latest, left)
            item = envelope.batch.items.add(
                request=request,
                token=tokens.setdefault(context.token, len(tokens)),
                timeout_ms=max(0, int(left * 1000)),
                traceparent=context.traceparent,
                request_id=context.request_id,
            )
            if context.tracestate:
                item.tracestate = context.tracestate
        envelope.batch.tokens.extend(tokens)
        batch = current()
        span = spans.client_span(self._path, batch)
        answer = await invoke(self._call, envelope, timeout=latest, call=batch, span=span, dependency=self._dependency)
        return [
            self._send_apart(call) if result.apart else _answer(result)
            for call, result in zip(calls, answer.reply.results, strict=True)
        ]

    def _send_apart(self, call: Outgoing) -> asyncio.Future[bytes]:
        request, context = call
        return self._apart.submit(call, size=len(request), deadline=context.deadline, call=context)


def _answer(result: batch_pb2.BatchResult) -> bytes | MeshError:
    return result.response if result.HasField("response") else from_status(result.status)
