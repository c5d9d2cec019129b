"""Serves and sends batches: calls of one unary method, of any tenants, in one message.

Each item keeps its own caller, tenant, deadline, validation and error. A bad item never fails its neighbours.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message
from rampart.mesh.v1 import batch_pb2

from meshkit.context import CallContext, Principal
from meshkit.errors import Kind, MeshError, deadline_exceeded, from_rpc_error, from_status, to_status
from meshkit.identity.access import require_scope, token_missing
from meshkit.identity.policy import Coalescing, Policy
from meshkit.identity.tokens import TokenVerifier
from meshkit.rpc.channel import call_metadata
from meshkit.rpc.coalesce import Coalescer
from meshkit.rpc.interceptors.validation import validate
from meshkit.telemetry import tracing

__all__ = ["BatchCall", "BatchClient", "Outgoing", "handle_valid", "serve_batch"]

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
    results: Sequence[Message | bytes | MeshError] = await handle_valid(opened, handle)
    return batch_pb2.BatchReply(results=[_result(result) for result in results])


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
    context = CallContext(
        request_id=item.request_id,
        traceparent=item.traceparent,
        token=tokens[item.token],
        principal=principal,
        deadline=now + item.timeout_ms / 1000,
    )
    return BatchCall(request, context, principal)


def _result(result: Message | bytes | MeshError) -> batch_pb2.BatchResult:
    if isinstance(result, MeshError):
        return batch_pb2.BatchResult(status=to_status(result))
    return batch_pb2.BatchResult(response=result if isinstance(result, bytes) else result.SerializeToString())


class BatchClient:
    """Sends concurrent calls of one unary method as batches. Requests and answers are serialised messages.

    Nothing is decoded on the way: an item is its bytes with a tag and a length around them.
    """

    def __init__(self, channel: grpc.aio.Channel, coalescing: Coalescing, policy: Policy, dependency: str) -> None:
        self._call: Any = channel.unary_unary(
            coalescing.method,
            request_serializer=batch_pb2.BatchRequestShape.SerializeToString,
            response_deserializer=batch_pb2.BatchResponseShape.FromString,
        )
        self._policy = policy
        self._dependency = dependency
        self._name = coalescing.method.rpartition("/")[2]
        self._coalescer: Coalescer[Outgoing, bytes] = Coalescer(
            self._name,
            self._send,
            max_items=coalescing.max_items,
            max_bytes=coalescing.max_bytes,
            max_in_flight=coalescing.max_in_flight,
        )

    def submit(self, request: bytes, context: CallContext) -> asyncio.Future[bytes]:
        """Queues a call; the future is its serialised answer or its MeshError."""
        return self._coalescer.submit((request, context), size=len(request), deadline=context.deadline)

    async def _send(self, calls: Sequence[Outgoing]) -> Sequence[bytes | MeshError]:
        now = time.monotonic()
        envelope = batch_pb2.BatchRequestShape()
        tokens: dict[str, int] = {}
        latest = 0.0
        for request, context in calls:
            left = self._policy.deadline if context.deadline is None else context.deadline - now
            latest = max(latest, left)
            envelope.batch.items.add(
                request=request,
                token=tokens.setdefault(context.token, len(tokens)),
                timeout_ms=max(0, int(left * 1000)),
                traceparent=context.traceparent,
                request_id=context.request_id,
            )
        envelope.batch.tokens.extend(tokens)
        with tracing.batch_span(self._name, (context.traceparent for _, context in calls)):
            try:
                answer = await self._call(envelope, timeout=latest, metadata=call_metadata(_carrier(calls)))
            except grpc.aio.AioRpcError as error:
                raise from_rpc_error(error, self._dependency) from error
        return [_answer(result) for result in answer.reply.results]


def _carrier(calls: Sequence[Outgoing]) -> CallContext:
    """Returns the context of the batch itself: named after its first call, without a token."""
    first = calls[0][1]
    return CallContext(request_id=first.request_id, traceparent=first.traceparent)


def _answer(result: batch_pb2.BatchResult) -> bytes | MeshError:
    return result.response if result.HasField("response") else from_status(result.status)
